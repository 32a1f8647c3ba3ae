package ca_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"math/big"
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

// TestEncodePKCS12_Names: each bag has the name of its certificate, in any writing, and the key has
// that of its certificate. The attribute localKeyID pairs the two alone.
func TestEncodePKCS12_Names(t *testing.T) {
	t.Parallel()
	for name, above := range map[string]string{
		"filial-01.example": "Empresa São Paulo", "loja 日本 🔑": "🔒", "the same": "the same", "sem cadeia": "",
	} {
		cert, chain, key := namedChain(t, name, above)
		for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
			file, err := ca.EncodePKCS12(profile, key, cert, chain, "secret")
			if err != nil {
				t.Fatal(err)
			}
			//lint:ignore SA1019 the other decoders drop the attributes
			blocks, err := pkcs12.ToPEM(file, "secret")
			if err != nil {
				t.Fatal(err)
			}
			id := fmt.Sprintf("%x", sha1.Sum(cert.Raw))
			want := []map[string]string{{"friendlyName": name, "localKeyId": id}, {}, {"friendlyName": name, "localKeyId": id}}
			if above != name && above != "" {
				want[1]["friendlyName"] = above
			}
			for i, block := range blocks {
				if !maps.Equal(block.Headers, want[i]) {
					t.Errorf("%s, %s: %s %d has %v, want %v", profile, name, block.Type, i, block.Headers, want[i])
				}
			}
			if len(blocks) != len(want) {
				t.Errorf("%s, %s: %d bags", profile, name, len(blocks))
			}
		}
	}
}

// namedChain makes a certificate and the CA above it. An empty name is none.
func namedChain(t *testing.T, name, above string) (*x509.Certificate, []*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, caKey := newKey(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256)
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name, Organization: []string{"Empresa"}},
			NotBefore: epoch, NotAfter: epoch.Add(year), IsCA: name == above, BasicConstraintsValid: true,
		}
	}
	issue := func(template, parent *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, caKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	root := issue(template(above), template(above), caKey.Public())
	return issue(template(name), root, key.Public()), []*x509.Certificate{root}, key
}
