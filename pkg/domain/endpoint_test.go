package domain_test

import (
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]domain.Remote{
		"vpn.example.com":              {Host: "vpn.example.com"},
		" VPN.example.com:1194 ":       {Host: "vpn.example.com", Port: 1194},
		"tcp://vpn.example.com":        {Host: "vpn.example.com", Proto: domain.TCP},
		"UDP://192.0.2.1:443":          {Host: "192.0.2.1", Port: 443, Proto: domain.UDP},
		"2001:db8::1":                  {Host: "2001:db8::1"},
		"[2001:DB8::1]":                {Host: "2001:db8::1"},
		"[2001:db8::1]:1194":           {Host: "2001:db8::1", Port: 1194},
		"vpn.example.com 443":          {Host: "vpn.example.com", Port: 443},
		"vpn.example.com  443\ttcp":    {Host: "vpn.example.com", Port: 443, Proto: domain.TCP},
		"xn--so-joo-dua.example.com:1": {Host: "xn--so-joo-dua.example.com", Port: 1},
	} {
		got, err := domain.ParseEndpoint("remotes[0]", text)
		if err != nil || got != want {
			t.Errorf("%q is %+v (%v)", text, got, err)
		}
		if again, err := domain.ParseEndpoint("", got.String()); err != nil || again != got {
			t.Errorf("%q becomes %q, which is %+v (%v)", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", ":1194", "vpn.example.com:", "vpn.example.com:0", "vpn.example.com:65536", "a:b", "a:+1", "http://a", "tcp://",
		"a b c d", "a 1 sctp", "127.0.0.1", "0.0.0.0", "fe80::1%eth0", "224.0.0.1", "10.0.0.256", "1.2.3", "-a.example.com",
		"a..b", "a\nb", "a\r\nup x", `a"b`, "a'b", "a#b", "são.example.com", strings.Repeat("a.", 200) + "a", "[2001:db8::1]:",
	} {
		if got, err := domain.ParseEndpoint("remotes[0]", text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// FuzzParseEndpoint: what is accepted is read back as the same, and has no character that means
// something to OpenVPN's configuration.
func FuzzParseEndpoint(f *testing.F) {
	for _, seed := range []string{"vpn.example.com:1194", "tcp://[2001:db8::1]:443", "a 1 udp", "\"\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := domain.ParseEndpoint("", text)
		if err != nil {
			return
		}
		if strings.ContainsAny(r.Host, " \t\r\n\"'\\#;") {
			t.Errorf("%q has the host %q", text, r.Host)
		}
		if again, err := domain.ParseEndpoint("", r.String()); err != nil || again != r {
			t.Errorf("%q becomes %q, which is %+v (%v)", text, r, again, err)
		}
	})
}

func TestInstanceUpdate_Apply(t *testing.T) {
	t.Parallel()
	id, name, network := int64(1), "vpn", "10.8.0.0/24"
	spec := domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{CAID: &id, Name: &name, Network: &network}}
	before, err := spec.Instance()
	if err != nil {
		t.Fatal(err)
	}
	for field, update := range map[string]domain.InstanceUpdate{
		"name":               {Name: new("other")},
		"ca_id":              {CAID: new(int64(2))},
		"network":            {Network: new("10.8.0.0/15")},
		"network_v6":         {NetworkV6: new("fd00::/48")},
		"port":               {Port: new(65536)},
		"proto":              {Proto: new("sctp")},
		"keepalive_timeout":  {KeepaliveEvery: new(31)},
		"keepalive_interval": {KeepaliveEvery: new(0)},
		"renew_before":       {RenewBefore: new(366)},
		"reneg_sec":          {RenegSec: new(59)},
		"dhcp_end":           {DHCPEnabled: new(true), DHCPStart: new("10.8.0.20"), DHCPEnd: new("10.8.0.10")},
		"dhcp_start":         {DHCPEnabled: new(true), DHCPStart: new("10.9.0.20"), DHCPEnd: new("10.8.0.30")},
		"dns_domain":         {DNSDomain: new("a b")},
		"gateway":            {Gateway: new("a\x00")},
		"extra_conf":         {ExtraConf: new("a\x00")},
		"ldap_auth":          {LDAPAuth: new(true)},
		"routes[0]":          {Routes: &[]string{"fd00::/64"}},
	} {
		i := before
		faults := domain.Faults(update.Apply(&i))
		if len(faults) != 1 || faults[0].Field != field {
			t.Errorf("%s: %v", field, faults)
		}
	}
	i := before
	if err := (domain.InstanceUpdate{RenewBefore: new(10)}).Apply(&i); err != nil || before.Stale(i) {
		t.Errorf("%v, stale: %t", err, before.Stale(i))
	}
	if err := (domain.InstanceUpdate{Proto: new("TCP")}).Apply(&i); err != nil || !before.Stale(i) {
		t.Errorf("%v, stale: %t", err, before.Stale(i))
	}
}
