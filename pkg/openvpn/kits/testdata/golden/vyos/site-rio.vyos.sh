#!/bin/vbash
#   VyOS 1.4 or later: copy this file to the router and run it: vbash site-rio.vyos.sh
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
if [ "$(id -g -n)" != 'vyattacfg' ]; then
  exec sg vyattacfg -c "/bin/vbash $(readlink -f "$0")"
fi
source /opt/vyatta/etc/functions/script-template
configure
set pki ca chaveiro-site-rio-ca-1 certificate 'MIIBWzCCAQGgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDEwlNYXRyaXogQ0EwIBcNMjQwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMTCU1hdHJpeiBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABC2G0LbuDd3yW2XdippkirLiGZbcoVgi+AB0diReUlymo4SXGG3QO4Qc99j04XfYwxIcT57Tw1KPLnt+eJgnt5SjQjBAMA4GA1UdDwEB/wQEAwIBBjAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBQJyPJQeLNbJZeZ/nNh5mM8g4LN0TAKBggqhkjOPQQDAgNIADBFAiBcvJG09NFtTBk7E628KLKE3HybJMxtYeEu0CKEzvkeRAIhAMCvlOiQvGI5Nq0ToK61eICS0CIzopiQ2A5VwzA2LWt7'
set pki certificate chaveiro-site-rio certificate 'MIIBTDCB86ADAgECAgECMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMTCU1hdHJpeiBDQTAgFw0yNDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowEzERMA8GA1UEAxMIc2l0ZS1yaW8wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQQa70dXOZNugTvUB1t3jQNvZXM6042IUVbCVIcEddHI6Q204iwvyt3QHNsJlwuqYtA3LODC64QKlYB8owJ+Bv6ozUwMzAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiAp6pCxSzkU+u54Tu+j3jTrtckkP+JLQMP14APu5brFQQIhAK1gPDM7ZoWbSdweVbtRD9x/JSGu0rYlD5InRswYqJDa'
set pki certificate chaveiro-site-rio private key 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4rhfMKxcdgociWfN2s6M1uWUA7mLKrMJ21l2mlnI4p2hRANCAAQQa70dXOZNugTvUB1t3jQNvZXM6042IUVbCVIcEddHI6Q204iwvyt3QHNsJlwuqYtA3LODC64QKlYB8owJ+Bv6'
set pki openvpn shared-secret chaveiro-site-rio key '250a50466f5a1f363c9e910bd7fd24e6b6c2f11376359285a71ef0b6584623d0859b9ad5a10b5551a147c7e5a5445d43dd02612d7bcddff0fc91fb624dd6f76978e57ba5d1e8a451d0793dd2c7719e16ce89ef25641bbfa30bded8e5271b74bbb6c7e24c700dda1e3d204323815b8e13140ddb9e6c2921bbdeba015b821d52aee2f7b3236bb672a0259c69858995136440266680cbd27cabc936b11aa54b407cb8933201cb8a016e04de69d51c4384d77f8154490d96087a42ebf24604e82880060f1ef92d3ede5c6afd71b2ec91c51c539c8a4a7c13178fe52a7152fa3ebe495878c36c6c1f0a86b16b444832fb43768dc72b61629105e99eb196d0162b09cd'
set pki openvpn shared-secret chaveiro-site-rio version '1'
set interfaces openvpn vtun0 description 'site-rio'
set interfaces openvpn vtun0 device-type 'tun'
set interfaces openvpn vtun0 mode 'client'
set interfaces openvpn vtun0 protocol 'udp'
set interfaces openvpn vtun0 remote-host 'vpn.example.org'
set interfaces openvpn vtun0 remote-host '192.0.2.1'
set interfaces openvpn vtun0 remote-port '1194'
set interfaces openvpn vtun0 persistent-tunnel
set interfaces openvpn vtun0 hash 'sha256'
set interfaces openvpn vtun0 tls ca-certificate 'chaveiro-site-rio-ca-1'
set interfaces openvpn vtun0 tls certificate 'chaveiro-site-rio'
set interfaces openvpn vtun0 tls crypt-key 'chaveiro-site-rio'
set interfaces openvpn vtun0 tls tls-version-min '1.3'
set interfaces openvpn vtun0 openvpn-option 'remote-cert-tls server'
set interfaces openvpn vtun0 openvpn-option 'data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305'
set interfaces openvpn vtun0 openvpn-option 'verify-x509-name vpn.example.org name'
set interfaces openvpn vtun0 openvpn-option 'remote-random'
set interfaces openvpn vtun0 openvpn-option 'tun-mtu 1400'
set interfaces openvpn vtun0 openvpn-option 'reneg-sec 7200'
set interfaces openvpn vtun0 openvpn-option 'ping 10'
set interfaces openvpn vtun0 openvpn-option 'ping-restart 60'
set nat source rule 9000 outbound-interface name 'vtun0'
set nat source rule 9000 source address '192.168.1.0/24'
set nat source rule 9000 translation address '10.101.0.0/24'
set nat destination rule 9000 inbound-interface name 'vtun0'
set nat destination rule 9000 destination address '10.101.0.0/24'
set nat destination rule 9000 translation address '192.168.1.0/24'
set nat source rule 9001 outbound-interface name 'vtun0'
set nat source rule 9001 source address '192.168.2.0/25'
set nat source rule 9001 translation address '10.101.1.0/25'
set nat destination rule 9001 inbound-interface name 'vtun0'
set nat destination rule 9001 destination address '10.101.1.0/25'
set nat destination rule 9001 translation address '192.168.2.0/25'
set nat66 source rule 9002 outbound-interface name 'vtun0'
set nat66 source rule 9002 source prefix 'fd01::/64'
set nat66 source rule 9002 translation address 'fd00:101::/64'
set nat66 destination rule 9002 inbound-interface name 'vtun0'
set nat66 destination rule 9002 destination address 'fd00:101::/64'
set nat66 destination rule 9002 translation address 'fd01::/64'
commit
save
exit
