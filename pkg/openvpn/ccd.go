package openvpn

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Tunnel is what the configuration of a client must know of its server, whose topology is subnet.
type Tunnel struct {
	Network, Network6                   netip.Prefix // one of them may be zero
	KeepaliveInterval, KeepaliveTimeout int          // seconds; 0: no keepalive
}

// ClientConfig is what a server keeps for one client: a file of client-config-dir. What is zero is
// left to the server.
type ClientConfig struct {
	Disabled   bool           // the client may not connect
	StaticIP   netip.Addr     // the client's address in the tunnel; IPv4
	StaticIPv6 netip.Addr     // the same in IPv6
	Iroutes    []netip.Prefix // networks behind the client; of both families
	PushRoutes []netip.Prefix // networks that the client learns of; of both families
	Unpushed   []netip.Prefix // networks that the server tells all clients, and this one does not learn of
	PushReset  bool           // the client learns of nothing that the server tells all clients
	DNSServer  netip.Addr
	DNSDomain  string
	MaxRoutes  int    // how many addresses behind the client the server learns; 0: as OpenVPN does, 256
	Extra      string // directives of a user, for ScopeCCD
}

// Render writes the file. The errors are a [ValueError], a [FormatError], or a [ProblemsError] for
// Extra.
//
// What is in the fields is written behind Extra, so that the fields win. A push-reset also takes
// away what a client needs: the topology, the gateway and the pings (OpenVPN manual, "push-reset").
// Those are written again.
func (c ClientConfig) Render(tunnel Tunnel) (string, error) {
	if err := c.check(tunnel); err != nil {
		return "", err
	}
	extra, problems := Check(c.Extra, ScopeCCD)
	if len(problems) > 0 {
		return "", &ProblemsError{"extra", problems}
	}
	reset := c.PushReset || slices.ContainsFunc(extra, func(d Directive) bool { return d.Name == "push-reset" })
	var before, behind []Directive
	if c.PushReset {
		before = append(before, Option("push-reset"))
	}
	if reset {
		behind = append(behind, tunnel.needed()...)
	}
	first, err1 := Format(before...)
	own, err2 := Format(append(behind, c.directives(tunnel)...)...)
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	return first + ended(c.Extra) + own, nil
}

