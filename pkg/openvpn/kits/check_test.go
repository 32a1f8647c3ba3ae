package kits

import (
	"bytes"
	"encoding/pem"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInvalid: what no kit can have is refused, and the error names the field.
func TestInvalid(t *testing.T) {
	t.Parallel()
	prefix := netip.MustParsePrefix
	mapping := func(inside, outside string) Mapping { return Mapping{prefix(inside), prefix(outside)} }
	for field, changes := range map[string][]func(*Profile){
		"Site": {func(p *Profile) { p.Site = "" }, func(p *Profile) { p.Site = strings.Repeat("a", 65) },
			func(p *Profile) { p.Site = strings.Repeat("😀", 51) }},
		"CommonName": {func(p *Profile) { p.CommonName = "a\nb" }},
		"ServerName": {func(p *Profile) { p.ServerName = "a\x00" }},
		"Comments[0]": {func(p *Profile) { p.Comments = []string{"a\nup /bin/sh"} },
			func(p *Profile) { p.Comments = []string{strings.Repeat("a", 161)} }},
		"Remotes": {func(p *Profile) { p.Remotes = nil }, func(p *Profile) { p.Remotes = slices.Repeat(p.Remotes[:1], 65) }},
		"Remotes[0].Host": {func(p *Profile) { p.Remotes[0].Host = "" }, func(p *Profile) { p.Remotes[0].Host = "a b" },
			func(p *Profile) { p.Remotes[0].Host = "fe80::1%eth0" }, func(p *Profile) { p.Remotes[0].Host = "-rf" },
			func(p *Profile) { p.Remotes[0].Host = strings.Repeat("a.", 115) + "a" }},
		"Remotes[0].Port":  {func(p *Profile) { p.Remotes[0].Port = 0 }, func(p *Profile) { p.Remotes[0].Port = 65536 }},
		"Remotes[0].Proto": {func(p *Profile) { p.Remotes[0].Proto = "tcp-server" }},
		"ServerHosts[0]":   {func(p *Profile) { p.ServerHosts = []string{"a b"} }},
		"CA": {func(p *Profile) { p.CA = nil }, func(p *Profile) { p.CA = p.Key },
			func(p *Profile) { p.CA = p.CA[:len(p.CA)/2] }},
		"Certificate":  {func(p *Profile) { p.Certificate = []byte("</cert>\nup x\n") }},
		"Key":          {func(p *Profile) { p.Key = nil }, func(p *Profile) { p.Key = append(p.Key, p.Key...) }},
		"PKCS12":       {func(p *Profile) { p.PKCS12 = []byte("x") }, func(p *Profile) { p.PKCS12 = append(p.PKCS12, 0) }},
		"Control.Kind": {func(p *Profile) { p.Control = Control{} }},
		"Control.Key": {
			func(p *Profile) { p.Control.Key = nil }, func(p *Profile) { p.Control.Key = siteFile(t, "static.key") },
			func(p *Profile) { p.Control = Control{TLSCrypt, siteFile(t, "v2.key")} },
			func(p *Profile) { p.Control = Control{TLSAuth, siteFile(t, "static.key")[:300]} },
			func(p *Profile) { p.Control.Key = p.Control.Key[:len(p.Control.Key)/2] },
		},
		"TLS":                {func(p *Profile) { p.TLS = "" }},
		"DataCiphers[0]":     {func(p *Profile) { p.DataCiphers = []string{"BF-CBC"} }, func(p *Profile) { p.DataCiphers = []string{"AES-256-CBC"} }},
		"DataCiphers[1]":     {func(p *Profile) { p.DataCiphers = []string{"AES-256-GCM", "AES-256-GCM"} }},
		"Auth":               {func(p *Profile) { p.Auth = "MD5" }},
		"Device":             {func(p *Profile) { p.Device = "tun0" }},
		"Unit":               {func(p *Profile) { p.Unit = -1 }, func(p *Profile) { p.Unit = 100 }},
		"MTU":                {func(p *Profile) { p.MTU = 100 }},
		"RenegSec":           {func(p *Profile) { p.RenegSec = -1 }},
		"Keepalive.Interval": {func(p *Profile) { p.Keepalive = Keepalive{0, 60} }},
		"Keepalive.Timeout":  {func(p *Profile) { p.Keepalive = Keepalive{10, 19} }},
		"DNS[0]":             {func(p *Profile) { p.DNS = []netip.Addr{{}} }},
		"Tunnel[0]":          {func(p *Profile) { p.Tunnel = []netip.Prefix{{}} }},
		"Networks[0]":        {func(p *Profile) { p.Networks = []netip.Prefix{prefix("10.0.0.1/8")} }},
		"LANs[0]":            {func(p *Profile) { p.LANs = []netip.Prefix{prefix("::ffff:10.0.0.0/104")} }},
		"NAT[0].Inside":      {func(p *Profile) { p.NAT = []Mapping{mapping("10.0.0.1/8", "11.0.0.0/8")} }},
		"NAT[0]": {func(p *Profile) { p.NAT = []Mapping{mapping("10.0.0.0/8", "11.0.0.0/16")} },
			func(p *Profile) { p.NAT = []Mapping{mapping("10.0.0.0/8", "fd00::/8")} }},
		"NAT[1]": {func(p *Profile) {
			p.NAT = []Mapping{mapping("10.1.0.0/16", "11.1.0.0/16"), mapping("10.2.0.0/16", "11.1.0.0/16")}
		}},
		"Extra": {func(p *Profile) { p.Extra = []Directive{{"fragment", []string{"1200"}}} }},
		"Extra[0]": {
			func(p *Profile) { p.Extra = []Directive{{"up", []string{"/bin/sh"}}} },
			func(p *Profile) { p.Extra = []Directive{{"mssfix 1\nup", nil}} },
			func(p *Profile) { p.Extra = []Directive{{"ping", nil}} },
			func(p *Profile) { p.Extra = []Directive{{"ping", []string{""}}} },
			func(p *Profile) { p.Extra = []Directive{{"pull-filter", []string{"ignore", strings.Repeat(`"`, 200)}}} },
		},
	} {
		for i, change := range changes {
			p := full(t)
			change(&p)
			_, err := Render(OpenVPN, p)
			var got []string
			for _, fault := range AllInvalid(err) {
				got = append(got, fault.Field)
			}
			if diff := cmp.Diff([]string{field}, got); diff != "" {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
}

func TestInvalid_NamesEverything(t *testing.T) {
	_, err := Render(OpenVPN, Profile{})
	var got []string
	for _, fault := range AllInvalid(err) {
		got = append(got, fault.Field)
	}
	want := []string{"Site", "Remotes", "Control.Kind", "TLS", "Device", "CA", "Certificate", "Key"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Render(P12Profile, simple(t)); err != nil {
		t.Error(err)
	}
	p := simple(t)
	p.PKCS12 = nil
	if faults := AllInvalid(second(Render(P12Profile, p))); len(faults) != 1 || faults[0].Field != "PKCS12" {
		t.Error(faults)
	}
}

func second(_ Kit, err error) error { return err }

// TestInvalid_QuotesNoSecret: an error may be logged and shown.
func TestInvalid_QuotesNoSecret(t *testing.T) {
	p := full(t)
	p.Control = Control{TLSAuth, []byte("-----BEGIN OpenVPN Static key V1-----\nsesame\n-----END OpenVPN Static key V1-----\n")}
	p.Key = []byte("sesame")
	_, err := Render(OpenVPN, p)
	if err == nil || strings.Contains(err.Error(), "sesame") {
		t.Error(err)
	}
}

func TestProfile_LogValue(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("rendered", "profile", full(t))
	if strings.Contains(out.String(), "PRIVATE") || strings.Contains(out.String(), "Static") ||
		!strings.Contains(out.String(), "site-rio") {
		t.Error(out.String())
	}
}

// TestFileBase: a file is named after its site, and its name is one in every system.
func TestFileBase(t *testing.T) {
	for site, want := range map[string]string{
		"site-rio": "site-rio", "Rio.1": "Rio.1", "São Paulo": "S-o-Paulo", "../../etc/passwd": "etc-passwd",
		"..": "site", "-rf": "rf", "a;b": "a-b", `"`: "site", "サイト": "site", "a_b": "a_b",
	} {
		if got := fileBase(site); got != want {
			t.Errorf("%q: %q instead of %q", site, got, want)
		}
	}
}

// TestKeyForms: VyOS takes PKCS#8, whatever the form of the key.
func TestKeyForms(t *testing.T) {
	p := simple(t)
	want := mustRender(t, VyOS, p)
	p.Key = asEC(t, p.Key)
	if diff := cmp.Diff(want, mustRender(t, VyOS, p)); diff != "" {
		t.Error(diff)
	}
	block, _ := pem.Decode(p.Key)
	p.Key = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: block.Bytes[:20]})
	if faults := AllInvalid(second(Render(VyOS, p))); len(faults) != 1 || faults[0].Field != "Key" {
		t.Error(faults)
	}
}

// TestControlKey_Behind: what stands behind a key reaches no kit.
func TestControlKey_Behind(t *testing.T) {
	for _, control := range []Control{{TLSCryptV2, siteFile(t, "v2.key")}, static(t, TLSAuth)} {
		p := simple(t)
		p.Control = control
		want := profileFile(t, OpenVPN, p)
		p.Control.Key = append(p.Control.Key, "</tls-crypt-v2>\n</tls-auth>\nup x\n"...)
		if diff := cmp.Diff(string(want), string(profileFile(t, OpenVPN, p))); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzControlKey looks for a key of the control channel that ends its block or adds a line.
func FuzzControlKey(f *testing.F) {
	f.Add([]byte("x"), siteFile(f, "static.key"))
	f.Add(siteFile(f, "v2.key"), []byte("-----BEGIN OpenVPN Static key V1-----\n</tls-auth>\nup x\n"))
	want := map[ControlKind][]string{}
	for kind, key := range map[ControlKind]Control{
		TLSCryptV2: {TLSCryptV2, siteFile(f, "v2.key")}, TLSAuth: static(f, TLSAuth),
	} {
		p := simple(f)
		p.Control = key
		want[kind] = shapeOpenVPN(f, profileFile(f, OpenVPN, p))
	}
	p := simple(f)
	f.Fuzz(func(t *testing.T, v2, auth []byte) {
		for kind, key := range map[ControlKind][]byte{TLSCryptV2: v2, TLSAuth: auth} {
			p.Control = Control{kind, key}
			if kit, err := Render(OpenVPN, p); err == nil {
				if got := shapeOpenVPN(t, kit.Files[0].Content); !slices.Equal(got, want[kind]) {
					t.Errorf("%s", kit.Files[0].Content)
				}
			}
		}
	})
}

// TestLongTexts: the longest texts fit into lines that OpenVPN reads.
func TestLongTexts(t *testing.T) {
	p := simple(t)
	p.Site, p.CommonName, p.ServerName = strings.Repeat("😀", 50), strings.Repeat(`"`, 64), strings.Repeat("😀", 50)
	p.Comments = []string{strings.Repeat("😀", 160), strings.Repeat("é ", 79) + "é"}
	p.Remotes[0].Host = strings.Repeat("a.", 114) + "aa"
	p.Remotes[0].Port, p.Remotes[0].Proto = 65535, TCP
	p.DataCiphers = dataCiphers
	for _, format := range []Format{OpenVPN, Connect, PfSense, P12Profile} {
		parseOpenVPN(t, profileFile(t, format, p))
	}
}
