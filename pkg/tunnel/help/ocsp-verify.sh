#!/bin/sh
# Asks for the status of the certificate of a site by OCSP, when OpenVPN verifies it:
#
#   script-security 2
#   tls-verify "/bin/sh ocsp-verify.sh https://SERVICE/ocsp"
#
# It lets a site in only when a signed answer says that its certificate is good. Whatever else happens, the site is
# refused: revoked, suspended, unknown, no answer within ten seconds, an answer that does not verify. OpenVPN serves
# nobody while it waits. The files ocsp/ID.pem beside this one are the CAs; the service knows each by that id.
#
# It needs sh and openssl. Of what OpenVPN tells it takes the serial number of the site and the fingerprint of its
# issuer, and of these hexadecimal digits only; a site chooses neither. The programs that it starts get an empty
# environment.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
IFS='
'

refuse() {
    echo "ocsp-verify: refused: $1" >&2
    exit 1
}

# digits VALUE: the hexadecimal digits of a value that has nothing else but colons, in lower case.
digits() {
    plain=$(printf '%s' "$1" | tr -d : | tr A-F a-f)
    case $plain in '' | *[!0-9a-f]*) return 1 ;; esac
    printf '%s' "$plain"
}

[ $# -eq 3 ] || refuse "it is called with the address of the service, and by OpenVPN with two more words"
base=${1%/}
case $base in http://* | https://*) ;; *) refuse "the address of the service does not begin with http" ;; esac
case $2 in
0) ;;                  # the site
[1-9]) exit 0 ;;       # the CAs above it: OpenVPN has verified their signatures
*) refuse "the depth is no digit" ;;
esac

serial=$(digits "${tls_serial_hex_0-}") || refuse "OpenVPN tells no serial number"
issuer=$(digits "${tls_digest_sha256_1-}") || refuse "OpenVPN tells no issuer"
case $0 in */*) dir=${0%/*} ;; *) dir=. ;; esac
file=
for one in "$dir"/ocsp/*.pem; do
    print=$(env -i PATH="$PATH" LC_ALL=C openssl x509 -in "$one" -noout -fingerprint -sha256 2>&1) || continue
    [ "$(digits "${print#*=}")" = "$issuer" ] && file=$one
done
set -f
[ -n "$file" ] || refuse "the issuer is none of the CAs in $dir/ocsp, or can't be read"
id=${file##*/}
id=${id%.pem}
host=${base#*://}

limit=
command -v timeout >/dev/null && limit='timeout
10'
# shellcheck disable=SC2086 # limit is two words, or none
answer=$(env -i PATH="$PATH" LC_ALL=C $limit openssl ocsp -timeout 5 -issuer "$file" -serial "0x$serial" \
    -url "$base/$id" -header "Host=${host%%/*}" -CAfile "$file" -partial_chain 2>&1)
status=$?

verified=no good=no
for line in $answer; do
    case $line in
    'Response verify OK') verified=yes ;;
    "0x$serial: good") good=yes ;;
    *'WARNING: no nonce'* | *'Nonce Verify error'*) refuse "the answer may be an old one" ;;
    *'Status times invalid'*) refuse "the answer is of another time: compare the clocks" ;;
    esac
done
[ $status -eq 0 ] || refuse "there is no answer"
[ $verified = yes ] || refuse "the answer does not verify"
[ $good = yes ] || refuse "the certificate 0x$serial is not good"
exit 0
