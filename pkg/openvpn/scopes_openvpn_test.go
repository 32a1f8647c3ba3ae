package openvpn_test

import (
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

var outOfContext = regexp.MustCompile(`(?:Options error: )?option '([a-z0-9-]+)' cannot be used in this context`)

// unguarded are directives that OpenVPN takes where they do nothing, or nothing good. There the
// table refuses them.
var unguarded = []string{
	"ifconfig-noexec", "disable-dco", "mark", "route-ipv6-gateway", "max-routes", "tun-ipv6", "providers", "prng", "compat-mode",
}

// TestScopes_CCD: in a file of client-config-dir, OpenVPN takes what the table allows there, and
// not what it says to be for elsewhere.
func TestScopes_CCD(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(*openvpn.ServerValues) {})
	var lines strings.Builder
	tried := tryable(openvpn.ScopeCCD)
	for _, a := range tried {
		lines.WriteString(sampleLine(a) + "\n")
	}
	file := filepath.Join(n.dir, "ccd", "a")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(lines.String(), "\ndisable\n", "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	compareScope(t, openvpn.ScopeCCD, tried, n.connect(t, "a", unchanged).ServerLog)
}

// TestScopes_Push: a client takes what the table allows to push, and not what it says to be for
// elsewhere.
func TestScopes_Push(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, func(*openvpn.ServerValues) {})
	var lines strings.Builder
	tried := tryable(openvpn.ScopePush)
	for _, a := range tried {
		lines.WriteString("push \"" + strings.ReplaceAll(sampleLine(a), `"`, `\"`) + "\"\n")
	}
	if err := os.WriteFile(filepath.Join(n.dir, "ccd", "a"), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	result := n.connect(t, "a", unchanged)
	if !result.Connected {
		t.Fatalf("%s\n%s", result.Reason, result.ClientLog)
	}
	compareScope(t, openvpn.ScopePush, tried, result.ClientLog)
}

// TestScopes_Server: a server starts with each directive that the table lets a user add.
func TestScopes_Server(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a hundred servers")
	}
	t.Parallel()
	openvpntest.Require(t)
	ca := newIssuer(t)
	server := ca.issue(t, "the server", x509.ExtKeyUsageServerAuth)
	values := baseValues(ca, server)
	values.Proto, values.Network = "udp", openvpn.NetOf(netip.MustParsePrefix("10.96.0.0/24"))
	values.TLS, _ = openvpn.TLSProfile("modern")
	values.ControlChannel = "none"
	var wait sync.WaitGroup
	turns := make(chan struct{}, 4)
	for _, a := range tryable(openvpn.ScopeServer) {
		if allowed, _ := openvpn.Allowed(a.Name, openvpn.ScopeServer); !allowed {
			continue
		}
		if strings.HasSuffix(a.Name, "-certs") || strings.HasSuffix(a.Name, "-secret") {
			continue // a block, with a real certificate or key
		}
		added := values
		added.Extra = openvpn.Lines(sampleLine(a))
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			checkAdded(t, added, server)
		})
	}
	wait.Wait()
}

func checkAdded(t *testing.T, values openvpn.ServerValues, server openvpntest.Credentials) {
	text, err := openvpn.RenderServer(openvpn.DefaultModel, values)
	if err != nil {
		t.Errorf("%s: %v", values.Extra, err)
		return
	}
	if log, err := openvpntest.TryConfig(t.Context(), serverDir(t, server), text); err != nil {
		t.Errorf("%s: %v: %s", values.Extra, err, log)
	}
}

// tryable are the directives about which the table says something in a scope.
func tryable(scope openvpn.Scope) (tried []openvpn.Arity) {
	for _, a := range openvpn.Arities(false) {
		if allowed, elsewhere := openvpn.Allowed(a.Name, scope); allowed || elsewhere {
			tried = append(tried, a)
		}
	}
	slices.SortFunc(tried, func(a, b openvpn.Arity) int { return strings.Compare(a.Name, b.Name) })
	return tried
}

// sampleLine has values that hold the tunnel up.
func sampleLine(a openvpn.Arity) string {
	values := map[string]string{
		"ifconfig-push": "10.97.0.9 255.255.255.0", "ifconfig-ipv6-push": "fd00:97::9/64", "iroute": "10.9.9.0 255.255.255.0",
		"iroute-ipv6": "fd00:9::/64", "push": `"echo a"`, "cipher": "AES-256-GCM", "data-ciphers": "AES-256-GCM",
		"data-ciphers-fallback": "AES-256-GCM", "ncp-ciphers": "AES-256-GCM", "inactive": "999", "session-timeout": "999",
		"ping": "99", "ping-exit": "999", "ping-restart": "999", "comp-lzo": "no", "compress": "migrate", "verb": "4",
		"route": "10.99.0.0", "route-ipv6": "fd00:99::/64", "tun-mtu": "1500", "route-gateway": "10.97.0.1",
		"route-ipv6-gateway": "fd00:97::1", "client-nat": "snat 10.0.0.0 255.0.0.0 11.0.0.0", "shaper": "9999999",
		"redirect-gateway": "local", "redirect-private": "local", "dns": "server 1 address 10.97.0.1",
		"tls-version-min": "1.3", "tls-version-max": "1.3", "tls-cert-profile": "preferred", "tls-groups": "X25519",
		"tls-ciphersuites": "TLS_AES_256_GCM_SHA384", "tls-cipher": "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
		"ecdh-curve": "prime256v1", "auth": "SHA256", "x509-track": "CN", "fragment": "1300", "mtu-disc": "no", "tun-mtu-max": "1600",
		"keying-material-exporter": "EXPORTER-a 32", "bind-dev": "lo", "allow-compression": "no", "replay-window": "64",
		"verify-client-cert": "require", "ifconfig-push-constraint": "10.0.0.0 255.0.0.0",
		"dhcp-option": "DNS 10.97.0.1", "topology": "subnet", "sndbuf": "99999", "rcvbuf": "99999", "mute": "99",
	}
	if value, ok := values[a.Name]; ok {
		return a.Name + " " + value
	}
	return a.Name + strings.Repeat(" 1", a.Min)
}

func compareScope(t *testing.T, scope openvpn.Scope, tried []openvpn.Arity, log string) {
	t.Helper()
	refused := map[string]bool{}
	for _, match := range outOfContext.FindAllStringSubmatch(log, -1) {
		refused[match[1]] = true
	}
	if len(refused) < 50 {
		t.Fatalf("OpenVPN refuses only %v: %s", refused, log)
	}
	for _, a := range tried {
		allowed, _ := openvpn.Allowed(a.Name, scope)
		if allowed && refused[a.Name] {
			t.Errorf("OpenVPN does not take %s", a.Name)
		}
		if !allowed && !refused[a.Name] && !slices.Contains(unguarded, a.Name) {
			t.Errorf("OpenVPN takes %s", a.Name)
		}
	}
}
