package ca_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

var algorithms = []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048, ca.RSA3072, ca.RSA4096}

func TestIssueClient_EveryPairOfAlgorithms(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	signedWith := map[ca.KeyAlgorithm]x509.SignatureAlgorithm{
		ca.ECDSAP256: x509.ECDSAWithSHA256,
		ca.ECDSAP384: x509.ECDSAWithSHA384,
		ca.Ed25519:   x509.PureEd25519,
		ca.RSA2048:   x509.SHA256WithRSA,
		ca.RSA3072:   x509.SHA256WithRSA,
		ca.RSA4096:   x509.SHA256WithRSA,
	}
	for _, root := range algorithms {
		t.Run(string(root), func(t *testing.T) {
			t.Parallel()
			authority := newRoot(t, root)
			for _, leaf := range algorithms {
				cert := issue(t, authority, leaf)
				verifyClient(t, authority, cert, epoch)
				if cert.SignatureAlgorithm != signedWith[root] {
					t.Errorf("%s under %s is signed with %v", leaf, root, cert.SignatureAlgorithm)
				}
				if got, err := ca.AlgorithmOf(cert.PublicKey); err != nil || got != leaf {
					t.Errorf("AlgorithmOf(%s) = %q, %v", leaf, got, err)
				}
			}
			crl := signCRL(t, authority, nil)
			if err := crl.CheckSignatureFrom(authority.Certificate); err != nil {
				t.Errorf("CRL of %s: %v", root, err)
			}
		})
	}
}

func issue(t testing.TB, authority *ca.Authority, a ca.KeyAlgorithm) *x509.Certificate {
	t.Helper()
	cert, err := authority.IssueClient(clientRequest(newKey(t, a).Public()))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// verifyClient is the oracle of the profile: a client's chain verifies, a
// server's never does.
func verifyClient(t interface {
	Helper()
	Errorf(string, ...any)
}, authority *ca.Authority, cert *x509.Certificate, at time.Time) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate)
	options := x509.VerifyOptions{
		Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if _, err := cert.Verify(options); err != nil {
		t.Errorf("the client's chain does not verify: %v", err)
	}
	options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if _, err := cert.Verify(options); err == nil {
		t.Errorf("the client passes for a server")
	}
	if serial := cert.SerialNumber; serial.Sign() <= 0 || serial.BitLen() > 127 {
		t.Errorf("serial %v is not positive or longer than 16 octets", serial)
	}
	if cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("CA %v, key usage %b", cert.IsCA, cert.KeyUsage)
	}
	if cert.NotAfter.After(authority.Certificate.NotAfter) || cert.NotBefore.Before(authority.Certificate.NotBefore) {
		t.Errorf("validity %v to %v reaches beyond the CA's", cert.NotBefore, cert.NotAfter)
	}
	if !bytes.Equal(cert.AuthorityKeyId, authority.Certificate.SubjectKeyId) || len(cert.SubjectKeyId) != 20 {
		t.Errorf("key identifiers are %x and %x", cert.SubjectKeyId, cert.AuthorityKeyId)
	}
}

