package openvpn_test

import (
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// network is a server with the default model, and its authority.
type network struct {
	ca     issuer
	values openvpn.ServerValues
	server *openvpntest.Server
	dir    string
}

func startNetwork(t *testing.T, change func(*openvpn.ServerValues)) network {
	t.Helper()
	openvpntest.Require(t)
	n := network{ca: newIssuer(t)}
	identity := n.ca.issue(t, "the server", x509.ExtKeyUsageServerAuth)
	n.values = baseValues(n.ca, identity)
	n.values.Proto, n.values.NotifyExit = "udp", true
	n.values.Network = openvpn.NetOf(netip.MustParsePrefix("10.97.0.0/24"))
	n.values.Network6 = openvpn.NetOf(netip.MustParsePrefix("fd00:97::/64"))
	n.values.TLS, _ = openvpn.TLSProfile("modern")
	n.values.ControlChannel = "none"
	change(&n.values)
	text, err := openvpn.RenderServer(openvpn.DefaultModel, n.values)
	if err != nil {
		t.Fatal(err)
	}
	n.dir = serverDir(t, identity)
	n.server = openvpntest.Start(t, openvpntest.ServerConfig{
		Dir: n.dir, Config: text, Identity: &openvpntest.Identity{Name: "the server", CA: n.ca.pem},
	})
	return n
}

func (n network) writeCCD(t *testing.T, name string, c openvpn.ClientConfig) {
	t.Helper()
	tunnel := openvpn.Tunnel{
		Network: netip.MustParsePrefix(n.values.Network.CIDR), Network6: netip.MustParsePrefix(n.values.Network6.CIDR),
		KeepaliveInterval: n.values.KeepaliveInterval, KeepaliveTimeout: n.values.KeepaliveTimeout,
	}
	text, err := c.Render(tunnel)
	if err != nil {
		t.Fatal(err)
	}
	file, err := openvpn.CCDName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.dir, "ccd", file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// connect lets a client with a new certificate connect.
func (n network) connect(t *testing.T, name string, change func(*openvpn.Profile)) openvpntest.Result {
	t.Helper()
	c := n.ca.issue(t, name, x509.ExtKeyUsageClientAuth)
	profile := n.server.Profile(c.Certificate, c.Key)
	profile.Auth = n.values.TLS.Auth
	change(&profile)
	text, err := profile.Render()
	if err != nil {
		t.Fatal(err)
	}
	result, err := n.server.ConnectProfile(t.Context(), text, "")
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func unchanged(*openvpn.Profile) {}

var pushed = regexp.MustCompile(`PUSH_REPLY,(.*)' \(status=`)

// pushes are the options that the server has sent, sorted as it sent them.
func pushes(t *testing.T, r openvpntest.Result) string {
	t.Helper()
	reply := pushed.FindStringSubmatch(r.ServerLog)
	if !r.Connected || reply == nil {
		t.Fatalf("%+v", r)
	}
	return strings.ReplaceAll(reply[1], ",", "\n")
}

func TestClientConfig_AsOpenVPN(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(v *openvpn.ServerValues) {
		v.PushRoutes = []openvpn.Net{openvpn.NetOf(netip.MustParsePrefix("10.20.0.0/16"))}
	})
	client := openvpn.ClientConfig{
		StaticIP: netip.MustParseAddr("10.97.0.77"), StaticIPv6: netip.MustParseAddr("fd00:97::77"),
		Iroutes:    []netip.Prefix{netip.MustParsePrefix("192.168.5.0/24"), netip.MustParsePrefix("fd00:5::/64")},
		PushRoutes: []netip.Prefix{netip.MustParsePrefix("10.30.0.0/16"), netip.MustParsePrefix("fd00:30::/48")},
		DNSServer:  netip.MustParseAddr("10.97.0.1"), DNSDomain: "example.org", MaxRoutes: 50,
		Extra: "push \"setenv-safe a 'it is a text'\"",
	}
	for _, name := range []string{"Site-Rio.2", "São Paulo", `a\b c`, strings.Repeat("x", 64)} {
		n.writeCCD(t, name, client)
		result := n.connect(t, name, unchanged)
		got := pushes(t, result)
		for _, want := range []string{
			"ifconfig 10.97.0.77 255.255.255.0", "ifconfig-ipv6 fd00:97::77/64 fd00:97::1", "route 10.20.0.0 255.255.0.0",
			"route 10.30.0.0 255.255.0.0", "route-ipv6 fd00:30::/48", "dhcp-option DNS 10.97.0.1",
			"dhcp-option DOMAIN example.org", "setenv-safe a 'it is a text'", "topology subnet", "route-gateway 10.97.0.1", "ping 10",
		} {
			if !strings.Contains("\n"+got+"\n", "\n"+want+"\n") {
				t.Errorf("%s: no %q in %s", name, want, got)
			}
		}
		for _, want := range []string{"192.168.5.0/24", "fd00:5::/64"} {
			if !strings.Contains(result.ServerLog, "internal route "+want+" -> ") {
				t.Errorf("%s: no route to %s: %s", name, want, result.ServerLog)
			}
		}
		if strings.Contains(result.ServerLog, "Options error") || strings.Contains(result.ServerLog, "warning") {
			t.Errorf("%s: %s", name, result.ServerLog)
		}
	}
}

// TestClientConfig_Reset: a client that is told nothing of the server's can work all the same.
func TestClientConfig_Reset(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(v *openvpn.ServerValues) {
		v.PushRoutes = []openvpn.Net{openvpn.NetOf(netip.MustParsePrefix("10.20.0.0/16"))}
	})
	n.writeCCD(t, "plain", openvpn.ClientConfig{})
	n.writeCCD(t, "reset", openvpn.ClientConfig{PushReset: true})
	n.writeCCD(t, "extra", openvpn.ClientConfig{Extra: "push-reset"})
	variable := regexp.MustCompile(`(?m)^(ifconfig|ifconfig-ipv6|peer-id) .*\n?`)
	plain := variable.ReplaceAllString(pushes(t, n.connect(t, "plain", unchanged)), "")
	want := strings.Replace(plain, "route 10.20.0.0 255.255.0.0\n", "", 1)
	for _, name := range []string{"reset", "extra"} {
		got := variable.ReplaceAllString(pushes(t, n.connect(t, name, unchanged)), "")
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestClientConfig_Disabled: a client is refused when it is disabled, and when it has no file.
func TestClientConfig_Disabled(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(*openvpn.ServerValues) {})
	n.writeCCD(t, "on", openvpn.ClientConfig{})
	n.writeCCD(t, "off", openvpn.ClientConfig{Disabled: true})
	for name, want := range map[string]bool{"on": true, "off": false, "unknown": false} {
		result := n.connect(t, name, unchanged)
		if got := pushed.MatchString(result.ServerLog); got != want {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

// TestCCDName_AsOpenVPN: the names that CCDName refuses share a file with others.
func TestCCDName_AsOpenVPN(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(v *openvpn.ServerValues) { v.CCDExclusive = false })
	n.writeCCD(t, "a_b", openvpn.ClientConfig{StaticIP: netip.MustParseAddr("10.97.0.77")})
	if got := pushes(t, n.connect(t, "a/b", unchanged)); !strings.Contains(got, "ifconfig 10.97.0.77 ") {
		t.Error(got)
	}
	if err := os.Rename(filepath.Join(n.dir, "ccd", "a_b"), filepath.Join(n.dir, "ccd", "DEFAULT")); err != nil {
		t.Fatal(err)
	}
	if got := pushes(t, n.connect(t, "another", unchanged)); !strings.Contains(got, "ifconfig 10.97.0.77 ") {
		t.Error(got)
	}
}

func sorted(text string) []string { return slices.Sorted(strings.Lines(text + "\n")) }
