package openvpn

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// ValueError reports a value that no server can be started with.
type ValueError struct {
	Field   string // of ServerValues or ClientConfig
	Message string // in English; it does not quote the value
}

func (e *ValueError) Error() string { return e.Field + ": " + e.Message }

// valueFaults collects what is wrong with values; the first is reported.
type valueFaults struct{ first *ValueError }

func (f *valueFaults) demand(holds bool, field, message string) {
	if !holds && f.first == nil {
		f.first = &ValueError{field, message}
	}
}

func (f *valueFaults) err() error {
	if f.first == nil {
		return nil
	}
	return f.first
}

var (
	deviceName = regexp.MustCompile(`^tun[0-9]{0,5}$`)
	protoName  = regexp.MustCompile(`^(udp[46]?|tcp[46]?-server)$`)
	userName   = regexp.MustCompile(`^([a-z_][a-z0-9_-]{0,31})?$`)
)

// checkValues demands what OpenVPN demands, where a fault would show only when the server starts.
func checkValues(v ServerValues) error {
	var f valueFaults
	_, reason := unreadable(v.Name)
	f.demand(reason == "" && len(v.Name) <= 200, "Name", "must be short text without control characters")
	f.demand(deviceName.MatchString(v.Device), "Device", "must be tun, or tun and a number")
	f.demand(protoName.MatchString(v.Proto), "Proto", "must be udp, udp4, udp6, tcp-server, tcp4-server or tcp6-server")
	f.demand(v.Local == "" || isAddress(v.Local), "Local", "must be an IP address")
	f.demand(v.Port >= 1 && v.Port <= 65535, "Port", "must be between 1 and 65535")
	f.demand(!v.Multihome || strings.HasPrefix(v.Proto, "udp"), "Multihome", "is only possible over UDP")
	f.demand(!v.NotifyExit || strings.HasPrefix(v.Proto, "udp"), "NotifyExit", "is only possible over UDP")
	f.demand(v.Verb >= 0 && v.Verb <= 11, "Verb", "must be between 0 and 11")
	f.demand(v.MaxClients >= 0, "MaxClients", "must not be negative")
	f.demand(v.RenegSec >= 0, "RenegSec", "must not be negative")
	f.demand(v.KeepaliveInterval > 0 && v.KeepaliveTimeout >= 2*v.KeepaliveInterval, "KeepaliveTimeout",
		"must be at least twice the interval, which must be positive")
	f.demand(userName.MatchString(v.User), "User", "must be the name of a user")
	f.demand(userName.MatchString(v.Group), "Group", "must be the name of a group")
	f.networks(v)
	f.files(v)
	f.tls(v)
	return f.err()
}

func isAddress(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Zone() == ""
}

func (f *valueFaults) networks(v ServerValues) {
	f.demand(v.Topology == "subnet", "Topology", "must be subnet")
	f.demand(v.Network != Net{} || v.Network6 != Net{}, "Network", "there must be one of IPv4 or one of IPv6")
	four, six := isNet(v.Network, false), isNet(v.Network6, true)
	f.demand(v.Network == Net{} || four && v.Network.Bits >= 16 && v.Network.Bits <= 29, "Network",
		"must be a network of IPv4 with 16 to 29 bits")
	f.demand(v.Network6 == Net{} || six && v.Network6.Bits >= 64 && v.Network6.Bits <= 124, "Network6",
		"must be a network of IPv6 with 64 to 124 bits")
	f.nets("Routes", v.Routes, false)
	f.nets("Routes6", v.Routes6, true)
	f.nets("PushRoutes", v.PushRoutes, false)
	f.nets("PushRoutes6", v.PushRoutes6, true)
	bad := func(server string) bool { return !isAddress(server) }
	f.demand(!slices.ContainsFunc(v.DNSServers, bad), "DNSServers", "must be IP addresses")
	f.demand(v.DNSDomain == "" || isHostname(v.DNSDomain), "DNSDomain", "must be the name of a domain")
	f.pool(v)
}

