package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// readBundle returns the certificates and the key of a PKCS #12 file.
func readBundle(t *testing.T, der []byte, password string) (certs []*x509.Certificate, key crypto.Signer) {
	t.Helper()
	blocks, err := ca.OpenPKCS12(der, password)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		if block.Type == "CERTIFICATE" {
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			certs = append(certs, cert)
			continue
		}
		if key, err = ca.ParsePrivateKey(pem.EncodeToMemory(block), password); err != nil {
			t.Fatal(err)
		}
	}
	return certs, key
}

// TestOpenPKCS12: what this package writes, and what OpenSSL writes by its own choice, as OpenSSL 1
// did, and without encryption of the certificates.
func TestOpenPKCS12(t *testing.T) {
	t.Parallel()
	authority, key := newRoot(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256)
	cert, err := authority.IssueClient(clientRequest(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	files, above := map[string][]byte{}, []*x509.Certificate{authority.Certificate}
	for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
		if files[string(profile)], err = ca.EncodePKCS12(profile, key, cert, above, "segredo"); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	text, err := ca.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "rio.key", text)
	writeFile(t, dir, "rio.crt", ca.EncodeCertificatePEM(cert.Raw))
	writeFile(t, dir, "ca.crt", ca.EncodeCertificatePEM(authority.Certificate.Raw))
	for name, args := range map[string][]string{
		"openssl": nil, "legacy": {"-legacy"}, "rc2-128": {"-legacy", "-certpbe", "PBE-SHA1-RC2-128"}, "plain": {"-certpbe", "NONE"},
		"plain key": {"-keypbe", "NONE"}, "aria": {"-certpbe", "ARIA-256-CBC", "-keypbe", "CAMELLIA-192-CBC"},
	} {
		openssl(t, dir, append([]string{"pkcs12", "-export", "-inkey", "rio.key", "-in", "rio.crt", "-certfile", "ca.crt",
			"-passout", "pass:segredo", "-out", "rio.p12"}, args...)...)
		if files[name], err = os.ReadFile(filepath.Join(dir, "rio.p12")); err != nil {
			t.Fatal(err)
		}
	}
	for name, der := range files {
		certs, found := readBundle(t, der, "segredo")
		if len(certs) != 2 || !certs[0].Equal(cert) || ca.CheckPair(cert, found) != nil {
			t.Errorf("%s: %d certificates", name, len(certs))
		}
		if _, err := ca.OpenPKCS12(der, "outro"); name != "plain" && !errors.Is(err, ca.ErrWrongPassword) {
			t.Errorf("%s with another password: %v", name, err)
		}
		if _, err := ca.OpenPKCS12(der, ""); name != "plain" && !errors.Is(err, ca.ErrPasswordRequired) {
			t.Errorf("%s without a password: %v", name, err)
		}
		for cut := range len(der) {
			if _, err := ca.OpenPKCS12(der[:cut], "x"); cut%97 == 0 && !errors.Is(err, ca.ErrMalformed) {
				t.Errorf("%s, %d octets of %d: %v", name, cut, len(der), err)
			}
		}
	}
	_, err = ca.OpenPKCS12(make([]byte, 65<<10), "x")
	wantError(t, err, ca.ErrTooLarge)
}

// TestOpenPKCS12_Costly: iterations without end are refused before they are done.
func TestOpenPKCS12_Costly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := newRoot(t, ca.ECDSAP256)
	writeAuthority(t, dir, authority)
	openssl(t, dir, "pkcs12", "-export", "-inkey", "ca.key", "-in", "ca.pem", "-passout", "pass:x", "-iter", "600000",
		"-certpbe", "AES-256-CBC", "-out", "dear.p12")
	der, err := os.ReadFile(filepath.Join(dir, "dear.p12"))
	if err != nil {
		t.Fatal(err)
	}
	der = bytes.ReplaceAll(der, []byte{2, 3, 0x09, 0x27, 0xc0}, []byte{2, 3, 0x7f, 0x27, 0xc0})
	_, err = ca.OpenPKCS12(der, "x")
	if bound, ok := errors.AsType[*ca.BoundError](err); !ok || bound.What != ca.Iterations {
		t.Errorf("%v", err)
	}
}
