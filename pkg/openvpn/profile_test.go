package openvpn

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProfile_Render(t *testing.T) {
	p := sample(t)
	got, err := p.Render()
	if err != nil {
		t.Fatal(err)
	}
	want := `client
dev tun
proto udp
remote vpn.example.org 1194
nobind
persist-key
persist-tun
remote-cert-tls server
verify-x509-name "Acme VPN" name
<ca>
` + string(p.CA) + `</ca>
<cert>
` + string(p.Certificate) + `</cert>
<key>
` + string(p.Key) + `</key>
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestProfile_Render_Accepts(t *testing.T) {
	tests := map[string]func(*Profile){
		"an IPv4 address":       func(p *Profile) { p.Remote = "192.0.2.1" },
		"an IPv6 address":       func(p *Profile) { p.Remote = "2001:db8::1" },
		"tcp":                   func(p *Profile) { p.Proto = "tcp" },
		"no server name":        func(p *Profile) { p.ServerName = "" },
		"a name with an accent": func(p *Profile) { p.ServerName = "São Paulo" },
		"an old and a new CA":   func(p *Profile) { p.CA = append(p.CA, p.CA...) },
		"a certificate that only OpenSSL reads": func(p *Profile) {
			p.Certificate = reblockDER("CERTIFICATE", []byte("\x30\x0b\x30\x03\x02\x01\x81\x30\x00\x03\x02\x00\x01"))
		},
		"comments around PEM": func(p *Profile) { p.CA = append([]byte("up /bin/sh\n"), p.CA...) },
		"CRLF line ends":      func(p *Profile) { p.Key = bytes.ReplaceAll(p.Key, []byte("\n"), []byte("\r\n")) },
		"a PKCS#8 encrypted key": func(p *Profile) {
			p.Key = reblock(p.Key, "ENCRYPTED PRIVATE KEY", nil)
		},
		"a traditional encrypted key": func(p *Profile) {
			p.Key = reblock(
				p.Key, "EC PRIVATE KEY", map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,0A1B"},
			)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := sample(t)
			change(&p)
			got, err := p.Render()
			if err != nil {
				t.Fatal(err)
			}
			checkLines(t, got)
		})
	}
}

func TestProfile_Render_Refuses(t *testing.T) {
	tests := map[string]struct {
		change func(*Profile)
		want   string
	}{
		"no remote":             {func(p *Profile) { p.Remote = "" }, "remote"},
		"a second directive":    {func(p *Profile) { p.Remote = "a\nup /bin/sh" }, "remote"},
		"a remote with a port":  {func(p *Profile) { p.Remote = "a 1194 tcp" }, "remote"},
		"a zone":                {func(p *Profile) { p.Remote = "fe80::1%\nup x" }, "remote"},
		"a trailing newline":    {func(p *Profile) { p.Remote = "a\n" }, "remote"},
		"port 0":                {func(p *Profile) { p.Port = 0 }, "port"},
		"port 65536":            {func(p *Profile) { p.Port = 65536 }, "port"},
		"no protocol":           {func(p *Profile) { p.Proto = "" }, "proto"},
		"another protocol":      {func(p *Profile) { p.Proto = "udp\nup x" }, "proto"},
		"a newline in the name": {func(p *Profile) { p.ServerName = "a\nb" }, "server name"},
		"a quote in the name":   {func(p *Profile) { p.ServerName = `a" name x "` }, "server name"},
		"a backslash":           {func(p *Profile) { p.ServerName = `a\` }, "server name"},
		"a tag in the name":     {func(p *Profile) { p.ServerName = "<ca>" }, "server name"},
		"bytes in the name":     {func(p *Profile) { p.ServerName = "a\xff" }, "server name"},
		"a space at the end":    {func(p *Profile) { p.ServerName = "a " }, "server name"},
		"a long name":           {func(p *Profile) { p.ServerName = strings.Repeat("a", 65) }, "server name"},
		"no CA":                 {func(p *Profile) { p.CA = nil }, "ca"},
		"text for a CA":         {func(p *Profile) { p.CA = []byte("</ca>\nup /bin/sh\n") }, "ca"},
		"a key for a CA":        {func(p *Profile) { p.CA = p.Key }, "ca"},
		"a truncated CA":        {func(p *Profile) { p.CA = append(p.CA, p.CA[:len(p.CA)/2]...) }, "ca"},
		"a CA of other bytes":   {func(p *Profile) { p.CA = reblock(p.Key, "CERTIFICATE", nil) }, "ca"},
		"a CA with more behind": {func(p *Profile) {
			block, _ := pem.Decode(p.CA)
			p.CA = reblockDER("CERTIFICATE", append(block.Bytes, 0))
		}, "ca"},
		"a certificate header": {func(p *Profile) {
			p.Certificate = reblock(p.Certificate, "CERTIFICATE", map[string]string{"</cert>": "x"})
		}, "certificate"},
		"no key":               {func(p *Profile) { p.Key = nil }, "key"},
		"two keys":             {func(p *Profile) { p.Key = append(p.Key, p.Key...) }, "key"},
		"a certificate as key": {func(p *Profile) { p.Key = p.Certificate }, "key"},
		"a closing tag in a key": {func(p *Profile) {
			p.Key = reblock(p.Key, "PRIVATE KEY", map[string]string{"</key>": "x"})
		}, "key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := sample(t)
			test.change(&p)
			got, err := p.Render()
			if err == nil {
				t.Fatalf("rendered:\n%s", got)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not name %s: %v", test.want, err)
			}
		})
	}
}

func TestProfile_Render_NamesEveryFault(t *testing.T) {
	_, err := Profile{}.Render()
	for _, field := range []string{"remote", "port", "proto", "ca", "certificate", "key"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in: %v", field, err)
		}
	}
}

func TestProfile_LogValue(t *testing.T) {
	p := sample(t)
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("rendered", "profile", p)
	if strings.Contains(out.String(), "PRIVATE") || !strings.Contains(out.String(), p.Remote) {
		t.Error(out.String())
	}
}

// FuzzProfileRender looks for a value that adds a line of its own to a profile.
// Run it with -fuzzminimizetime=10x: shrinking PEM takes most of the time otherwise.
func FuzzProfileRender(f *testing.F) {
	p := sample(f)
	f.Add("vpn.example.org", 1194, "udp", "Acme VPN", p.CA, p.Certificate, p.Key)
	f.Add("a\nup x", 1, "tcp", "\"\nup x", append(p.CA, "</ca>\nup x\n"...), p.Certificate,
		reblock(p.Key, "PRIVATE KEY", map[string]string{"</key>": "x"}))
	f.Fuzz(func(t *testing.T, remote string, port int, proto, name string, ca, certificate, key []byte) {
		// Most values are refused for one field; the others must not hide what it does.
		for _, changed := range []Profile{
			{Remote: remote, Port: port, Proto: proto, ServerName: name, CA: ca, Certificate: certificate, Key: key},
			{
				Remote: remote, Port: port, Proto: proto, ServerName: name,
				CA: p.CA, Certificate: p.Certificate, Key: p.Key,
			},
			{
				Remote: p.Remote, Port: p.Port, Proto: p.Proto, ServerName: p.ServerName,
				CA: ca, Certificate: p.Certificate, Key: p.Key,
			},
			{
				Remote: p.Remote, Port: p.Port, Proto: p.Proto, ServerName: p.ServerName,
				CA: p.CA, Certificate: certificate, Key: p.Key,
			},
			{
				Remote: p.Remote, Port: p.Port, Proto: p.Proto, ServerName: p.ServerName,
				CA: p.CA, Certificate: p.Certificate, Key: key,
			},
		} {
			if out, err := changed.Render(); err == nil {
				checkLines(t, out)
			}
		}
	})
}

var (
	directives = regexp.MustCompile(`\Aclient
dev tun
proto (udp|tcp)
remote [A-Za-z0-9.:-]+ [0-9]{1,5}
nobind
persist-key
persist-tun
remote-cert-tls server
(verify-x509-name "[^"'\\<>\x00-\x1f\x7f]+" name
)?\z`)
	inside = regexp.MustCompile(
		`^([A-Za-z0-9+/=]+|-----(BEGIN|END) [A-Z0-9 ]+-----|Proc-Type: 4,ENCRYPTED|DEK-Info: [A-Z0-9-]+,[0-9A-Fa-f]+|)$`,
	)
)

// checkLines reads a profile as OpenVPN does: directives, then inline blocks
// that end at the first line beginning with their closing tag.
func checkLines(t *testing.T, profile []byte) {
	t.Helper()
	head, blocks, _ := strings.Cut(string(profile), "<ca>\n")
	if !directives.MatchString(head) {
		t.Errorf("directives:\n%q", head)
	}
	open, want := "ca", []string{"cert", "key"}
	for line := range strings.Lines(blocks) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case open == "" && len(want) > 0 && line == "<"+want[0]+">":
			open, want = want[0], want[1:]
		case open != "" && line == "</"+open+">":
			open = ""
		case open == "" || !inside.MatchString(line):
			t.Errorf("a line of its own: %q", line)
		}
	}
	if open != "" || len(want) > 0 {
		t.Errorf("blocks left: %q %q", open, want)
	}
}

// sample is self-signed: Render checks that certificates can be read, not who issued them.
func sample(t testing.TB) Profile {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lisboa"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Profile{
		Remote: "vpn.example.org", Port: 1194, Proto: "udp", ServerName: "Acme VPN",
		CA:          pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
}

func reblock(text []byte, kind string, headers map[string]string) []byte {
	block, _ := pem.Decode(text)
	return pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: block.Bytes})
}

func reblockDER(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
