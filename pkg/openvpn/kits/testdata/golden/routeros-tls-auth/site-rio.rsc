#   RouterOS 7.17 or later. Upload all files of this kit, then: /import file-name=site-rio.rsc
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
{
:local keyPassword ""
:if ([:len [/interface/ovpn-client/find where name="site-rio"]] > 0) do={ :error "there is an interface site-rio already" }
/certificate/import file-name="site-rio-ca.crt" passphrase=""
/certificate/import file-name="site-rio.crt" passphrase=""
/certificate/import file-name="site-rio.key" passphrase=$keyPassword
/certificate/set [/certificate/find where fingerprint="89a8a08714927352c18987a35728f83909db0eead1ee78b8ace48cc766456e7e"] trusted=yes
:local found [/certificate/find where fingerprint="c6c568d7e7f59638b7deea25e3059de1fdf490d780f6f75d8dd3618bcb0191b1"]
:if ([:len $found] != 1) do={ :error "the certificate and the key of site-rio were not imported" }
:local certificateName [/certificate/get ($found->0) name]
:local before [/interface/ovpn-client/find]
/interface/ovpn-client/import-ovpn-configuration file-name="site-rio.ovpn" ovpn-user="site-rio" ovpn-password="" key-passphrase=$keyPassword skip-cert-import=yes
:local added ""
:foreach i in=[/interface/ovpn-client/find] do={ :if ([:typeof [:find $before $i]] = "nil") do={ :set added $i } }
:if ($added = "") do={ :error "site-rio.ovpn was not imported" }
/interface/ovpn-client/set $added name="site-rio" disabled=yes
/interface/ovpn-client/set [/interface/ovpn-client/find where name="site-rio"] certificate=$certificateName verify-server-certificate=yes tls-version=only-1.2 mode=ethernet add-default-route=no route-nopull=yes use-peer-dns=yes max-mtu=1400 comment="site site-rio"
/ip/route/add dst-address=10.0.0.0/16 gateway="site-rio" comment="site site-rio"
/ipv6/route/add dst-address=fd00:1::/48 gateway="site-rio" comment="site site-rio"
/ip/firewall/nat/add chain=srcnat action=netmap src-address=192.168.1.0/24 out-interface="site-rio" to-addresses=10.101.0.0/24 comment="site site-rio"
/ip/firewall/nat/add chain=dstnat action=netmap dst-address=10.101.0.0/24 in-interface="site-rio" to-addresses=192.168.1.0/24 comment="site site-rio"
/ip/firewall/nat/add chain=srcnat action=netmap src-address=192.168.2.0/25 out-interface="site-rio" to-addresses=10.101.1.0/25 comment="site site-rio"
/ip/firewall/nat/add chain=dstnat action=netmap dst-address=10.101.1.0/25 in-interface="site-rio" to-addresses=192.168.2.0/25 comment="site site-rio"
/ipv6/firewall/nat/add chain=srcnat action=netmap src-address=fd01::/64 out-interface="site-rio" to-address=fd00:101::/64 comment="site site-rio"
/ipv6/firewall/nat/add chain=dstnat action=netmap dst-address=fd00:101::/64 in-interface="site-rio" to-address=fd01::/64 comment="site site-rio"
:do { /file/remove "site-rio.key" } on-error={}
:do { /file/remove "site-rio.ovpn" } on-error={}
/interface/ovpn-client/enable [/interface/ovpn-client/find where name="site-rio"]
}