func TestIssueClient_Property(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	key := newKey(t, ca.ECDSAP256)
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 .-_*&@çãÜ漢🔑'\"/\\,=+<>#;")), 0, 40, 200)
	rapid.Check(t, func(t *rapid.T) {
		req := ca.ClientRequest{
			Subject: ca.Subject{
				CommonName:         "x" + text.Draw(t, "cn"),
				Organization:       text.Draw(t, "o"),
				OrganizationalUnit: text.Draw(t, "ou"),
				Country:            text.Draw(t, "c"),
				Province:           text.Draw(t, "st"),
				Locality:           text.Draw(t, "l"),
				Email:              rapid.SampledFrom([]string{"", "a@b.example", "x+y@z"}).Draw(t, "email"),
			},
			PublicKey: key.Public(),
			NotBefore: epoch.Add(time.Duration(rapid.Int64Range(-int64(year), int64(year)).Draw(t, "before"))),
			NotAfter:  epoch.Add(time.Duration(rapid.Int64Range(-int64(year), int64(11*year)).Draw(t, "after"))),
		}
		cert, err := authority.IssueClient(req)
		switch {
		case req.NotAfter.After(authority.Certificate.NotAfter):
			if !errors.Is(err, ca.ErrBeyondCA) {
				t.Fatalf("beyond the CA: %v", err)
			}
		case err != nil:
			if !errors.Is(err, ca.ErrInvalidRequest) || req.NotAfter.Sub(req.NotBefore) > time.Second &&
				req.NotAfter.Sub(authority.Certificate.NotBefore) > time.Second {
				t.Fatal(err)
			}
		default:
			verifyClient(t, authority, cert, cert.NotBefore)
			if diff := cmp.Diff(req.Subject, ca.SubjectOf(cert)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestIssueClient_Refuses(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	key := newKey(t, ca.ECDSAP256)
	tests := []struct {
		name   string
		change func(*ca.ClientRequest)
		want   error
	}{
		{
			"a validity beyond the CA's",
			func(r *ca.ClientRequest) { r.NotAfter = authority.Certificate.NotAfter.Add(time.Second) }, ca.ErrBeyondCA,
		},
		{"an empty validity", func(r *ca.ClientRequest) { r.NotAfter = r.NotBefore }, ca.ErrInvalidRequest},
		{"no common name", func(r *ca.ClientRequest) { r.Subject.CommonName = "" }, ca.ErrInvalidRequest},
		{"invalid UTF-8", func(r *ca.ClientRequest) { r.Subject.Organization = "\xff" }, ca.ErrInvalidRequest},
		{
			"a NUL in the name", func(r *ca.ClientRequest) { r.Subject.CommonName = "root\x00.example" },
			ca.ErrInvalidRequest,
		},
		{"the CA's own name", func(r *ca.ClientRequest) { r.Subject = rootRequest().Subject }, ca.ErrSelfIssued},
		{
			"the CA's own name in other letters", func(r *ca.ClientRequest) {
				r.Subject = rootRequest().Subject
				r.Subject.CommonName = strings.ToUpper(r.Subject.CommonName)
			}, ca.ErrSelfIssued,
		},
		{"no key", func(r *ca.ClientRequest) { r.PublicKey = nil }, ca.ErrUnsupportedKey},
		{"RSA of 1024 bits", func(r *ca.ClientRequest) { r.PublicKey = rsaPublic(1024) }, ca.ErrWeakKey},
		{"RSA of 16384 bits", func(r *ca.ClientRequest) { r.PublicKey = rsaPublic(16384) }, ca.ErrUnsupportedKey},
		{"P-224", func(r *ca.ClientRequest) { r.PublicKey = &ecdsa.PublicKey{Curve: elliptic.P224()} }, ca.ErrWeakKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := clientRequest(key.Public())
			test.change(&req)
			cert, err := authority.IssueClient(req)
			wantError(t, err, test.want)
			if cert != nil {
				t.Error("there is a certificate beside the error")
			}
		})
	}
}

// rsaPublic is a public key of the given size, for checks that depend on the size alone.
func rsaPublic(bits int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

func TestIssueClient_OmitsAnAddressTheCertificateCannotCarry(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	for _, email := range []string{"joão@example.com", "not an address", "a@b@c", "@", "a@\xff"} {
		req := clientRequest(newKey(t, ca.ECDSAP256).Public())
		req.Subject.Email = email
		cert, err := authority.IssueClient(req)
		if err != nil {
			t.Errorf("%q: %v", email, err)
			continue
		}
		if got := ca.SubjectOf(cert).Email; got != "" {
			t.Errorf("%q became %q", email, got)
		}
	}
}

// liar signs something other than what it is given.
type liar struct{ crypto.Signer }

func (l liar) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	digest = bytes.Clone(digest)
	digest[0] ^= 1
	return l.Signer.Sign(random, digest, opts)
}

func TestAuthority_AFaultySignerYieldsNothing(t *testing.T) {
	t.Parallel()
	good := newRoot(t, ca.ECDSAP256)
	if _, err := ca.NewRoot(liar{good.Signer}, rootRequest()); err == nil {
		t.Error("a root with a wrong signature left the package")
	}
	bad, err := ca.NewAuthority(good.Certificate, liar{good.Signer})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bad.IssueClient(clientRequest(newKey(t, ca.ECDSAP256).Public())); err == nil {
		t.Error("a certificate with a wrong signature left the package")
	}
	_, err = bad.SignCRL(crlRequest(nil))
	wantError(t, err, ca.ErrSelfCheck)
}

func TestNewRoot(t *testing.T) {
	t.Parallel()
	root := newRoot(t, ca.Ed25519).Certificate
	if !root.IsCA || root.MaxPathLen != 0 || !root.MaxPathLenZero ||
		root.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("CA %v, path length %d, key usage %b", root.IsCA, root.MaxPathLen, root.KeyUsage)
	}
	if err := root.CheckSignatureFrom(root); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(root.SubjectKeyId, root.AuthorityKeyId) {
		t.Errorf("key identifiers are %x and %x", root.SubjectKeyId, root.AuthorityKeyId)
	}
	_, err := ca.NewRoot(newKey(t, ca.Ed25519), ca.RootRequest{NotBefore: epoch, NotAfter: epoch.Add(year)})
	wantError(t, err, ca.ErrInvalidRequest)
	long := rootRequest()
	long.Subject.CommonName = strings.Repeat("x", 2000)
	_, err = ca.NewRoot(newKey(t, ca.Ed25519), long)
	wantError(t, err, ca.ErrInvalidRequest)
}
