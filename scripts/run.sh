#!/bin/sh
# Builds the server and runs it on ./data (or CHAVEIRO_DATA_DIR), with an apikey
# that is a superuser. The first run makes the apikey and stores its token beside
# the data. When a source file changes, the server is rebuilt and restarted; if the
# build fails, the running server stays.
# The server reads all CHAVEIRO_ variables as usual.
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

# stop ends the server. After Control-C the server has had the signal already, so a
# failing kill is no error.
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

# make_token puts the time into the apikey's name, so that the name is free even if an
# earlier token was lost. The token file appears complete, and only its owner can read it.
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
