package ca_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// TestParsePrivateKey_SHA1TripleDES opens what OpenSSL encrypts by the scheme of PKCS #12.
func TestParsePrivateKey_SHA1TripleDES(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := newKey(t, ca.ECDSAP256)
	plain, err := ca.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "plain.key", plain)
	openssl(t, dir, "pkcs8", "-topk8", "-in", "plain.key", "-v1", "PBE-SHA1-3DES", "-passout", "pass:segredo-é", "-out", "old.key")
	opened, err := ca.ParsePrivateKey(readFile(t, dir, "old.key"), "segredo-é")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ca.MarshalPrivateKey(opened); err != nil || string(again) != string(plain) {
		t.Errorf("it is another key, %v", err)
	}
	_, err = ca.ParsePrivateKey(readFile(t, dir, "old.key"), "")
	wantError(t, err, ca.ErrPasswordRequired)
	_, err = ca.ParsePrivateKey(readFile(t, dir, "old.key"), "outra")
	wantError(t, err, ca.ErrWrongPassword)
}
