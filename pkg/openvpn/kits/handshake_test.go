package kits

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"

	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

const password = "sesame" // of client.p12, and of keys that tests encrypt

// TestHandshake lets a real OpenVPN connect with what the formats that it reads contain, by every
// protection of the control channel and both levels of TLS, and refuse the same profile with
// another key or another server's name.
func TestHandshake(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	for kind, options := range map[ControlKind][]string{
		NoControl: nil, TLSAuth: {"--tls-auth", "static.key", "0"}, TLSCrypt: {"--tls-crypt", "static.key"},
		TLSCryptV2: {"--tls-crypt-v2", "v2-server.key"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, p := startServer(t, "vpn.example.org", kind, append(options, "--auth", "SHA256", "--tls-version-min", "1.3"))
			for _, format := range []Format{OpenVPN, Connect, PfSense, P12Profile} {
				if format == PfSense && kind == TLSCryptV2 {
					continue
				}
				connects(t, server, string(format), profileFile(t, format, p), secretOf(format))
			}
			p.Key, p.Comments = encrypt(t, p.Key), []string{"the key is encrypted"}
			connects(t, server, "an encrypted key", profileFile(t, OpenVPN, p), password)
			refused(t, server, "a wrong password", profileFile(t, OpenVPN, p), "open", "password verification failed")
			p.Key = siteFile(t, "client.key")
			p.ServerName = "other.example.org"
			refused(t, server, "another server name", profileFile(t, OpenVPN, p), "", "VERIFY X509NAME ERROR")
		})
	}
}

// TestHandshake_OtherRouters connects with the words of other configurations, put together as their
// routers do it.
func TestHandshake_OtherRouters(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	server, p := startServer(t, "vpn.example.org", TLSAuth, []string{"--tls-auth", "static.key", "0", "--auth", "SHA256"})
	p.TLS, p.ServerHosts = Compatible, []string{"127.0.0.1"}
	kit := mustRender(t, RouterOS, p)
	connects(t, server, "routeros", content(t, kit, "site-rio.ovpn"), "")
	connects(t, server, "openwrt", openWrtConfig(t, mustRender(t, OpenWrt, p)), "")
	connects(t, server, "vyos", vyosConfig(t, mustRender(t, VyOS, p)), "")
}

