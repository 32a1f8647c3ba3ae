package kits

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestUnsupported is the table of docs/profiles.md: what each router can't do, with the setting
// that would help. Each case changes one thing of a profile that every format takes.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*Profile)
		setting Setting
		cannot  lacking
	}{
		{"tls-crypt-v2", func(p *Profile) { p.Control = Control{TLSCryptV2, siteFile(t, "v2.key")} },
			SettingControl, lacking{NoSuchControl: {RouterOS, OPNsense, PfSense, VyOS}}},
		{"tls-crypt", func(p *Profile) { p.Control = static(t, TLSCrypt) }, SettingControl, lacking{NoSuchControl: {RouterOS}}},
		{"tls-auth", func(p *Profile) { p.Control = static(t, TLSAuth) }, "", nil},
		{"TLS 1.3", func(p *Profile) { p.TLS = Modern }, SettingTLS, lacking{NoTLS13: {RouterOS}}},
		{"ChaCha alone", func(p *Profile) { p.DataCiphers = []string{"CHACHA20-POLY1305"} },
			SettingCiphers, lacking{NoSuchCipher: {RouterOS}}},
		{"CBC alone", func(p *Profile) { p.DataCiphers = []string{"AES-256-CBC"} },
			SettingCiphers, lacking{NoSuchCipher: {OPNsense}}},
		{"SHA384", func(p *Profile) { p.Auth = "SHA384" }, SettingAuth, lacking{NoSuchDigest: {RouterOS}}},
		{"an encrypted key", func(p *Profile) { p.Key = encrypt(t, p.Key) },
			SettingPassword, lacking{NoEncryptedKey: {OPNsense, PfSense, VyOS}}},
		{"a key on the device", func(p *Profile) { p.Key, p.KeyFile = nil, "/etc/openvpn/client/site rio.key" },
			SettingKey, lacking{NoKeyFile: {Connect, RouterOS, OPNsense, PfSense, VyOS, OpenWrt, P12Profile}}},
		{"Ed25519", func(p *Profile) { p.Certificate, p.Key = newEd25519(t) },
			SettingAlgorithm, lacking{NoSuchAlgorithm: {RouterOS}}},
		{"tap", func(p *Profile) { p.Device = Tap }, SettingDevice, lacking{NoTap: {Connect}}},
		{"two hosts", func(p *Profile) {
			p.Remotes = append(p.Remotes, Remote{"203.0.113.7", 1194, UDP})
			p.ServerHosts = []string{"203.0.113.7"}
		}, SettingRemotes, lacking{OneRemote: {RouterOS, PfSense}}},
		{"UDP and TCP", func(p *Profile) { p.Remotes = append(p.Remotes, Remote{"vpn.example.org", 1194, TCP}) },
			SettingRemotes, lacking{OneRemote: {RouterOS, PfSense}, SameTransport: {OPNsense, VyOS}}},
		{"two ports", func(p *Profile) { p.Remotes = append(p.Remotes, Remote{"vpn.example.org", 1195, UDP}) },
			SettingRemotes, lacking{OneRemote: {RouterOS, PfSense}, SamePort: {VyOS}}},
		{"a host that is not in the certificate", func(p *Profile) { p.Remotes[0].Host = "192.0.2.1" },
			SettingRemotes, lacking{HostMismatch: {RouterOS}}},
		{"an address in the certificate", func(p *Profile) {
			p.Remotes[0].Host, p.ServerHosts = "2001:db8::1", []string{"2001:DB8:0::1"}
		}, "", nil},
		{"a server name with a space", func(p *Profile) { p.ServerName, p.ServerHosts = "Acme VPN", []string{"vpn.example.org"} },
			SettingServerName, lacking{NameCharset: {VyOS, OpenWrt}}},
		{"an old CA and a new one", func(p *Profile) { p.CA = append(p.CA, newCA(t, "new").pem...) },
			SettingCA, lacking{OneChain: {OPNsense, PfSense, VyOS}}},
		{"a CA below a root", func(p *Profile) { p.CA = newChain(t) }, "", nil},
		{"NAT", func(p *Profile) { p.NAT = full(t).NAT }, SettingNAT, lacking{NoNAT: {Connect, PfSense}}},
		{"a directive", func(p *Profile) { p.Extra = full(t).Extra },
			SettingDirectives, lacking{NoDirectives: {RouterOS, OPNsense, VyOS, OpenWrt}}},
		{"fragment", func(p *Profile) { p.Extra = []Directive{{"fragment", []string{"1200"}}} },
			SettingDirectives, lacking{NoDirectives: {RouterOS, OPNsense, VyOS, OpenWrt}, NoFragment: {Connect}}},
	}
	seen := lacking{}
	for _, test := range tests {
		maps.Copy(seen, test.cannot)
		t.Run(test.name, func(t *testing.T) {
			for _, info := range Formats() {
				p := simple(t)
				test.change(&p)
				_, err := Render(info.Format, p)
				checkUnsupported(t, info.Format, err, test.cannot.of(info.Format), test.setting)
			}
		})
	}
	for _, reason := range Reasons() {
		if len(seen[reason]) == 0 {
			t.Errorf("no case for %q", reason)
		}
	}
}

