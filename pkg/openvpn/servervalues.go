package openvpn

import (
	"log/slog"
	"net"
	"net/netip"
)

// ServerValues are what a model may use: {{.Name}} is the field Name. docs/models.md explains them
// for those who write models. No value can add a directive, or a parameter, to what a model writes.
type ServerValues struct {
	Name   string // of the instance, for comments
	Device string // the tunnel's device: tun, or tun and a number

	Proto      string // udp or tcp-server; udp4, udp6, tcp4-server, tcp6-server for one family alone
	Local      string // the address that the server listens at; empty: all
	Port       int    // 1 to 65535
	Multihome  bool   // answers leave from the address that was asked; only over UDP
	NotifyExit bool   // whether clients are told that the server ends; only over UDP

	Topology           string // subnet
	Network, Network6  Net    // of the tunnel; one of them may be empty
	NoPool             bool   // only clients with an address of their own get one
	PoolStart, PoolEnd string // IPv4 addresses for the others; empty: all of Network

	Routes, Routes6         []Net    // behind clients
	PushRoutes, PushRoutes6 []Net    // behind the server, for all clients
	DNSServers              []string // addresses, for all clients
	DNSDomain               string   // for all clients; may be empty
	ClientToClient          bool     // whether clients reach each other

	CA, Cert, Key File
	CRLFile       string // name of a file; empty: none. OpenVPN never reads a list in a block again
	CCDDir        string // the directory of client configurations; empty: none
	CCDExclusive  bool   // whether clients without a file in CCDDir are refused
	MaxClients    int    // 0: as many as OpenVPN allows

	TLS            TLSValues
	ControlChannel string // one of ControlChannels
	ControlKey     File   // the server's key for it; empty for none
	RenegSec       int    // seconds between two keys of the data channel; 0: never

	KeepaliveInterval, KeepaliveTimeout int    // seconds
	User, Group                         string // that the process gives its rights up for; may be empty
	StatusFile                          string // name of a file; empty: none
	Management                          string // name of a socket; empty: none
	Verb                                int    // 0 to 11; 3 is usual

	Extra Lines // directives that a user adds to this instance
}

// Net is a network of either family. An empty one has no CIDR.
type Net struct {
	Address string // 10.8.0.0
	First   string // 10.8.0.1, which the server has in a tunnel's network
	Second  string // 10.8.0.2
	Mask    string // 255.255.255.0; empty for IPv6
	Bits    int    // 24
	CIDR    string // 10.8.0.0/24
}

// File is a file's name, or the text that would be in it, whose lines end with \n. The function
// file writes either.
type File struct {
	Name string
	Text string
}

// Lines are lines of configuration that have been checked.
type Lines string

// TLSValues are what decides about ciphers. [TLSProfile] gives them.
type TLSValues struct {
	Min         string // the lowest version of TLS: 1.2 or 1.3
	CertProfile string // which certificates are strong enough: legacy, preferred or suiteb
	Ciphers     string // of the data channel, in order, with : between them
	Fallback    string // the cipher for clients that do not negotiate; may be empty
	Auth        string // the digest of tls-auth, and of ciphers that need one
}

// ControlChannels are the protections of the control channel, the best one first. RouterOS knows
// none of them.
var ControlChannels = []string{"tls-crypt-v2", "tls-crypt", "tls-auth", "none"}

// tlsProfiles: CBC, and a cipher without negotiation, are for old clients and RouterOS.
var tlsProfiles = map[string]TLSValues{
	"modern": {
		Min: "1.3", CertProfile: "preferred", Ciphers: "AES-256-GCM:CHACHA20-POLY1305:AES-128-GCM", Auth: "SHA256",
	},
	"compatible": {
		Min: "1.2", CertProfile: "legacy", Fallback: "AES-256-CBC", Auth: "SHA256",
		Ciphers: "AES-256-GCM:CHACHA20-POLY1305:AES-128-GCM:AES-256-CBC:AES-128-CBC",
	},
}

// TLSProfile returns the values of a profile: modern (TLS 1.3, ciphers with authentication) or
// compatible (TLS 1.2, also CBC).
func TLSProfile(name string) (values TLSValues, known bool) {
	values, known = tlsProfiles[name]
	return values, known
}

// NetOf returns the network that a prefix is in.
func NetOf(prefix netip.Prefix) Net {
	prefix = prefix.Masked()
	first := prefix.Addr().Next()
	n := Net{
		Address: prefix.Addr().String(), First: first.String(), Second: first.Next().String(), Bits: prefix.Bits(),
		CIDR: prefix.String(),
	}
	if prefix.Addr().Is4() {
		n.Mask = maskOf(prefix)
	}
	return n
}

// maskOf is the mask of an IPv4 prefix, as 255.255.255.0.
func maskOf(prefix netip.Prefix) string { return net.IP(net.CIDRMask(prefix.Bits(), 32)).String() }

// LogValue keeps keys out of logs.
func (f File) LogValue() slog.Value {
	if f.Text != "" {
		return slog.StringValue("(text)")
	}
	return slog.StringValue(f.Name)
}