// TestHandshake_HostileName connects to a server whose name has every sign that means something in
// a configuration, with a site of such a name.
func TestHandshake_HostileName(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	const name = `Acme "VPN"\ '$x'; #1 <ca> ação`
	server, p := startServer(t, name, NoControl, nil)
	p.Site, p.CommonName, p.Comments = name, name, []string{name, "</ca>", `\`}
	for _, format := range []Format{OpenVPN, Connect, PfSense} {
		connects(t, server, string(format), profileFile(t, format, p), "")
	}
	p.ServerName = `Acme "VPN"`
	refused(t, server, "a part of the name", profileFile(t, OpenVPN, p), "", "VERIFY X509NAME ERROR")
}

// TestHandshake_Extra: OpenVPN takes every directive that may be added to a client.
func TestHandshake_Extra(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	args := map[string][]string{
		"allow-recursive-routing": nil, "auth-nocache": nil, "connect-retry": {"1", "10"}, "connect-retry-max": {"3"},
		"connect-timeout": {"10"}, "explicit-exit-notify": {"1"}, "float": nil, "fragment": {"1200", "mtu"},
		"hand-window": {"10"}, "mssfix": {"1300"}, "mute": {"20"}, "mute-replay-warnings": nil,
		"ping": {"10"}, "ping-exit": {"60"}, "ping-restart": {"60"}, "ping-timer-rem": nil,
		"pull-filter": {"ignore", "dhcp-option DNS"}, "push-peer-info": nil, "rcvbuf": {"65536"},
		"reneg-bytes": {"0"}, "reneg-pkts": {"0"}, "replay-window": {"64", "15"},
		"resolv-retry": {"infinite"}, "route": {"10.0.0.0", "255.0.0.0", "vpn_gateway", "10"}, "route-delay": {"1"},
		"route-ipv6": {"fd00::/8"}, "route-metric": {"10"}, "route-nopull": nil, "server-poll-timeout": {"10"},
		"sndbuf": {"65536"}, "socket-flags": {"TCP_NODELAY"}, "tls-timeout": {"2"}, "tran-window": {"3600"},
		"txqueuelen": {"100"}, "verb": {"3"},
	}
	for name := range extraDirectives {
		if _, ok := args[name]; !ok {
			t.Errorf("no arguments for %s", name)
		}
	}
	server, p := startServer(t, "vpn.example.org", NoControl, []string{"--fragment", "1200"})
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if name != "ping-exit" { // which excludes ping-restart
			p.Extra = append(p.Extra, Directive{name, args[name]})
		}
	}
	connects(t, server, "all", profileFile(t, OpenVPN, p), "")
	p.Extra, p.Keepalive = []Directive{{"ping-exit", args["ping-exit"]}}, Keepalive{}
	connects(t, server, "ping-exit", profileFile(t, OpenVPN, p), "")
}

func secretOf(format Format) string {
	if format == P12Profile {
		return password
	}
	return ""
}

// startServer returns a server for the sample site, and a profile that leads to it.
func startServer(t *testing.T, name string, kind ControlKind, options []string) (*openvpntest.Server, Profile) {
	t.Helper()
	dir := t.TempDir()
	p := full(t)
	p.Control = Control{Kind: kind}
	switch kind {
	case TLSAuth, TLSCrypt:
		p.Control = static(t, kind)
		writeFile(t, dir, "static.key", p.Control.Key)
	case TLSCryptV2:
		p.Control.Key = newClientKey(t, dir)
	}
	identity := newIdentity(t, name)
	server := openvpntest.Start(t, openvpntest.ServerConfig{
		Dir: dir, ClientCA: p.CA, Identity: &identity, Options: options,
	})
	to := server.Profile(p.Certificate, p.Key)
	p.Remotes = []Remote{{to.Remote, to.Port, UDP}}
	p.CA, p.ServerName, p.NAT, p.Extra, p.MTU = to.CA, to.ServerName, nil, nil, 0
	return server, p
}

// newClientKey lets OpenVPN make the server's key, and one of a client that it wraps.
func newClientKey(t *testing.T, dir string) []byte {
	t.Helper()
	run(t, dir, openvpntest.Require(t), "--genkey", "tls-crypt-v2-server", "v2-server.key")
	run(t, dir, openvpntest.Require(t), "--tls-crypt-v2", "v2-server.key", "--genkey", "tls-crypt-v2-client", "v2.key")
	key, err := os.ReadFile(filepath.Join(dir, "v2.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, output)
	}
	return string(output)
}

func writeFile(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// newIdentity makes a server whose certificate has a name, and an authority of its own.
func newIdentity(t *testing.T, name string) openvpntest.Identity {
	t.Helper()
	caKey, key := newKey(t), newKey(t)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return openvpntest.Identity{
		Name: name, CA: sign(t, ca, ca, caKey, caKey), Certificate: sign(t, leaf, ca, key, caKey),
		Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encrypt(t testing.TB, key []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(key)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.ConvertPrivateKeyToPKCS8(parsed, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
}

func mustRender(t testing.TB, format Format, p Profile) Kit {
	t.Helper()
	kit, err := Render(format, p)
	if err != nil {
		t.Fatal(err)
	}
	return kit
}

func content(t testing.TB, kit Kit, name string) []byte {
	t.Helper()
	for _, file := range kit.Files {
		if file.Name == name {
			return file.Content
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func profileFile(t testing.TB, format Format, p Profile) []byte {
	t.Helper()
	return mustRender(t, format, p).Files[0].Content
}

// connect tries again after a handshake that took too long, which says nothing about the profile:
// on a busy machine the client repeats its first packet, and OpenVPN may mix up the two answers.
func connect(
	t *testing.T, server *openvpntest.Server, profile []byte, password string,
) (result openvpntest.Result, err error) {
	t.Helper()
	for range 3 {
		result, err = server.ConnectProfile(t.Context(), profile, password)
		if !strings.Contains(result.Reason, "key negotiation failed to occur") {
			break
		}
	}
	return result, err
}

func connects(t *testing.T, server *openvpntest.Server, name string, profile []byte, password string) {
	t.Helper()
	result, err := connect(t, server, profile, password)
	if err != nil || !result.Connected {
		t.Errorf("%s: %v %s\n%s", name, err, result.Reason, result.ClientLog)
	}
	if strings.Contains(result.ClientLog, "WARNING: No server certificate verification") {
		t.Errorf("%s: any server would do", name)
	}
}

func refused(t *testing.T, server *openvpntest.Server, name string, profile []byte, password, reason string) {
	t.Helper()
	result, err := connect(t, server, profile, password)
	if err != nil || result.Connected || !strings.Contains(result.Reason+result.ClientLog, reason) {
		t.Errorf("%s: %v, connected %t: %s\n%s", name, err, result.Connected, result.Reason, result.ClientLog)
	}
}
