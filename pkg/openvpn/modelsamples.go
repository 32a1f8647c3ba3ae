package openvpn

import "net/netip"

// samples are instances on which a model is tried: files by name and as text, both protocols, and
// control channels of each kind.
func samples() []ServerValues {
	files := sampleInstance()
	texts := sampleInstance()
	texts.Proto, texts.NotifyExit = "tcp-server", false
	texts.TLS = tlsProfiles["compatible"]
	texts.CA, texts.Cert, texts.Key = File{Text: "CA\n"}, File{Text: "CERTIFICATE\n"}, File{Text: "KEY\n"}
	texts.ControlChannel, texts.ControlKey = "tls-auth", File{Text: "KEY\n"}
	plain := sampleInstance()
	plain.NoPool, plain.PoolStart, plain.PoolEnd = true, "", ""
	plain.ControlChannel, plain.ControlKey = "none", File{}
	return []ServerValues{files, texts, plain}
}

// sampleInstance has all values. The addresses are those of documentation (RFC 5737, RFC 3849).
func sampleInstance() ServerValues {
	network := func(cidr string) Net { return NetOf(netip.MustParsePrefix(cidr)) }
	return ServerValues{
		Name: "sample", Device: "tun", Proto: "udp", Local: "192.0.2.1", Port: 1194, NotifyExit: true,
		Topology: "subnet", Network: network("198.51.100.0/24"), Network6: network("2001:db8:1::/64"),
		PoolStart: "198.51.100.10", PoolEnd: "198.51.100.99",
		Routes: []Net{network("203.0.113.0/25")}, Routes6: []Net{network("2001:db8:2::/64")},
		PushRoutes: []Net{network("203.0.113.128/25")}, PushRoutes6: []Net{network("2001:db8:3::/64")},
		DNSServers: []string{"198.51.100.1"}, DNSDomain: "example.org", ClientToClient: true,
		CA: File{Name: "ca.pem"}, Cert: File{Name: "server.crt"}, Key: File{Name: "server.key"}, CRLFile: "crl.pem",
		CCDDir: "ccd", CCDExclusive: true, MaxClients: 100, TLS: tlsProfiles["modern"],
		ControlChannel: "tls-crypt-v2", ControlKey: File{Name: "control.key"}, RenegSec: 3600,
		KeepaliveInterval: 10, KeepaliveTimeout: 60, User: "nobody", Group: "nogroup",
		StatusFile: "status.log", Management: "management.sock", Verb: 3, Extra: "sndbuf 0\n",
	}
}
