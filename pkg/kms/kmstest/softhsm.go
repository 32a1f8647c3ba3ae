package kmstest

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// PIN is that of the tokens of tests.
const PIN = "491-Tucano"

// libraries is where SoftHSM is found.
var libraries = []string{
	"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so",
}

// SoftHSM is a token of SoftHSM, in a directory of its own.
type SoftHSM struct {
	Label  string
	Module string // the library
	Conf   string // the value of SOFTHSM2_CONF
	Tokens string // the directory of the token
	PIN    string // the file of the PIN
}

// NewSoftHSM makes a token. Without SoftHSM it skips the test; in CI that is a failure.
func NewSoftHSM(t testing.TB, label string) SoftHSM {
	t.Helper()
	at := slices.IndexFunc(libraries, func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
	util, err := exec.LookPath("softhsm2-util")
	if at < 0 || err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("SoftHSM is missing: scripts/setup.sh softhsm")
		}
		t.Skip("SoftHSM is missing: scripts/setup.sh softhsm")
	}
	dir := t.TempDir()
	s := SoftHSM{
		Label: label, Module: libraries[at], Conf: filepath.Join(dir, "softhsm2.conf"),
		Tokens: filepath.Join(dir, "tokens"), PIN: filepath.Join(dir, "pin"),
	}
	conf := "directories.tokendir = " + s.Tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	for _, err := range []error{
		os.Mkdir(s.Tokens, 0o700), os.WriteFile(s.Conf, []byte(conf), 0o600),
		os.WriteFile(s.PIN, []byte(PIN+"\n"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.AddToken(t, util, label)
	return s
}

// AddToken makes a token with a label.
func (s SoftHSM) AddToken(t testing.TB, util, label string) {
	t.Helper()
	command := exec.Command(util, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so-"+PIN)
	command.Env = append(os.Environ(), "SOFTHSM2_CONF="+s.Conf)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
}

// AddAES makes a key of AES-256 with a label.
func (s SoftHSM) AddAES(t testing.TB, label string) {
	t.Helper()
	s.ImportAES(t, label, (rand.Text() + rand.Text())[:32])
}

// ImportAES imports a key with a label, by the tool of SoftHSM. The tool reads a line of text: a
// zero or a newline in the key ends it, and the key is too short then.
func (s SoftHSM) ImportAES(t testing.TB, label, key string) {
	t.Helper()
	file := filepath.Join(filepath.Dir(s.Conf), label+".aes")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("softhsm2-util", "--import", file, "--aes", "--token", s.Label, "--label", label, "--id", "0a",
		"--pin", PIN)
	command.Env = append(os.Environ(), "SOFTHSM2_CONF="+s.Conf)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util: %v\n%s", err, out)
	}
}

// Address is the URI of the store.
func (s SoftHSM) Address() string {
	return "pkcs11:token=" + s.Label + "?module-path=" + s.Module + "&pin-source=file:" + s.PIN
}

// Remove takes the token away, and Insert brings it back.
func (s SoftHSM) Remove(t testing.TB) { s.move(t, s.Tokens, s.Tokens+".away") }

// Insert brings back what Remove took away.
func (s SoftHSM) Insert(t testing.TB) { s.move(t, s.Tokens+".away", s.Tokens) }

func (s SoftHSM) move(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
