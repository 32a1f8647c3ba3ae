#!/bin/sh
#   OpenWrt 22.03 or later with the package openvpn-openssl: copy this folder to the router, then: sh site-rio.sh
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
umask 077
mkdir -p /etc/openvpn
cp site-rio-ca.crt site-rio.crt site-rio.key site-rio-control.key /etc/openvpn/
mkdir -p /etc/nftables.d
cp site-rio.nft /etc/nftables.d/
for section in openvpn.chaveiro_site_rio firewall.chaveiro_site_rio firewall.chaveiro_site_rio_in firewall.chaveiro_site_rio_out; do
	uci -q delete "$section" || true
done
uci batch <<'END'
set openvpn.chaveiro_site_rio='openvpn'
set openvpn.chaveiro_site_rio.enabled='1'
set openvpn.chaveiro_site_rio.client='1'
set openvpn.chaveiro_site_rio.dev='tun0'
set openvpn.chaveiro_site_rio.dev_type='tun'
add_list openvpn.chaveiro_site_rio.remote='vpn.example.org 1194 udp'
add_list openvpn.chaveiro_site_rio.remote='2001:db8::1 443 tcp-client'
add_list openvpn.chaveiro_site_rio.remote='old.example.org 1194 udp'
add_list openvpn.chaveiro_site_rio.remote='old.example.org 443 tcp-client'
set openvpn.chaveiro_site_rio.nobind='1'
set openvpn.chaveiro_site_rio.persist_key='1'
set openvpn.chaveiro_site_rio.persist_tun='1'
set openvpn.chaveiro_site_rio.remote_random='1'
set openvpn.chaveiro_site_rio.remote_cert_tls='server'
set openvpn.chaveiro_site_rio.tls_version_min='1.3'
set openvpn.chaveiro_site_rio.verify_x509_name='vpn.example.org name'
add_list openvpn.chaveiro_site_rio.data_ciphers='AES-256-GCM'
add_list openvpn.chaveiro_site_rio.data_ciphers='AES-128-GCM'
add_list openvpn.chaveiro_site_rio.data_ciphers='CHACHA20-POLY1305'
set openvpn.chaveiro_site_rio.auth='SHA256'
set openvpn.chaveiro_site_rio.ca='/etc/openvpn/site-rio-ca.crt'
set openvpn.chaveiro_site_rio.cert='/etc/openvpn/site-rio.crt'
set openvpn.chaveiro_site_rio.key='/etc/openvpn/site-rio.key'
set openvpn.chaveiro_site_rio.tls_crypt_v2='/etc/openvpn/site-rio-control.key'
set openvpn.chaveiro_site_rio.tun_mtu='1400'
set openvpn.chaveiro_site_rio.reneg_sec='7200'
set openvpn.chaveiro_site_rio.ping='10'
set openvpn.chaveiro_site_rio.ping_restart='60'
set firewall.chaveiro_site_rio='zone'
set firewall.chaveiro_site_rio.name='vpn0'
add_list firewall.chaveiro_site_rio.device='tun0'
set firewall.chaveiro_site_rio.input='REJECT'
set firewall.chaveiro_site_rio.output='ACCEPT'
set firewall.chaveiro_site_rio.forward='REJECT'
set firewall.chaveiro_site_rio_out='forwarding'
set firewall.chaveiro_site_rio_out.src='lan'
set firewall.chaveiro_site_rio_out.dest='vpn0'
set firewall.chaveiro_site_rio_in='forwarding'
set firewall.chaveiro_site_rio_in.src='vpn0'
set firewall.chaveiro_site_rio_in.dest='lan'
commit openvpn
commit firewall
END
/etc/init.d/firewall restart
/etc/init.d/openvpn enable
/etc/init.d/openvpn restart chaveiro_site_rio
