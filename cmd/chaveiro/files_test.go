package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const longPassword = "a password of the file"

// wantFile checks the mode of a file and how it begins.
func wantFile(t *testing.T, path string, mode fs.FileMode, begin string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || info.Mode() != mode || !strings.HasPrefix(string(content), begin) {
		t.Errorf("%s: mode %v, %.30q (%v); want %v, %q", path, info.Mode(), content, err, mode, begin)
	}
}

// TestFiles: what is secret is readable by its owner alone, and no file is overwritten.
func TestFiles(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	must(t, o, "client certificate site-rio --out "+in("a.crt"))
	must(t, o, "client key site-rio --out "+in("a.key"))
	wantFile(t, in("a.key"), 0o600, "-----BEGIN PRIVATE KEY-----\n")
	if text := must(t, o, "client key 1 -o -"); !strings.HasPrefix(text, "-----BEGIN PRIVATE KEY-----\n") {
		t.Errorf("on the standard output: %.30q", text)
	}
	if text := must(t, o, "client certificate site-rio"); strings.Count(text, "BEGIN CERTIFICATE") != 2 {
		t.Errorf("the certificates: %s", text)
	}
	wantFail(t, o, 2, "--out", "client key site-rio")
	for _, command := range []string{
		"client key site-rio", "client certificate site-rio", "ca certificate 1", "crl get 1",
		"client p12 site-rio --password-stdin",
	} {
		wantFail(t, o, 4, "a.crt exists: --force replaces it", command+" --out "+in("a.crt"))
	}
	if events := must(t, o, "audit verify"); !strings.HasPrefix(events, "5 events") {
		t.Errorf("a refused file is in the audit: %s", events) // the CA, two clients, and two keys
	}
	if err := os.Chmod(in("a.key"), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, o, "client key site-recife --force --out "+in("a.key"))
	wantFile(t, in("a.key"), 0o600, "-----BEGIN PRIVATE KEY-----\n")
	if err := os.Symlink(in("a.crt"), in("link")); err != nil {
		t.Fatal(err)
	}
	wantFail(t, o, 4, "not a regular file", "client key site-rio --force --out "+in("link"))
	wantFail(t, o, 1, "no such file or directory", "client key site-rio --out "+in("none/a.key"))
	wantFile(t, in("a.crt"), 0o644, "-----BEGIN CERTIFICATE-----\n")
	if left, err := filepath.Glob(in(".chaveiro-*")); err != nil || len(left) > 0 {
		t.Errorf("%q is left (%v)", left, err)
	}
}

func TestP12(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	file := filepath.Join(t.TempDir(), "a.p12")
	o.Stdin = longPassword + "\nnot this line\n"
	must(t, o, "client p12 site-rio --password-stdin --out "+file)
	wantFile(t, file, 0o600, "\x30\x82") // a SEQUENCE of DER
	must(t, o, "client p12 site-rio --password-stdin --profile legacy --force --out "+file)
	o.Stdin = ""
	wantFail(t, o, 2, "no password on the standard input", "client p12 site-rio --password-stdin --out "+file+"2")
	wantFail(t, o, 2, "no terminal to ask for a password", "client p12 site-rio --out "+file+"2")
	wantFail(t, o, 2, "unknown flag --password", "client p12 site-rio --password x --out "+file+"2")
	wantFail(t, o, 2, "--profile", "client p12 site-rio --profile weak --out "+file+"2")
}

// TestClient_Password: the key of a client with a password is encrypted, and its PKCS#12 file needs
// that password.
func TestClient_Password(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	file := filepath.Join(t.TempDir(), "a.p12")
	o.Stdin = longPassword + "\r\n"
	must(t, o, "client create --ca 1 --name locked --email a@example.com --password-stdin")
	must(t, o, "client p12 locked --password-stdin --out "+file)
	if text := must(t, o, "client key locked --out -"); !strings.HasPrefix(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n") {
		t.Errorf("%.40q", text)
	}
	o.Stdin = "another password\n"
	wantFail(t, o, 2, "password: password does not open", "client p12 locked --password-stdin --out "+file+"2")
	for _, empty := range []string{"", "\n"} {
		o.Stdin = empty
		wantFail(t, o, 2, "password", "client create --ca 1 --name other --email a@example.com --password-stdin")
	}
}

// TestSecrets: no command prints what it need not.
func TestSecrets(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	o.Stdin = longPassword + "\n"
	token := strings.TrimSpace(must(t, o, "apikey create --name key --superuser"))
	must(t, o, "user create --username maria --password-stdin")
	must(t, o, "client create --ca 1 --name locked --email a@example.com --password-stdin")
	for _, command := range []string{
		"apikey list", "apikey show key", "user list", "user show maria", "client list", "client show locked", "ca show 1",
		"role list", "crl list",
	} {
		for _, flag := range []string{"", " --json", " --csv"} {
			outcome := apptest.Command(t, o, strings.Fields(command+flag)...)
			text := outcome.Stdout + outcome.Stderr
			if outcome.Code != 0 || strings.Contains(text, token[len(token)-20:]) || strings.Contains(text, "eyJ") ||
				strings.Contains(text, longPassword) || strings.Contains(text, "$argon2") ||
				strings.Contains(text, "PRIVATE KEY") {
				t.Errorf("%s%s: code %d, %s", command, flag, outcome.Code, text)
			}
		}
	}
}
