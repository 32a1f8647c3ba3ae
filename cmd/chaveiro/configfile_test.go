package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serveConfig parses the command line of a server with a configuration file.
func serveConfig(t *testing.T, text string, args ...string) (serve, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chaveiro.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var commands cli
	_, err := newParser(&commands).Parse(append([]string{"serve", "--config", path}, args...))
	return commands.Serve, err
}

// TestConfigFile: a flag takes precedence over the environment, the environment over the file, and
// the file over the default.
func TestConfigFile(t *testing.T) {
	t.Setenv("CHAVEIRO_CRL_LIFE", "48h")
	got, err := serveConfig(t, `
# kinds of values
listen: 192.0.2.1:8443
data-dir: /srv/file
crl-life: 24h
signing-key-life: 96h
pam-changed: true
rsa-workers: 3
trusted-proxies: [10.0.0.0/8, "2001:db8::/32"]
database-url: "postgres://db.example.com/chaveiro"
`, "--data-dir", "/srv/flag")
	if err != nil {
		t.Fatal(err)
	}
	if got.Listen != "192.0.2.1:8443" || got.DataDir != "/srv/flag" || got.CRLLife != 48*time.Hour ||
		got.SigningKeyLife != 96*time.Hour ||
		!got.PAMChanged || got.RSAWorkers != 3 || len(got.TrustedProxies) != 2 ||
		string(got.DatabaseURL) != "postgres://db.example.com/chaveiro" ||
		got.RequestTimeout != 30*time.Second {
		t.Errorf("%+v", got)
	}
}

// TestConfigFile_Faults: a key that is not a setting, and a value that does not fit its setting,
// are refused with their line.
func TestConfigFile_Faults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"listen: a\n\nlisten-on: b\n":       `chaveiro.yaml:3: "listen-on" is no setting`,
		"LISTEN: a\n":                       `chaveiro.yaml:1: "LISTEN" is no setting`,
		"master-key: 1:AAAA\n":              `"master-key" is no setting`,
		"config: other.yaml\nhelp: true\n":  `"help" is no setting`,
		"username: ana\n":                   `"username" is no setting`,
		"listen:\n":                         "chaveiro.yaml:1: a value is wanted",
		"listen:\n  host: a\n":              "chaveiro.yaml:2: a value is wanted",
		"trusted-proxies: [[10.0.0.0/8]]\n": "chaveiro.yaml:1: a list of values is wanted",
		"crl-life: tomorrow\n":              "--crl-life",
		"rsa-workers: many\n":               "--rsa-workers",
		"listen: a\nlisten: b\n":            "already defined",
		"listen: a\n---\nlisten: b\n":       "one document",
		"- listen\n":                        "chaveiro.yaml",
		"listen: [\n":                       "chaveiro.yaml",
	} {
		if _, err := serveConfig(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	for _, empty := range []string{"", "# nothing\n", "{}\n"} {
		if _, err := serveConfig(t, empty); err != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
}
