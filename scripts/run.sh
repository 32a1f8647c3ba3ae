#!/bin/sh
# Builds the server and runs it on ./data (or CHAVEIRO_DATA_DIR), with an apikey
# that may do everything: made at the first run, its token kept beside the data.
# When a source changes, it is built and started again; a build that fails leaves
# the server running that there is.
# All CHAVEIRO_ variables mean what they mean to the server.
set -eu

main() {
	cd "$(dirname "$0")/.."
	make --no-print-directory -s build
	export CHAVEIRO_DATA_DIR="${CHAVEIRO_DATA_DIR:-./data}"
	export CHAVEIRO_LISTEN="${CHAVEIRO_LISTEN:-127.0.0.1:8080}"
	token_file=$CHAVEIRO_DATA_DIR/admin.token
	stamp=bin/started
	[ -s "$token_file" ] || make_token
	explain "$(cat "$token_file")"
	trap 'stop; exit 0' INT TERM
	start
	while sleep 1; do
		changed && rebuild
		running || { wait "$server"; exit $?; }
	done
}

start() {
	touch "$stamp"
	bin/chaveiro serve &
	server=$!
}

# stop is heard by the server too when it is Control-C; it ends once.
stop() {
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
}

running() { kill -0 "$server" 2>/dev/null; }

changed() {
	[ -n "$(find cmd db gen pkg go.mod -newer "$stamp" \( -name '*.go' -o -name '*.sql' -o -name '*.yaml' -o -name go.mod \) | head -n 1)" ]
}

rebuild() {
	touch "$stamp"
	if make --no-print-directory -s build; then
		stop
		start
	fi
}

# make_token names the key after the moment, so that a token that was lost is in
# nobody's way. The file appears whole, and readable by nobody else.
make_token() {
	umask 077
	bin/chaveiro migrate up >/dev/null
	token=$(bin/chaveiro apikey create --superuser --name "admin $(date -u +%Y-%m-%dT%H:%M:%SZ)")
	printf '%s\n' "$token" >"$token_file.new"
	mv "$token_file.new" "$token_file"
}

explain() {
	url=http://$CHAVEIRO_LISTEN
	[ -z "${CHAVEIRO_TLS_CERTIFICATE:-}" ] || url=https://$CHAVEIRO_LISTEN
	cat <<-END

		Token (kept in $token_file):

		$1

		Swagger UI: $url/docs/  (Authorize, with this token)

		TOKEN=\$(cat $token_file)
		curl -H "Authorization: Bearer \$TOKEN" -H 'Content-Type: application/json' -d '{"name":"ca-matriz","email":"ca@example.com"}' $url/api/openvpn/cas
		curl -H "Authorization: Bearer \$TOKEN" -H 'Content-Type: application/json' -d '{"ca_id":1,"name":"lisboa","email":"site@example.com"}' $url/api/openvpn/clients/site2site
		curl -H "Authorization: Bearer \$TOKEN" $url/api/openvpn/clients/site2site

	END
}

main "$@"
