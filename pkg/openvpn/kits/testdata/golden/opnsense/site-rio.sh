#!/bin/sh
#   OPNsense 24.7 or later. Make an apikey under System > Access > Users, then run this beside the other files:
#   OPNSENSE_URL=https://firewall OPNSENSE_KEY=... OPNSENSE_SECRET=... sh site-rio.sh
#   Site: site-rio
#   Certificate: site-rio
#   Address in the tunnel: 10.8.0.2/24
#   Address in the tunnel: fd08::2/64
#   Network of the site: 192.168.1.0/24
#   Network of the site: fd01::/64
#   Network 192.168.1.0/24 is seen as 10.101.0.0/24
#   Network 192.168.2.0/25 is seen as 10.101.1.0/25
#   Network fd01::/64 is seen as fd00:101::/64
#   Profile 3 of the instance matriz
set -eu
cd "$(dirname "$0")"
: "${OPNSENSE_URL:?is the address of the firewall}"
: "${OPNSENSE_KEY:?is the key of an apikey}"
: "${OPNSENSE_SECRET:?is the secret of the apikey}"

# post sends a body, or a file with it, and keeps the answer. The apikey is not an argument of curl,
# where others could see it.
post() {
	answer=$(printf 'user = "%s:%s"\n' "$OPNSENSE_KEY" "$OPNSENSE_SECRET" |
		curl -fsS --config - -H 'Content-Type: application/json' --data-binary "$2" "$OPNSENSE_URL/api/$1")
	case $answer in
	*'"failed"'*)
		echo "$1: $answer" >&2
		exit 1
		;;
	esac
}

post openvpn/instances/search '{"current":1,"rowCount":-1,"searchPhrase":"site-rio"}'
case $answer in
*'"description":"site-rio"'*)
	echo "there is an instance site-rio already" >&2
	exit 1
	;;
esac
post trust/ca/add @site-rio-ca-1.json
post trust/cert/add @site-rio-cert.json
post openvpn/instances/add_static_key @site-rio-key.json
key=$(echo "$answer" | sed -n 's/.*"uuid":"\([0-9a-f-]*\)".*/\1/p')
: "${key:?has no id}"
post openvpn/instances/add "$(sed "s/@TLS_KEY@/$key/" site-rio-instance.json)"
post firewall/one_to_one/add_rule @site-rio-nat-1.json
post firewall/one_to_one/add_rule @site-rio-nat-2.json
post firewall/one_to_one/add_rule @site-rio-nat-3.json
post openvpn/service/reconfigure '{}'
post firewall/one_to_one/apply '{}'
