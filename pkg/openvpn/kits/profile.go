package kits

import (
	"log/slog"
	"net/netip"
)

// Profile is what a kit is made of. It holds the private key: its log form leaves secrets out.
type Profile struct {
	Site       string   // name of the site; the files are named after it
	CommonName string   // of the client's certificate, for comments; empty: not said
	Remotes    []Remote // where the server is, in the order of trial; 1 to 64
	Random     bool     // begin with any remote, not with the first (remote-random)

	// ServerName is the common name that the server's certificate must have (verify-x509-name);
	// empty: any server's certificate of CA. ServerHosts are the host names and IP addresses that
	// this certificate has as subject alternative names: some routers know no other check.
	ServerName  string
	ServerHosts []string

	CA          []byte // PEM: the authorities that a server may come from, one or more
	Certificate []byte // PEM: the client's certificate, then its intermediates, if any
	Key         []byte // PEM: the client's private key; may be encrypted
	KeyFile     string // where the device has the key, of which Key then has nothing; empty: Key has it
	PKCS12      []byte // DER: certificate and key as PKCS#12, for P12Profile alone

	// Earlier is what held before the server changes, or has changed. What a format can't have of
	// it is left out: see Overlaps.
	Earlier Earlier

	Control     Control
	TLS         TLS
	DataCiphers []string // in order of preference, as OpenVPN names them; empty: DefaultDataCiphers
	Auth        string   // digest of tls-auth and of CBC ciphers; empty: SHA1, the default of OpenVPN

	Device    Device
	Unit      int       // number of the tunnel's interface where it needs a name (tun0, vtun0); 0 to 99
	MTU       int       // bytes; 0: OpenVPN's default
	RenegSec  int       // seconds after which a new key is negotiated; 0: OpenVPN's default
	Keepalive Keepalive // only if the server does not push it

	DNS      []netip.Addr   // name servers that the server pushes
	Tunnel   []netip.Prefix // the site's fixed addresses in the tunnel, with the tunnel's prefix
	Networks []netip.Prefix // what is behind the server; it pushes them
	LANs     []netip.Prefix // what is behind the site
	NAT      []Mapping      // networks of the site that are seen as others

	Comments []string    // lines for readers of the files, as the version of the profile
	Extra    []Directive // further directives of a client
}

// Remote is one address of the server.
type Remote struct {
	Host  string // host name (RFC 1123) or IP address
	Port  int    // 1 to 65535
	Proto Proto
}

// Earlier is what a server has, or had, beside the present: a profile with both works before a
// change of the server and after it.
type Earlier struct {
	Remotes []Remote // that are tried after the others
	Control *Control // nil: that of the profile
}

// Proto is a transport.
type Proto string

// The transports.
const (
	UDP Proto = "udp"
	TCP Proto = "tcp"
)

// Control says how the control channel is protected.
type Control struct {
	Kind ControlKind
	// Key is text: a static key ("OpenVPN Static key V1") for TLSAuth and TLSCrypt, a client key
	// ("OpenVPN tls-crypt-v2 client key") for TLSCryptV2. The direction of TLSAuth is 1, the
	// client's.
	Key []byte
}

// ControlKind is a protection of the control channel, as OpenVPN names it.
type ControlKind string

// The protections of the control channel.
const (
	NoControl  ControlKind = "none"
	TLSAuth    ControlKind = "tls-auth"
	TLSCrypt   ControlKind = "tls-crypt"
	TLSCryptV2 ControlKind = "tls-crypt-v2"
)

// TLS is a level of TLS.
type TLS string

// The levels of TLS.
const (
	Modern     TLS = "modern"     // TLS 1.3; only AEAD ciphers for data
	Compatible TLS = "compatible" // TLS 1.2 or later
)

// Device is the kind of tunnel.
type Device string

// The kinds of tunnel.
const (
	Tun Device = "tun" // IP packets
	Tap Device = "tap" // Ethernet frames
)

// Keepalive is a ping every Interval seconds, and a restart after Timeout seconds without an
// answer.
type Keepalive struct{ Interval, Timeout int }

// Mapping presents a network of the site as another of the same size: each address of Inside is
// seen by the others as the address of Outside with the same host part.
type Mapping struct{ Inside, Outside netip.Prefix }

// Directive is a directive of OpenVPN with its arguments, unquoted.
type Directive struct {
	Name string
	Args []string
}

// DefaultDataCiphers are the data ciphers of OpenVPN 2.6.
var DefaultDataCiphers = []string{"AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"}

// LogValue keeps keys out of logs.
func (p Profile) LogValue() slog.Value {
	return slog.GroupValue(slog.String("site", p.Site), slog.Int("remotes", len(p.Remotes)),
		slog.String("control", string(p.Control.Kind)), slog.String("tls", string(p.TLS)))
}
