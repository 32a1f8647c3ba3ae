package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// tunnelDir is a pkiDir with the instance vpn-matriz, of which site-rio is a site.
func tunnelDir(t *testing.T) apptest.Options {
	t.Helper()
	o := pkiDir(t)
	must(t, o, "instance create --ca ca-matriz --name vpn-matriz --network 10.8.0.0/24 --remote vpn.example.com --push-route 10.0.0.0/16")
	must(t, o, "client config set site-rio vpn-matriz --iroute 10.1.0.0/24")
	return o
}

// wantLine checks a line of a table, regardless of how wide its columns are.
func wantLine(t *testing.T, text, want string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Join(strings.Fields(line), " ") == want {
			return
		}
	}
	t.Errorf("no line %q in:\n%s", want, text)
}

func TestInstance(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	shown := record(t, o, "instance show VPN-MATRIZ")
	wantLine(t, must(t, o, "instance list"), "1 1 vpn-matriz 1194 10.8.0.0/24 udp vpn.example.com "+
		seconds(t, shown["expiry_date"])+" 1")
	if shown["ca"] != "ca-matriz" || shown["model"] != "default" || shown["subject"] != "CN=vpn-matriz" {
		t.Errorf("%v", shown)
	}
	must(t, o, "instance create --ca 1 --name other --network 10.9.0.0/24 --gateway branch --proto tcp --dhcp --extra-conf /dev/null")
	for flags, want := range map[string]int{"": 2, "--ca ca-matriz": 2, "--gateway BRANCH": 1, "--gateway none": 0} {
		if got := must(t, o, "instance list --json "+flags); strings.Count(got, "\n") != want {
			t.Errorf("instance list %s: %s", flags, got)
		}
	}
	wantFail(t, o, 3, `there is no CA named "none"`, "instance create --ca none --name a --network 10.1.0.0/24")
	wantFail(t, o, 4, "duplicated", "instance create --ca 1 --name OTHER --network 10.10.0.0/24")
	wantFail(t, o, 2, "10.7.0.1/24 is not a network, host bits are set: give 10.7.0.0/24",
		"instance create --ca 1 --name a --network 10.7.0.1/24")
	wantFail(t, o, 4, "10.8.0.0/25, of a, overlaps 10.8.0.0/24, a tunnel network of vpn-matriz",
		"instance create --ca 1 --name a --network 10.8.0.0/25 --gateway vpn-matriz --port 1195")
	must(t, o, "instance reload vpn-matriz")
	if record(t, o, "instance show 1")["reloaded_at"] == nil {
		t.Error("no reload")
	}
	before := record(t, o, "instance show 1")
	after := record(t, o, "instance renew vpn-matriz --overlap 0 --expires 100d --key-algorithm ed25519")
	if after["serial"] == before["serial"] || after["version"] != before["version"] {
		t.Errorf("%v", after)
	}
	wantRevoked(t, o, "--kind server", 1)
	wantFail(t, o, 2, "overlap", "instance renew vpn-matriz --overlap 9000d")
	wantFail(t, o, 3, `there is no instance named "none"`, "instance reload none")
}

// seconds is a time of JSON as tables have it.
func seconds(t *testing.T, text any) string {
	t.Helper()
	at, err := time.Parse(dialectDate, text.(string))
	if err != nil {
		t.Fatal(err)
	}
	return at.Format(time.RFC3339)
}

