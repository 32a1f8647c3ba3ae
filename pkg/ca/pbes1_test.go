package ca_test

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// TestParsePrivateKey_PBES1 opens what OpenSSL encrypts by the schemes of PKCS #12.
func TestParsePrivateKey_PBES1(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"PBE-SHA1-3DES", "PBE-SHA1-2DES"} {
		dir := t.TempDir()
		plain, err := ca.MarshalPrivateKey(newKey(t, ca.ECDSAP256))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir, "plain.key", plain)
		openssl(
			t, dir, "pkcs8", "-topk8", "-in", "plain.key", "-v1", scheme, "-passout", "pass:segredo-é", "-out",
			"old.key",
		)
		opened, err := ca.ParsePrivateKey(readFile(t, dir, "old.key"), "segredo-é")
		if err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		if again, err := ca.MarshalPrivateKey(opened); err != nil || string(again) != string(plain) {
			t.Errorf("%s: it is another key, %v", scheme, err)
		}
		_, err = ca.ParsePrivateKey(readFile(t, dir, "old.key"), "")
		wantError(t, err, ca.ErrPasswordRequired)
		_, err = ca.ParsePrivateKey(readFile(t, dir, "old.key"), "outra")
		wantError(t, err, ca.ErrWrongPassword)
	}
}
