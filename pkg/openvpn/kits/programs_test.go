package kits

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// need returns the path of a program. Without it the test is skipped, except under CI=true, where
// it fails. Debian keeps nft outside the PATH of most accounts.
func need(t testing.TB, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "true" {
		t.Skipf("%s is not installed: make setup", name)
	}
	t.Fatalf("%s is not installed", name)
	return ""
}

// needNamespaces returns the path of unshare, which gives a program a network and mounts of its
// own. Where that is not allowed, as in many containers, the test is skipped, except under CI=true.
func needNamespaces(t testing.TB) string {
	t.Helper()
	unshare := need(t, "unshare")
	output, err := exec.CommandContext(t.Context(), unshare, "-rnm", "true").CombinedOutput()
	if err == nil {
		return unshare
	}
	if os.Getenv("CI") != "true" {
		t.Skipf("no namespaces: %s", output)
	}
	t.Fatalf("no namespaces: %s", output)
	return ""
}

// unpack writes the files of a kit into a folder.
func unpack(t testing.TB, kit Kit) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range kit.Files {
		writeFile(t, dir, file.Name, file.Content)
	}
	return dir
}

// TestNftables lets nft check the mappings: those of Linux as they are, those of OpenWrt in the
// table of its firewall. Reading them also replaces them: the second time is the same.
func TestNftables(t *testing.T) {
	t.Parallel()
	nft, unshare := need(t, "nft"), needNamespaces(t)
	all := samples(t)
	linux := unpack(t, mustRender(t, OpenVPN, all["openvpn"].Profile))
	wrt := unpack(t, mustRender(t, OpenWrt, all["openwrt"].Profile))
	writeFile(t, wrt, "main.nft", []byte("table inet fw4 {\ninclude \"./*-rio.nft\"\n}\n"))
	for dir, file := range map[string]string{linux: "site-rio.nft", wrt: "main.nft"} {
		script := nft + " -f " + file + " && " + nft + " -f " + file + " && " + nft + " list ruleset"
		if dir == wrt {
			script = nft + " -f " + file + " && " + nft + " list ruleset"
		}
		rules := run(t, dir, unshare, "-rn", "sh", "-c", script)
		for _, rule := range []string{
			`iifname "tun0" dnat ip prefix to ip daddr map { 10.101.0.0/24 : 192.168.1.0/24, 10.101.1.0/25 : 192.168.2.0/25 }`,
			`iifname "tun0" dnat ip6 prefix to ip6 daddr map { fd00:101::/64 : fd01::/64 }`,
			`oifname "tun0" snat ip prefix to ip saddr map { 192.168.1.0/24 : 10.101.0.0/24, 192.168.2.0/25 : 10.101.1.0/25 }`,
			`oifname "tun0" snat ip6 prefix to ip6 saddr map { fd01::/64 : fd00:101::/64 }`,
		} {
			if strings.Count(rules, rule) != 1 {
				t.Errorf("%s: not once: %s\n%s", file, rule, rules)
			}
		}
	}
}

// TestShells lets the shells read the scripts, also those of sites with hostile names.
func TestShells(t *testing.T) {
	t.Parallel()
	for name, sample := range samples(t) {
		shell := map[Format]string{OPNsense: "sh", OpenWrt: "sh", VyOS: "bash"}[sample.Format]
		if shell == "" {
			continue
		}
		for _, site := range append([]string{"site-rio"}, hostile...) {
			p := sample.Profile
			p.Site = site
			kit := mustRender(t, sample.Format, p)
			cmd := exec.CommandContext(t.Context(), need(t, shell), "-n", "-s")
			cmd.Stdin = strings.NewReader(string(kit.Files[0].Content))
			if output, err := cmd.CombinedOutput(); err != nil || len(output) > 0 {
				t.Errorf("%s, %q: %v %s", name, site, err, output)
			}
		}
	}
}

