package api_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// outcome is the expected result of an import; its zero value is an accepted import.
type outcome struct {
	field, kind string
	message     string // a part of it, in English
	differs     bool   // OpenSSL says the contrary
}

var taken = outcome{}

func refused(field, message string) outcome {
	return outcome{field: field, kind: "invalid", message: message}
}

// unlike returns the outcome for a case in which OpenSSL says the contrary.
func (o outcome) unlike() outcome {
	o.differs = true
	return o
}

func (o outcome) taken() bool { return o.field == "" }

// check demands the outcome, and reports whether the import was to be accepted and was.
func (o outcome) check(t *testing.T, got answer) bool {
	t.Helper()
	if o.taken() {
		got.want(t, 200, "", "")
		return got.status == 200
	}
	got.want(t, 409, o.field, o.kind)
	if !strings.Contains(string(got.body), o.message) {
		t.Errorf("want %q: %s", o.message, got.body)
	}
	return false
}

// oddWorld is a server, with openssl beside it, which decides as OpenVPN does.
type oddWorld struct {
	*wiretest.Server
}

func newOddWorld(t *testing.T) oddWorld {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	return oddWorld{wiretest.Start(t)}
}

// post sends a request whose answer is in English.
func (w oddWorld) post(t *testing.T, path string, body map[string]any) answer {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, w.Server, "POST", path, string(text), "Accept-Language", "en")
}

// getPEM reads the first block of an answer in PEM.
func (w oddWorld) getPEM(t *testing.T, path string) []byte {
	t.Helper()
	got := send(t, w.Server, "GET", path, "")
	block, _ := pem.Decode(got.body)
	if got.status != 200 || block == nil {
		t.Fatalf("GET %s: %d %s", path, got.status, got.body)
	}
	return block.Bytes
}

// verify returns what openssl says of a client certificate as a TLS server would; empty if it is
// valid.
func verify(t *testing.T, ca, list, client []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca.pem": pemOf("CERTIFICATE", ca), "crl.pem": pemOf("X509 CRL", list),
		"client.pem": pemOf("CERTIFICATE", client),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := opensslIn(
		t, dir, "verify", "-purpose", "sslclient", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "-crl_check",
		"client.pem",
	)
	if err == nil {
		return ""
	}
	return string(out) + " "
}

func opensslIn(t *testing.T, dir string, args ...string) ([]byte, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "openssl", args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return out, err
}

// wantRevoked demands that openssl takes the client for revoked by the CRL that is served.
func (w oddWorld) wantRevoked(t *testing.T, caID any, ca, client []byte) {
	t.Helper()
	list := w.getPEM(t, fmt.Sprintf("%s/%v/crl", casPath, caID))
	if said := verify(t, ca, list, client); !strings.Contains(said, "revoked") {
		t.Errorf("with the list that is served: %q", said)
	}
}

// wantSame demands that openssl judges as the server does, or the contrary if the outcome says so.
func (o outcome) wantSame(t *testing.T, said string) {
	t.Helper()
	if good := said == ""; good != (o.taken() != o.differs) {
		t.Errorf("taken: %v; openssl: %q", o.taken(), said)
	}
}
