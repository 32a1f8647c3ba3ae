package ca_test

import (
	"crypto/x509"
	"testing"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestEncodePKCS12(t *testing.T) {
	t.Parallel()
	authority, key := newRoot(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256)
	cert, err := authority.IssueClient(clientRequest(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	chain := []*x509.Certificate{authority.Certificate}
	for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
		file, err := ca.EncodePKCS12(profile, key, cert, chain, "secret")
		if err != nil {
			t.Fatal(err)
		}
		_, gotCert, gotChain, err := pkcs12.DecodeChain(file, "secret")
		if err != nil || !gotCert.Equal(cert) || len(gotChain) != 1 || !gotChain[0].Equal(chain[0]) {
			t.Errorf("%s: %v", profile, err)
		}
		if _, _, _, err := pkcs12.DecodeChain(file, "Secret"); err == nil {
			t.Errorf("%s opens with another password", profile)
		}
	}
	_, err = ca.EncodePKCS12("rc2", key, cert, chain, "secret")
	wantError(t, err, ca.ErrInvalidRequest)
	_, err = ca.EncodePKCS12(ca.PKCS12Modern, key, cert, chain, "🔑")
	wantError(t, err, ca.ErrInvalidRequest)
	_, err = ca.EncodePKCS12(ca.PKCS12Modern, key, cert, chain, "")
	wantError(t, err, ca.ErrPasswordRequired)
	_, err = ca.EncodePKCS12(ca.PKCS12Modern, newKey(t, ca.ECDSAP256), cert, chain, "secret")
	wantError(t, err, ca.ErrKeyMismatch)
}
