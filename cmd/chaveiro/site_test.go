package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestClientConfig(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	wantClients(t, o, "--instance VPN-MATRIZ", "site-rio")
	wantClients(t, o, "--instance 1 --status revoked")
	wantFail(t, o, 3, `there is no instance named "none"`, "client list --instance none")
	wantLine(t, must(t, o, "client config list site-rio"), "1 1 10.8.0.2 - 10.1.0.0/24 - 0 false -")
	if got := record(t, o, "client config show site-recife 1"); got["configured"] != false || got["static_ip"] != "" {
		t.Errorf("%v", got)
	}
	after := record(t, o, "client config set SITE-RIO VPN-MATRIZ --static-ip 10.8.0.9 --lan 192.168.1.0/24 --lan 10.1.0.0/24 "+
		"--nat 192.168.1.0/24=172.20.1.0/24 --allow-overlap --push-route 10.2.0.0/16 --dns-server 10.0.0.53 --max-routes 9")
	for name, want := range map[string]any{
		"static_ip": "10.8.0.9", "iroutes": []any{"192.168.1.0/24", "10.1.0.0/24"}, "allow_overlap": true,
		"nat":        []any{map[string]any{"network": "192.168.1.0/24", "mapped": "172.20.1.0/24"}},
		"dns_server": "10.0.0.53", "max_routes": 9.0, "push_routes": []any{"10.2.0.0/16"},
	} {
		if diff := cmp.Diff(want, after[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	wantWords(t, must(t, o, "client config show site-rio 1"), "nat                 192.168.1.0/24=172.20.1.0/24\n")
	if after := record(t, o, "client config set site-rio 1 --no-nat --no-push-route --no-allow-overlap"); len(after["nat"].([]any)) != 0 ||
		after["allow_overlap"] != false || len(after["iroutes"].([]any)) != 2 {
		t.Errorf("%v", after)
	}
	wantFail(t, o, 4, "the address belongs to site-rio (vpn-matriz)", "client config set site-recife 1 --static-ip 10.8.0.9")
	wantFail(t, o, 4, "overlaps 10.1.0.0/24, a LAN of site-rio (vpn-matriz): for sites with equal LANs",
		"client config set site-recife 1 --iroute 10.1.0.0/25")
	wantFail(t, o, 2, "no mapping, as", "client config set site-rio 1 --nat 10.1.0.0/24")
	wantFail(t, o, 3, `there is no instance named "none"`, "client config show site-rio none")
	wantFail(t, o, 3, `there is no client named "none"`, "client config set none 1")
	wantFail(t, o, 4, `away from the instance \"vpn-matriz\" (id 1)?`, "client config remove site-rio 1")
	must(t, o, "client config remove site-rio 1 --yes")
	must(t, o, "client config set site-recife 1 --static-ip 10.8.0.9 --iroute 10.1.0.0/25")
}

// TestPlan: the plan says who has what and what is free, and as CSV it has the rows of the file of
// the API.
func TestPlan(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	must(t, o, "client config set site-recife vpn-matriz --static-ip 10.8.0.100 --lan 192.168.1.0/24 --nat 192.168.1.0/24=172.20.1.0/24")
	got := must(t, o, "plan VPN-MATRIZ")
	for _, line := range []string{
		"KIND NETWORK SEEN AS FIRST LAST CLIENT", "tunnel 10.8.0.0/24 - 10.8.0.0 10.8.0.255 -",
		"lan 10.1.0.0/24 - 10.1.0.0 10.1.0.255 site-rio",
		"lan 192.168.1.0/24 172.20.1.0/24 192.168.1.0 192.168.1.255 site-recife",
		"free 10.8.0.0/24 - 10.8.0.3 10.8.0.99 -", "free 10.8.0.0/24 - 10.8.0.101 10.8.0.254 -",
	} {
		wantLine(t, got, line)
	}
	csv := must(t, o, "plan 1 --csv")
	token := strings.TrimSpace(must(t, o, "apikey create --name root --superuser"))
	c := &apptest.Client{URL: apptest.Start(t, o).URL, Token: token}
	file, err := c.Bytes(t.Context(), "/api/openvpn/instances/1/plan/export")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(file), strings.ReplaceAll(csv, "\r\n", "\n")); diff != "" {
		t.Error(diff)
	}
	wantFail(t, o, 3, `there is no instance named "none"`, "plan none --json")
}

func TestClientProfile(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	file := filepath.Join(t.TempDir(), "rio.ovpn")
	must(t, o, "client profile site-rio --out "+file)
	wantFile(t, file, 0o600, "#")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "PRIVATE KEY") {
		t.Errorf("%s (%v)", text, err)
	}
	if got := record(t, o, "client config show site-rio 1"); got["profile_version"] != 1.0 {
		t.Errorf("%v", got)
	}
	events := must(t, o, "audit verify")
	wantFail(t, o, 4, "--force replaces it", "client profile site-rio --out "+file)
	if got := must(t, o, "audit verify"); got != events {
		t.Errorf("a refused file is in the audit: %s", got)
	}
	if got := must(t, o, "client profile 1 --instance VPN-MATRIZ --without-key --out -"); strings.Contains(got, "PRIVATE KEY") ||
		!strings.Contains(got, "site-rio.key") {
		t.Error(got)
	}
	wantFail(t, o, 2, "--out", "client profile site-rio")
	wantFail(t, o, 2, "--format", "client profile site-rio --format none --out -")
	wantFail(t, o, 2, "no terminal to ask for a password", "client profile site-rio --format p12-profile --out -")
	wantFail(t, o, 3, "make it one with chaveiro client config set", "client profile site-recife --instance 1 --out -")
	wantFail(t, o, 4, "the format routeros does not do", "client profile site-rio --format routeros --out -")
	o.Stdin = longPassword + "\n"
	must(t, o, "client profile site-rio --format p12-profile --password-stdin --force --out "+file)
	wantFile(t, file, 0o600, "#")
	must(t, o, "instance update 1 --no-remote")
	wantFail(t, o, 4, "chaveiro instance update --remote", "client profile site-rio --out -")
}

func TestClientLink(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	link := must(t, o, "client link create site-rio --instance vpn-matriz --external-url https://vpn.example.com/")
	if secret, found := strings.CutPrefix(link, "https://vpn.example.com/enrol/"); !found || len(secret) < 50 {
		t.Errorf("it prints %q", link)
	}
	o.Stdin = "4711\n"
	if link := must(t, o, "client link create site-rio --instance 1 --format openvpn --expires 1h --pin-stdin"); !strings.HasPrefix(link, "/enrol/") {
		t.Errorf("it prints %q", link)
	}
	list := must(t, o, "client link list site-rio --csv")
	wantWords(t, list, "\n1,1,1,,false,open,", "\n2,1,1,openvpn,true,open,")
	if strings.Contains(list, strings.TrimSpace(filepath.Base(link))) {
		t.Errorf("it has the secret: %s", list)
	}
	o.Stdin = "47\n"
	wantFail(t, o, 2, "pin: too short, it needs 4 characters", "client link create site-rio --instance 1 --pin-stdin")
	o.Stdin = "\n"
	wantFail(t, o, 2, "the PIN is empty", "client link create site-rio --instance 1 --pin-stdin")
	wantFail(t, o, 2, "no terminal", "client link create site-rio --instance 1 --ask-pin")
	wantFail(t, o, 2, "external-url", "client link create site-rio --instance 1 --external-url vpn")
	wantFail(t, o, 2, "expires_in", "client link create site-rio --instance 1 --expires 91d")
	wantFail(t, o, 2, "--instance", "client link create site-rio")
	wantFail(t, o, 3, "make it one with chaveiro client config set", "client link create site-recife --instance 1")
	wantFail(t, o, 4, `"Revoke the link 1 of the client \"site-rio\" (id 1)?`, "client link revoke site-rio 1")
	wantFail(t, o, 3, `the client "site-recife" (id 2) has no link with the id 1`, "client link revoke site-recife 1 --yes")
	must(t, o, "client link revoke site-rio 1 --yes")
	wantWords(t, must(t, o, "client link list site-rio --csv"), "\n1,1,1,,false,revoked,")
}
