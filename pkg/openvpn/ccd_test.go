package openvpn

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleTunnel() Tunnel {
	return Tunnel{netip.MustParsePrefix("10.8.0.0/24"), netip.MustParsePrefix("fd00:8::/64"), 10, 60}
}

func sampleClient() ClientConfig {
	return ClientConfig{
		StaticIP: netip.MustParseAddr("10.8.0.5"), StaticIPv6: netip.MustParseAddr("fd00:8::5"),
		Iroutes:    []netip.Prefix{netip.MustParsePrefix("192.168.5.0/24"), netip.MustParsePrefix("fd00:5::/64")},
		PushRoutes: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00:20::/48")},
		DNSServer:  netip.MustParseAddr("10.8.0.1"), DNSDomain: "example.org", MaxRoutes: 5,
	}
}

func TestClientConfig_Render(t *testing.T) {
	t.Parallel()
	fields := `ifconfig-push 10.8.0.5 255.255.255.0
ifconfig-ipv6-push fd00:8::5/64
iroute 192.168.5.0 255.255.255.0
iroute-ipv6 fd00:5::/64
max-routes-per-client 5
push "route 10.20.0.0 255.255.0.0"
push "route-ipv6 fd00:20::/48"
push "dhcp-option DNS 10.8.0.1"
push "dhcp-option DOMAIN example.org"
`
	needed := `push "topology subnet"
push "route-gateway 10.8.0.1"
push tun-ipv6
push "ping 10"
push "ping-restart 60"
`
	for name, test := range map[string]struct {
		change func(*ClientConfig)
		want   string
	}{
		"nothing":              {func(c *ClientConfig) { *c = ClientConfig{} }, ""},
		"fields":               {func(*ClientConfig) {}, fields},
		"disabled":             {func(c *ClientConfig) { c.Disabled = true }, "disable\n" + fields},
		"extra":                {func(c *ClientConfig) { c.Extra = "push 'echo a'" }, "push 'echo a'\n" + fields},
		"a reset":              {func(c *ClientConfig) { c.PushReset, c.Extra = true, "# a\n" }, "push-reset\n# a\n" + needed + fields},
		"a reset in the extra": {func(c *ClientConfig) { c.Extra = "--push-reset" }, "--push-reset\n" + needed + fields},
	} {
		client := sampleClient()
		test.change(&client)
		got, err := client.Render(sampleTunnel())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestClientConfig_Render_Refuses(t *testing.T) {
	t.Parallel()
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	for field, changes := range map[string][]func(*ClientConfig){
		"StaticIP": {
			func(c *ClientConfig) { c.StaticIP = addr("10.8.0.0") }, func(c *ClientConfig) { c.StaticIP = addr("10.8.0.1") },
			func(c *ClientConfig) { c.StaticIP = addr("10.8.0.255") }, func(c *ClientConfig) { c.StaticIP = addr("10.9.0.5") },
			func(c *ClientConfig) { c.StaticIP = addr("fd00:8::5") }, func(c *ClientConfig) { c.StaticIP = addr("::ffff:10.8.0.5") },
		},
		"StaticIPv6": {
			func(c *ClientConfig) { c.StaticIPv6 = addr("fd00:8::1") }, func(c *ClientConfig) { c.StaticIPv6 = addr("fd00:8::5%up") },
			func(c *ClientConfig) { c.StaticIPv6 = addr("10.8.0.5") },
		},
		"Iroutes": {
			func(c *ClientConfig) { c.Iroutes = []netip.Prefix{{}} },
			func(c *ClientConfig) { c.Iroutes = []netip.Prefix{prefix("10.1.0.5/24")} },
			func(c *ClientConfig) { c.Iroutes = []netip.Prefix{prefix("10.8.0.0/28")} },
			func(c *ClientConfig) { c.Iroutes = []netip.Prefix{prefix("0.0.0.0/0")} },
			func(c *ClientConfig) { c.Iroutes = []netip.Prefix{prefix("::ffff:1.2.3.0/120")} },
		},
		"PushRoutes": {func(c *ClientConfig) { c.PushRoutes = []netip.Prefix{prefix("10.1.0.5/24")} }},
		"DNSServer":  {func(c *ClientConfig) { c.DNSServer = addr("fe80::1%x y") }},
		"DNSDomain":  {func(c *ClientConfig) { c.DNSDomain = "a,up x" }, func(c *ClientConfig) { c.DNSDomain = strings.Repeat("a.", 120) + "a" }},
		"MaxRoutes":  {func(c *ClientConfig) { c.MaxRoutes = -1 }},
	} {
		for i, change := range changes {
			client := sampleClient()
			change(&client)
			_, err := client.Render(sampleTunnel())
			fault := &ValueError{}
			if !errors.As(err, &fault) || fault.Field != field {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
	_, err := ClientConfig{Extra: "iroute 10.0.0.0\nclient-connect x"}.Render(sampleTunnel())
	want := &ProblemsError{"extra", []Problem{{2, 1, "client-connect", ReasonPrograms, ""}}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
}

func TestCCDName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "Site-Rio.2", "São Paulo", "...", "default.", "a\\b", "-rf", "a*b", strings.Repeat("x", 64)} {
		if got, err := CCDName(name); err != nil || got != name {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "DEFAULT", "Default", "a/b", "/etc/passwd", "../x", "a\nb", "a\x00", "a\tb", "\xff", strings.Repeat("x", 65),
		strings.Repeat("é", 33),
	} {
		if _, err := CCDName(name); !errors.Is(err, ErrCCDName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FuzzClientConfig: whatever the texts are, the file has the directives of the fields and of the
// extra, and nothing that is refused.
func FuzzClientConfig(f *testing.F) {
	f.Add("example.org", "push-reset\nping 10", uint8(3))
	f.Add("a\nup x", "up x", uint8(0))
	f.Add("a", "<ca>\nx", uint8(1))
	f.Fuzz(func(t *testing.T, domain, extra string, flags uint8) {
		client := sampleClient()
		client.DNSDomain, client.Extra = domain, extra
		client.PushReset, client.Disabled = flags&1 != 0, flags&2 != 0
		text, err := client.Render(sampleTunnel())
		if err != nil {
			return
		}
		all, err := Parse(text)
		added, problems := Check(extra, ScopeCCD)
		if err != nil || len(problems) > 0 || len(all) < len(added)+8 {
			t.Fatalf("%q: %v, %v", text, err, problems)
		}
		for _, d := range all {
			if reason := d.check(ScopeCCD); reason != "" {
				t.Fatalf("%q: %s: %s", text, d.Name, reason)
			}
		}
	})
}
