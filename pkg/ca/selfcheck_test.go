package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// The certificate is signed from one template and checked against another, to simulate a faulty
// signature.
func TestSelfCheck_NamesWhatDiffers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want   string
		change func(*x509.Certificate)
	}{
		{"serial", func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }},
		{"serial", func(c *x509.Certificate) { c.SerialNumber = new(big.Int) }},
		{"validity", func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(time.Second) }},
		{"validity", func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(-time.Second) }},
		{"subject", func(c *x509.Certificate) { c.RawSubject, _ = Subject{CommonName: "other"}.rawName() }},
		{"public key", func(c *x509.Certificate) { c.PublicKey = &testKey(t).PublicKey }},
		{"basicConstraints", func(c *x509.Certificate) { c.IsCA = true }},
		{"basicConstraints", func(c *x509.Certificate) { c.BasicConstraintsValid = false }},
		{"keyUsage", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }},
		{"extendedKeyUsage", func(c *x509.Certificate) {
			c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		}},
		{"extendedKeyUsage", func(c *x509.Certificate) { c.ExtKeyUsage = nil }},
		{"extendedKeyUsage", func(c *x509.Certificate) {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}}
		}},
		{"subjectKeyIdentifier", func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} }},
		{"authorityKeyIdentifier", func(c *x509.Certificate) { c.AuthorityKeyId = []byte{1} }},
		{"subjectAltName", func(c *x509.Certificate) { c.EmailAddresses = nil }},
		{"subjectAltName", func(c *x509.Certificate) { c.DNSNames = []string{"vpn.example"} }},
		{"subjectAltName", func(c *x509.Certificate) { c.IPAddresses = []net.IP{{192, 0, 2, 1}} }},
		{"set of extensions", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}}
		}},
		{"set of extensions", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://crl.example"} }},
	}
	issuer := testAuthority(t)
	for _, test := range tests {
		wanted, err := clientTemplate(issuer, testRequest(t))
		if err != nil {
			t.Fatal(err)
		}
		signed := *wanted
		test.change(&signed)
		// Without this the standard library would take the issuer's.
		parent := *issuer.Certificate
		parent.SubjectKeyId = nil
		der, err := x509.CreateCertificate(rand.Reader, &signed, &parent, signed.PublicKey, issuer.Signer)
		if err != nil {
			t.Fatalf("%s: %v", test.want, err)
		}
		cert, err := selfCheck(der, wanted)
		if cert != nil || !errors.Is(err, ErrSelfCheck) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("a different %s: %v", test.want, err)
		}
	}
}

// The same for a CA that is signed again.
func TestSelfCheck_OfCAs(t *testing.T) {
	t.Parallel()
	issuer := testAuthority(t)
	limits := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true, Value: []byte{0x30, 0}}
	for _, test := range []struct {
		want   string
		change func(*x509.Certificate)
	}{
		{"", func(*x509.Certificate) {}},
		{"basicConstraints", func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 1, false }},
		{"basicConstraints", func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = -1, false }},
		{"set of extensions", func(c *x509.Certificate) { c.ExtraExtensions = nil }},
		{"set of extensions", func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false }},
		{"set of extensions", func(c *x509.Certificate) { c.ExtraExtensions[0].Value = []byte("\x30\x02\xa0\x00") }},
	} {
		wanted, err := caProfile.again(issuer.Certificate, 0, time.Unix(1.4e9, 0), time.Unix(1.9e9, 0))
		if err != nil {
			t.Fatal(err)
		}
		wanted.RawIssuer, wanted.AuthorityKeyId = issuer.Certificate.RawSubject, wanted.SubjectKeyId
		wanted.SignatureAlgorithm = x509.ECDSAWithSHA256
		wanted.ExtraExtensions = []pkix.Extension{limits}
		signed := *wanted
		signed.ExtraExtensions = []pkix.Extension{limits}
		test.change(&signed)
		der, err := x509.CreateCertificate(rand.Reader, &signed, issuer.Certificate, signed.PublicKey, issuer.Signer)
		if err != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		_, err = selfCheck(der, wanted)
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("a different %q: %v", test.want, err)
		}
	}
}

func clientTemplate(issuer *Authority, req ClientRequest) (*x509.Certificate, error) {
	prepared, err := issuer.PrepareClient(req)
	if err != nil {
		return nil, err
	}
	return prepared.issued(req.PublicKey)
}

func TestSelfCheck_NamesAnotherIssuer(t *testing.T) {
	t.Parallel()
	issuer := testAuthority(t)
	wanted, err := clientTemplate(issuer, testRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	wanted.RawIssuer = wanted.RawSubject
	if _, err := sign(wanted, issuer.Certificate, issuer.Signer); !errors.Is(err, ErrSelfCheck) {
		t.Error(err)
	}
}

func TestSignatureAlgorithm_IsUnknownForForeignKeys(t *testing.T) {
	t.Parallel()
	if got := signatureAlgorithm("no key"); got != x509.UnknownSignatureAlgorithm {
		t.Error(got)
	}
}

func testAuthority(t *testing.T) *Authority {
	t.Helper()
	authority, err := NewRoot(testKey(t), RootRequest{
		Subject:   Subject{CommonName: "CA"},
		NotBefore: time.Unix(1e9, 0),
		NotAfter:  time.Unix(2e9, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func testRequest(t *testing.T) ClientRequest {
	t.Helper()
	return ClientRequest{
		Subject:   Subject{CommonName: "client", Email: "a@b.example"},
		PublicKey: &testKey(t).PublicKey,
		NotBefore: time.Unix(1.4e9, 0),
		NotAfter:  time.Unix(1.9e9, 0),
	}
}

func testKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