// ended is a text of a user that can stand between others: without a byte order mark, and with an
// end of its last line.
func ended(text string) string {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// needed is what no client works without.
func (t Tunnel) needed() []Directive {
	needed := []Directive{Option("push", "topology subnet")}
	if t.Network.IsValid() {
		needed = append(needed, Option("push", "route-gateway "+t.Network.Masked().Addr().Next().String()))
	}
	if t.Network6.IsValid() {
		needed = append(needed, Option("push", "tun-ipv6")) // for old clients
	}
	if t.KeepaliveInterval > 0 {
		needed = append(needed, Option("push", "ping "+strconv.Itoa(t.KeepaliveInterval)),
			Option("push", "ping-restart "+strconv.Itoa(t.KeepaliveTimeout)))
	}
	return needed
}

func (c ClientConfig) directives(tunnel Tunnel) (all []Directive) {
	if c.Disabled {
		all = append(all, Option("disable"))
	}
	if c.StaticIP.IsValid() {
		all = append(all, Option("ifconfig-push", c.StaticIP.String(), maskOf(tunnel.Network)))
	}
	if c.StaticIPv6.IsValid() {
		all = append(all, Option("ifconfig-ipv6-push", netip.PrefixFrom(c.StaticIPv6, tunnel.Network6.Bits()).String()))
	}
	for _, n := range c.Iroutes {
		if n.Addr().Is4() {
			all = append(all, Option("iroute", n.Addr().String(), maskOf(n)))
		} else {
			all = append(all, Option("iroute-ipv6", n.String()))
		}
	}
	if c.MaxRoutes > 0 {
		all = append(all, Option("max-routes-per-client", strconv.Itoa(c.MaxRoutes)))
	}
	return append(all, c.pushes()...)
}

// routeOption is the option by which a client learns of a network.
func routeOption(n netip.Prefix) string {
	if n.Addr().Is4() {
		return "route " + n.Addr().String() + " " + maskOf(n)
	}
	return "route-ipv6 " + n.String()
}

func (c ClientConfig) pushes() (all []Directive) {
	for _, n := range c.Unpushed {
		all = append(all, Option("push-remove", routeOption(n)))
	}
	for _, n := range c.PushRoutes {
		all = append(all, Option("push", routeOption(n)))
	}
	if c.DNSServer.IsValid() {
		all = append(all, Option("push", "dhcp-option DNS "+c.DNSServer.String()))
	}
	if c.DNSDomain != "" {
		all = append(all, Option("push", "dhcp-option DOMAIN "+c.DNSDomain))
	}
	return all
}

func (c ClientConfig) check(tunnel Tunnel) error {
	var f valueFaults
	f.demand(!c.StaticIP.IsValid() || c.StaticIP.Is4() && isHost(c.StaticIP, tunnel.Network), "StaticIP",
		"must be an address of a client in the network of IPv4")
	f.demand(!c.StaticIPv6.IsValid() || c.StaticIPv6.Is6() && isHost(c.StaticIPv6, tunnel.Network6), "StaticIPv6",
		"must be an address of a client in the network of IPv6")
	for _, n := range c.Iroutes {
		f.demand(isRoute(n), "Iroutes", "must be networks")
		f.demand(!n.Overlaps(tunnel.Network) && !n.Overlaps(tunnel.Network6), "Iroutes", "must not overlap the tunnel's network")
	}
	for _, n := range slices.Concat(c.PushRoutes, c.Unpushed) {
		f.demand(isRoute(n), "PushRoutes", "must be networks")
	}
	f.demand(c.DNSServer.Zone() == "", "DNSServer", "must be an IP address")
	f.demand(c.DNSDomain == "" || isHostname(c.DNSDomain) && len(c.DNSDomain) <= 200, "DNSDomain", "must be the name of a domain")
	f.demand(c.MaxRoutes >= 0, "MaxRoutes", "must not be negative")
	return f.err()
}

// isHost reports whether a client can have an address: the first one of a network is the server's.
func isHost(addr netip.Addr, network netip.Prefix) bool {
	if addr.Zone() != "" || !network.IsValid() || !network.Contains(addr) {
		return false
	}
	first := network.Masked().Addr()
	last := !network.Contains(addr.Next()) // the broadcast address of IPv4
	return addr != first && addr != first.Next() && !(addr.Is4() && last)
}

// isRoute reports whether a prefix is a network in its plain form.
func isRoute(n netip.Prefix) bool { return n.IsValid() && n == n.Masked() && !n.Addr().Is4In6() }

// maxCommonName is how many bytes of a common name OpenVPN takes (ssl_verify.h: TLS_USERNAME_LEN).
const maxCommonName = 64

// ErrCCDName reports a common name that no file of client-config-dir can belong to.
var ErrCCDName = errors.New("openvpn: no file of client-config-dir can belong to the name")

// CCDName is the name of the file, in client-config-dir, of the client with a common name. It is
// the name itself. OpenVPN would put _ for what can't be in a file's name, so that one file would
// belong to several clients; it looks for DEFAULT for all clients without a file, and has no file
// for the names . and .. (multi.c; platform.c, platform_gen_path). Those are refused. The error is
// [ErrCCDName].
func CCDName(commonName string) (string, error) {
	_, reason := unreadable(commonName)
	switch {
	case reason != "", len(commonName) > maxCommonName, strings.ContainsAny(commonName, "/\t"),
		commonName == "", commonName == ".", commonName == "..", strings.EqualFold(commonName, "DEFAULT"):
		return "", ErrCCDName
	}
	return commonName, nil
}