// lacking says which formats can't do something, by the reason.
type lacking map[Reason][]Format

func (l lacking) of(format Format) Reason {
	for reason, formats := range l {
		if slices.Contains(formats, format) {
			return reason
		}
	}
	return ""
}

func checkUnsupported(t *testing.T, format Format, err error, reason Reason, setting Setting) {
	t.Helper()
	found := AllUnsupported(err)
	if reason == "" {
		if err != nil {
			t.Errorf("%s: %v", format, err)
		}
		return
	}
	if len(found) != 1 || found[0].Reason != reason || found[0].Setting != setting || found[0].Format != format {
		t.Errorf("%s: %v", format, err)
		return
	}
	var one *Unsupported
	if !errors.As(err, &one) || one.What == "" || one.Remedy == "" || !strings.Contains(err.Error(), string(setting)) {
		t.Errorf("%s says too little: %v", format, err)
	}
}

// simple is a profile that every format takes.
func simple(t testing.TB) Profile {
	t.Helper()
	p := full(t)
	p.Remotes, p.Control, p.TLS, p.NAT, p.Extra = p.Remotes[:1], Control{Kind: NoControl}, Compatible, nil, nil
	return p
}

func TestUnsupported_NamesEverything(t *testing.T) {
	_, err := Render(RouterOS, full(t))
	err = fmt.Errorf("the profile of a site: %w", err) // as callers may wrap it
	var got []Reason
	for _, one := range AllUnsupported(err) {
		got = append(got, one.Reason)
	}
	if diff := cmp.Diff([]Reason{NoSuchControl, NoTLS13, OneRemote, NoDirectives}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRender_UnknownFormat(t *testing.T) {
	if _, err := Render("fritzbox", full(t)); !errors.Is(err, ErrUnknownFormat) {
		t.Error(err)
	}
}

// TestRender_Deterministic: a download can be compared with an earlier one.
func TestRender_Deterministic(t *testing.T) {
	for name, sample := range samples(t) {
		first, second := mustRender(t, sample.Format, sample.Profile), mustRender(t, sample.Format, sample.Profile)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestRender_Secret: every file with a key says so, and no other.
func TestRender_Secret(t *testing.T) {
	for name, sample := range samples(t) {
		key := blocks(sample.Profile.Key)[0].Bytes
		for _, file := range mustRender(t, sample.Format, sample.Profile).Files {
			text := strings.NewReplacer("\n", "", `\n`, "").Replace(string(file.Content))
			has := strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "OpenVPN Static key") ||
				strings.Contains(text, "client key-----") || strings.Contains(text, encoded(key)) || strings.Contains(text, "<pkcs12>")
			if has != file.Secret {
				t.Errorf("%s, %s: secret %t", name, file.Name, file.Secret)
			}
		}
	}
}

func encoded(der []byte) string {
	return strings.NewReplacer("-----BEGIN X-----\n", "", "-----END X-----\n", "", "\n", "").Replace(
		string(pem.EncodeToMemory(&pem.Block{Type: "X", Bytes: der})))
}

func TestFormats(t *testing.T) {
	documented := map[Format]bool{}
	for _, info := range Formats() {
		documented[info.Format] = true
		if info.Title == "" || info.Extension == "" || info.MediaType == "" || len(info.Documents) == 0 {
			t.Errorf("%+v", info)
		}
		for _, document := range info.Documents {
			if !strings.HasPrefix(document, "https://") {
				t.Error(document)
			}
		}
	}
	for name, sample := range samples(t) {
		if !documented[sample.Format] {
			t.Error(name)
		}
	}
	if len(documented) != 8 {
		t.Error(documented)
	}
}

// authority issues certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newCA(t testing.TB, name string) authority {
	t.Helper()
	key := newKey(t)
	certificate := caTemplate(name)
	return authority{certificate, key, sign(t, certificate, certificate, key, key)}
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour),
	}
}

// newChain is an issuing CA, and the root that has issued it.
func newChain(t testing.TB) []byte {
	t.Helper()
	root := newCA(t, "root")
	return append(sign(t, caTemplate("issuing"), root.certificate, newKey(t), root.key), root.pem...)
}

func newEd25519(t testing.TB) (certificate, key []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := newCA(t, "ca")
	der, err := x509.CreateCertificate(rand.Reader, caTemplate("site"), ca.certificate, public, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// TestIssuing: the order of a chain does not matter; what is no chain has no issuing CA.
func TestIssuing(t *testing.T) {
	chain := blocks(newChain(t))
	other := blocks(newCA(t, "other").pem)
	for i, cas := range [][]*pem.Block{{chain[0], chain[1]}, {chain[1], chain[0]}, {chain[0]}} {
		if got, ok := (material{cas: cas}).issuing(); !ok || got != chain[0] {
			t.Errorf("%d: %v", i, ok)
		}
	}
	for i, cas := range [][]*pem.Block{{chain[1], other[0]}, {chain[0], chain[1], other[0]}, {chain[0], chain[0]}} {
		if got, ok := (material{cas: cas}).issuing(); ok {
			t.Error(fmt.Sprint(i), got != nil)
		}
	}
}
