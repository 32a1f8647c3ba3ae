package ca_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"strings"
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
	wantError(t, err, ca.ErrDates)
	wantError(t, err, ca.ErrMalformed)
}

// A certificate whose key is of an unknown kind is a certificate, and the fault is that of the key.
func TestParseCertificate_NamesTheKey(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"ec -pkeyopt ec_paramgen_curve:secp256k1", "ec -pkeyopt ec_paramgen_curve:brainpoolP256r1",
		"ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", "ed448", "rsa-pss",
	} {
		dir := t.TempDir()
		openssl(t, dir, append(strings.Fields("req -x509 -nodes -subj /CN=x -keyout key.pem -out cert.pem -newkey"),
			strings.Fields(args)...)...)
		cert, err := ca.ParseCertificate(readFile(t, dir, "cert.pem"))
		if err == nil {
			err = ca.CheckCA(cert)
		}
		wantError(t, err, ca.ErrUnsupportedKey)
	}
}
