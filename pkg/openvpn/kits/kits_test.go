package kits

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// siteFile reads a file of the sample site.
func siteFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "site", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// full is a profile with everything that a kit can have.
func full(t testing.TB) Profile {
	t.Helper()
	prefix := netip.MustParsePrefix
	return Profile{
		Site: "site-rio", CommonName: "site-rio",
		Remotes: []Remote{{"vpn.example.org", 1194, UDP}, {"2001:db8::1", 443, TCP}}, Random: true,
		ServerName: "vpn.example.org", ServerHosts: []string{"2001:db8::1"},
		CA: siteFile(t, "ca.crt"), Certificate: siteFile(t, "client.crt"), Key: siteFile(t, "client.key"),
		PKCS12:  siteFile(t, "client.p12"),
		Control: Control{TLSCryptV2, siteFile(t, "v2.key")}, TLS: Modern, Auth: "SHA256", Device: Tun, MTU: 1400,
		RenegSec: 7200, Keepalive: Keepalive{10, 60},
		DNS:      []netip.Addr{netip.MustParseAddr("10.0.0.53")},
		Tunnel:   []netip.Prefix{prefix("10.8.0.2/24"), prefix("fd08::2/64")},
		Networks: []netip.Prefix{prefix("10.0.0.0/16"), prefix("fd00:1::/48")},
		LANs:     []netip.Prefix{prefix("192.168.1.0/24"), prefix("fd01::/64")},
		NAT: []Mapping{
			{prefix("192.168.1.0/24"), prefix("10.101.0.0/24")}, {prefix("192.168.2.0/25"), prefix("10.101.1.0/25")},
			{prefix("fd01::/64"), prefix("fd00:101::/64")},
		},
		Comments: []string{"Profile 3 of the instance matriz"},
		Extra:    []Directive{{"mssfix", []string{"1360"}}},
	}
}

// static is how a profile protects the control channel for routers without tls-crypt-v2.
func static(t testing.TB, kind ControlKind) Control { return Control{kind, siteFile(t, "static.key")} }

// samples are profiles with as much as each format can have.
func samples(t testing.TB) map[string]struct {
	Format
	Profile
} {
	t.Helper()
	found := map[string]struct {
		Format
		Profile
	}{}
	add := func(name string, format Format, changes ...func(*Profile)) {
		p := full(t)
		for _, change := range changes {
			change(&p)
		}
		found[name] = struct {
			Format
			Profile
		}{format, p}
	}
	oneRemote := func(p *Profile) { p.Remotes = p.Remotes[:1] }
	noNAT := func(p *Profile) { p.NAT = nil }
	noExtra := func(p *Profile) { p.Extra = nil }
	control := func(kind ControlKind) func(*Profile) {
		return func(p *Profile) { p.Control = static(t, kind) }
	}
	compatible := func(p *Profile) { p.TLS = Compatible }
	add("openvpn", OpenVPN)
	add("openvpn-plain", OpenVPN, noNAT, noExtra, control(TLSCrypt), oneRemote, compatible)
	add("connect", Connect, noNAT)
	add("routeros", RouterOS, oneRemote, noExtra, compatible, func(p *Profile) { p.Control, p.Auth = Control{Kind: NoControl}, "" })
	add("routeros-tls-auth", RouterOS, oneRemote, noExtra, compatible, control(TLSAuth), func(p *Profile) { p.Device = Tap })
	add("opnsense", OPNsense, noExtra, control(TLSCrypt), func(p *Profile) { p.Remotes[1].Proto = UDP })
	add("pfsense", PfSense, oneRemote, noNAT, control(TLSAuth))
	add("vyos", VyOS, noExtra, control(TLSCrypt), func(p *Profile) { p.Remotes[1] = Remote{"192.0.2.1", 1194, UDP} })
	add("openwrt", OpenWrt, noExtra)
	add("p12-profile", P12Profile)
	earlier := func(p *Profile) {
		p.Earlier.Control = &Control{TLSAuth, siteFile(t, "static.key")}
		p.Earlier.Remotes = []Remote{{"old.example.org", 1194, UDP}, {"old.example.org", 443, TCP}}
	}
	add("openvpn-earlier", OpenVPN, earlier)
	add("p12-earlier", P12Profile, earlier, control(TLSAuth), oneRemote)
	add("openwrt-earlier", OpenWrt, noExtra, earlier)
	return found
}

// TestGolden shows what is written. Read a difference as a site would: -update writes it.
func TestGolden(t *testing.T) {
	for name, sample := range samples(t) {
		t.Run(name, func(t *testing.T) {
			kit, err := Render(sample.Format, sample.Profile)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join("testdata", "golden", name)
			got := map[string]string{}
			for _, file := range kit.Files {
				got[file.Name] = string(file.Content)
			}
			if *update {
				writeGolden(t, dir, got)
			}
			if diff := cmp.Diff(readGolden(t, dir), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func writeGolden(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readGolden(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(content)
	}
	return files
}
