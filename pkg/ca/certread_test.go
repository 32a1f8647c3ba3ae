package ca_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// A CA that an earlier version has accepted keeps working, although it would not be accepted any
// more.
func TestOpenAuthority_FromBefore(t *testing.T) {
	t.Parallel()
	root, key := newRoot(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256)
	for name, change := range map[string]func(*x509.Certificate){
		"an empty subject": func(c *x509.Certificate) { c.Subject = pkix.Name{} },
		"any usage":        func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} },
	} {
		cert := foreign(t, root, key.Public(), func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid = true, true
			change(c)
		})
		if err := ca.CheckCA(cert); !errors.Is(err, ca.ErrNotCA) {
			t.Errorf("%s: %v", name, err)
		}
		authority, err := ca.OpenAuthority(cert, key)
		if err != nil || authority.Certificate != cert {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := ca.OpenAuthority(root.Certificate, key)
	wantError(t, err, ca.ErrKeyMismatch)
}

// Dates without seconds are accepted in stored certificates, and refused in new ones.
func TestReadCertificate_Dates(t *testing.T) {
	t.Parallel()
	block, _ := pem.Decode(readFile(t, "testdata", "ca.pem"))
	plain := block.Bytes
	at := bytes.Index(plain, []byte{0x17, 13}) // notBefore
	odd := bytes.Clone(plain)
	copy(odd[at+2:], "2001010000Z")
	odd = append(odd[:at+2+11], odd[at+2+13:]...)
	odd[at+1] = 11
	odd[at-1] -= 2 // the validity, the certificate's two outer lengths
	odd[3] -= 2
	odd[7] -= 2
	if _, err := ca.ReadCertificate(odd); err != nil {
		t.Error(err)
	}
	_, err := ca.ParseCertificate(ca.EncodeCertificatePEM(odd))
	wantError(t, err, ca.ErrMalformed)
}