func (f *valueFaults) nets(field string, nets []Net, six bool) {
	bad := func(n Net) bool { return !isNet(n, six) }
	f.demand(!slices.ContainsFunc(nets, bad), field, "must be networks of the right family")
}

func (f *valueFaults) pool(v ServerValues) {
	if v.PoolStart == "" && v.PoolEnd == "" {
		return
	}
	f.demand(!v.NoPool, "NoPool", "there can not be a pool at the same time")
	network, _ := netip.ParsePrefix(v.Network.CIDR)
	start, _ := netip.ParseAddr(v.PoolStart)
	end, _ := netip.ParseAddr(v.PoolEnd)
	within := network.IsValid() && network.Contains(start) && network.Contains(end) && start.Compare(end) <= 0
	f.demand(within, "PoolStart", "the pool must be within the network of IPv4, and start before it ends")
}

// isNet reports whether a network is one that NetOf returns.
func isNet(n Net, six bool) bool {
	prefix, err := netip.ParsePrefix(n.CIDR)
	return err == nil && prefix.Addr().Is6() == six && !prefix.Addr().Is4In6() && n == NetOf(prefix)
}

func isHostname(name string) bool { return len(name) <= 253 && hostname.MatchString(name) }

func (f *valueFaults) files(v ServerValues) {
	f.file("CA", v.CA)
	f.file("Cert", v.Cert)
	f.file("Key", v.Key)
	none := v.ControlChannel == "none"
	f.demand(slices.Contains(ControlChannels, v.ControlChannel), "ControlChannel",
		fmt.Sprintf("must be one of %s", strings.Join(ControlChannels, ", ")))
	f.demand(none == (v.ControlKey == File{}), "ControlKey", "must be there, unless the control channel has no key")
	if !none {
		f.file("ControlKey", v.ControlKey)
	}
	f.name("CRLFile", v.CRLFile)
	f.name("CCDDir", v.CCDDir)
	f.name("StatusFile", v.StatusFile)
	f.name("Management", v.Management)
	f.demand(v.CCDDir != "" || !v.CCDExclusive, "CCDExclusive", "there must be a directory of client configurations")
}

func (f *valueFaults) file(field string, file File) {
	f.demand((file.Name == "") != (file.Text == ""), field, "must have either a name or a text")
	f.name(field, file.Name)
	_, err := Format(Directive{Name: "ca", Inline: true, Block: file.Text})
	f.demand(err == nil && !strings.Contains(file.Text, "</"), field, "must be text that a block can have")
}

func (f *valueFaults) name(field, name string) {
	f.demand(name == "" || isFileName(name), field, "must be the plain name of a file")
}

// isFileName refuses what OpenVPN, or a reader of its configuration, takes for something else.
func isFileName(name string) bool {
	_, reason := unreadable(name)
	return reason == "" && len(name) <= 200 && path.Clean(name) == name && name != "." && name != "stdin" &&
		!strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "[") && !strings.HasPrefix(name, "..")
}

var listName = regexp.MustCompile(`^\??[A-Za-z0-9-]+(:\??[A-Za-z0-9-]+)*$`)

func (f *valueFaults) tls(v ServerValues) {
	f.demand(v.TLS.Min == "1.2" || v.TLS.Min == "1.3", "TLS.Min", "must be 1.2 or 1.3")
	f.demand(slices.Contains([]string{"legacy", "preferred", "suiteb"}, v.TLS.CertProfile), "TLS.CertProfile",
		"must be legacy, preferred or suiteb")
	f.algorithms("TLS.Ciphers", v.TLS.Ciphers)
	f.algorithms("TLS.Auth", v.TLS.Auth)
	if v.TLS.Fallback != "" {
		f.algorithms("TLS.Fallback", v.TLS.Fallback)
	}
}

func (f *valueFaults) algorithms(field, list string) {
	f.demand(listName.MatchString(list) && strongNames([]string{list}) == "", field, "must be strong algorithms")
}