func TestInstance_Update(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	extra := writeText(t, "sndbuf 0\nrcvbuf 0\n")
	after := record(t, o, "instance update vpn-matriz --port 1195 --no-push-route --remote a.example.com --remote tcp://192.0.2.1:443 "+
		"--remote-random --network-v6 fd00:8::/64 --renew-before 20d --city Rio --extra-conf "+extra)
	for name, want := range map[string]any{
		"port": 1195.0, "remote_random": true, "network_v6": "fd00:8::/64", "renew_before": 20.0, "city": "Rio",
		"extra_conf": "sndbuf 0\nrcvbuf 0\n", "version": 2.0, "network": "10.8.0.0/24",
	} {
		if after[name] != want {
			t.Errorf("%s: %v, want %v", name, after[name], want)
		}
	}
	wantWords(t, must(t, o, "instance show 1"), "push routes             -\n", "extra conf              (2 lines)\n",
		"remotes                 a.example.com, tcp://192.0.2.1:443\n")
	if after := record(t, o, "instance update 1 --no-extra-conf --no-remote-random --no-remote"); after["extra_conf"] != "" ||
		after["remote_random"] != false || len(after["remotes"].([]any)) != 0 || after["port"] != 1195.0 {
		t.Errorf("%v", after)
	}
	wantFail(t, o, 2, "there is nothing to change", "instance update vpn-matriz")
	wantFail(t, o, 2, "--no-remote", "instance update vpn-matriz --remote a --no-remote")
	wantFail(t, o, 2, "no remote, as vpn.example.com", "instance update vpn-matriz --remote /")
	wantFail(t, o, 4, "the address 10.8.0.2 of the site site-rio", "instance update vpn-matriz --network 10.9.0.0/24")
	wantFail(t, o, 3, `there is no model named "none"`, "instance update vpn-matriz --model none")
	wantFail(t, o, 1, "no such file", "instance update vpn-matriz --extra-conf /none")
	wantFail(t, o, 2, "line 2, column 1, up: the directive runs programs",
		"instance update vpn-matriz --extra-conf "+writeText(t, "sndbuf 0\nup /bin/true\n"))
}

// writeText writes a file and returns its path.
func writeText(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInstance_Delete(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	wantFail(t, o, 4, `"Delete the instance \"vpn-matriz\" (id 1) with its keys and networks, and revoke its certificate?"`,
		"instance delete vpn-matriz")
	wantFail(t, o, 4, "sites have configs of this instance: --force", "instance delete vpn-matriz --yes")
	wantFail(t, o, 4, "and the configs of its sites", "instance delete vpn-matriz --force")
	if got := must(t, o, "instance delete vpn-matriz --yes --force"); got != "" {
		t.Errorf("it prints %q", got)
	}
	wantFail(t, o, 3, "there is no instance with the id 1", "instance show 1")
	if got := must(t, o, "client config list site-rio --json"); got != "" {
		t.Errorf("configs are left: %s", got)
	}
	wantRevoked(t, o, "--kind server", 1)
}

func TestModel(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	template := must(t, o, "model default")
	file := filepath.Join(t.TempDir(), "model.tmpl")
	must(t, o, "model default --out "+file)
	wantFail(t, o, 4, "--force replaces it", "model default --out "+file)
	if got := record(t, o, "model create --name Filial --template "+file); got["template"] != template {
		t.Errorf("%v", got)
	}
	if got := must(t, o, "model template filial"); got != template {
		t.Errorf("%q", got)
	}
	wantWords(t, must(t, o, "model list"), "ID  NAME    TEMPLATE ", "1   Filial  (")
	wantFail(t, o, 4, "duplicated", "model create --name FILIAL --template "+file)
	broken := writeText(t, "port {{.Port}\n")
	wantFail(t, o, 2, "template: line 1, column", "model create --name broken --template "+broken)
	if got := record(t, o, "instance update vpn-matriz --model filial"); got["model"] != "Filial" {
		t.Errorf("%v", got)
	}
	wantFail(t, o, 2, "template: line 1, column", "model update filial --template "+broken)
	if got := record(t, o, "model update filial --name matriz"); got["name"] != "matriz" || got["template"] != template {
		t.Errorf("%v", got)
	}
	wantFail(t, o, 2, "there is nothing to change", "model update matriz")
	wantFail(t, o, 4, `"Delete the model \"matriz\" (id 1)?"`, "model delete matriz")
	wantFail(t, o, 4, "in use", "model delete matriz --yes")
	if got := record(t, o, "instance update 1 --model Default"); got["model_id"] != nil {
		t.Errorf("%v", got)
	}
	must(t, o, "model delete 1 --yes")
	wantFail(t, o, 3, `there is no model named "matriz"`, "model show matriz")
}