// firewall answers as the API of OPNsense does, and keeps what it is asked.
type firewall struct {
	mu    sync.Mutex
	calls []string
	body  map[string]map[string]map[string]string // by path and object
	fail  string                                  // a path that is refused
}

func (f *firewall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, secret, _ := r.BasicAuth()
	content, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/api/")
	if key != "the+key" || secret != `the/secret=` || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.calls = append(f.calls, path)
	var body map[string]map[string]string
	if json.Unmarshal(content, &body) == nil && len(body) > 0 {
		f.body[path] = body
	}
	switch {
	case path == f.fail:
		io.WriteString(w, `{"result":"failed","validations":{"instance.remote":"Remote required"}}`)
	case path == "openvpn/instances/search":
		io.WriteString(w, `{"rows":[{"description":"site-oslo"}],"rowCount":1}`)
	default:
		io.WriteString(w, `{"result":"saved","uuid":"0f3c2a1e-1111-4222-8333-abcdefabcdef"}`)
	}
}

// TestOPNsenseScript runs the script against an API like that of OPNsense: the parts come before
// the instance, which names them, and the change is applied last. A refusal ends it before that.
func TestOPNsenseScript(t *testing.T) {
	t.Parallel()
	sample := samples(t)["opnsense"]
	f := &firewall{body: map[string]map[string]map[string]string{}}
	if output, err := runOPNsense(t, f, sample.Profile); err != nil {
		t.Fatalf("%v %s", err, output)
	}
	want := []string{
		"openvpn/instances/search", "trust/ca/add", "trust/cert/add", "openvpn/instances/add_static_key",
		"openvpn/instances/add", "firewall/one_to_one/add_rule", "firewall/one_to_one/add_rule",
		"firewall/one_to_one/add_rule", "openvpn/service/reconfigure", "firewall/one_to_one/apply",
	}
	if diff := cmp.Diff(want, f.calls); diff != "" {
		t.Error(diff)
	}
	instance := f.body["openvpn/instances/add"]["instance"]
	cert := f.body["trust/cert/add"]["cert"]
	if instance["tls_key"] != "0f3c2a1e-1111-4222-8333-abcdefabcdef" || instance["cert"] != cert["refid"] ||
		instance["ca"] != f.body["trust/ca/add"]["ca"]["refid"] || cert["crt_payload"] != string(sample.Profile.Certificate) ||
		instance["remote"] != "vpn.example.org:1194,[2001:db8::1]:443" || instance["remote_cert_tls"] != "1" {
		t.Errorf("%v", f.body)
	}
	refusing := &firewall{body: map[string]map[string]map[string]string{}, fail: "openvpn/instances/add"}
	output, err := runOPNsense(t, refusing, sample.Profile)
	if err == nil || !strings.Contains(output, "Remote required") ||
		refusing.calls[len(refusing.calls)-1] != "openvpn/instances/add" {
		t.Errorf("%v %s %q", err, output, refusing.calls)
	}
	p := sample.Profile
	p.Site = "site-oslo" // there is one
	again := &firewall{body: map[string]map[string]map[string]string{}}
	if output, err := runOPNsense(t, again, p); err == nil || !strings.Contains(output, "already") || len(again.calls) != 1 {
		t.Errorf("%v %s %q", err, output, again.calls)
	}
}

func runOPNsense(t *testing.T, f *firewall, p Profile) (string, error) {
	t.Helper()
	need(t, "curl")
	server := httptest.NewServer(f)
	defer server.Close()
	kit := mustRender(t, OPNsense, p)
	cmd := exec.CommandContext(t.Context(), need(t, "sh"), filepath.Join(unpack(t, kit), kit.Files[0].Name))
	cmd.Env = append(os.Environ(), "OPNSENSE_URL="+server.URL, "OPNSENSE_KEY=the+key", `OPNSENSE_SECRET=the/secret=`)
	output, err := cmd.CombinedOutput()
	return string(output), err
}
