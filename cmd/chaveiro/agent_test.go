package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestAgent_Misused: what is wrong with the flags is said before anything is done.
func TestAgent_Misused(t *testing.T) {
	t.Parallel()
	o := apptest.Options{DataDir: t.TempDir()}
	apikey := filepath.Join(t.TempDir(), "apikey")
	if err := os.WriteFile(apikey, []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"status --instance vpn":                   "it has the form ID=DIR",
		"status --instance 0=/x":                  "it has the form ID=DIR",
		"status --instance 1=x":                   "it has the form ID=DIR",
		"verify --instance 1=/x --instance 2=/x/": "a directory of its own",
		"verify --instance 1=/x --instance 1=/y":  "a directory of its own",
		"once --instance 1=/x --server http://127.0.0.1:1 --interval 1ms --apikey-file " + apikey: "--interval: below 100ms",
		"once --instance 1=/x --server http://192.0.2.1 --apikey-file " + apikey:                  "not of https://",
	} {
		wantFail(t, o, 2, want, "agent "+line)
	}
	for line, want := range map[string]string{
		"once --instance 1=/x --server http://127.0.0.1:1 --apikey-file " + apikey: "has not one line",
		"once --instance 1=/x --server x --apikey-file /etc/hostname":              "must be an http or https address",
		"status --instance 1=" + t.TempDir():                                       "was not written by the agent",
	} {
		wantFail(t, o, 1, want, "agent "+line)
	}
}

// TestAgent_Unit: what is special to systemd is quoted in the unit.
func TestAgent_Unit(t *testing.T) {
	t.Parallel()
	unit := apptest.MustCommand(t, apptest.Options{DataDir: t.TempDir()}, "agent", "unit", "--server", "https://x/%d$",
		"--apikey-file", "agent.apikey", "--instance", "1=/etc/openvpn/server/vpn", "--group", "a b", "--crl-dir")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		" agent run --server https://x/%%d$$ --apikey-file " + wd + "/agent.apikey --instance 1=/etc/openvpn/server/vpn --crl-dir \"--group=a b\"",
		"\nReadWritePaths=/etc/openvpn/server/vpn\n", "\nType=notify\n", "\nWatchdogSec=",
		"\"--restart-command=systemctl restart openvpn-server@{unit}\"",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("no %q in\n%s", want, unit)
		}
	}
}
