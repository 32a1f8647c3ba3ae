package servicetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ForeignCA is a CA of other software, made with the standard library alone.
type ForeignCA struct {
	Key  crypto.Signer
	Cert *x509.Certificate
}

// NewKey makes a key on P-256.
func NewKey(t testing.TB) crypto.Signer {
	t.Helper()
	return Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
}

// NewRSA makes an RSA key.
func NewRSA(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	return Must(rsa.GenerateKey(rand.Reader, bits))(t)
}

// NewForeignCA makes a CA; alter changes its certificate before it is signed.
func NewForeignCA(t testing.TB, alter ...func(*x509.Certificate)) ForeignCA {
	t.Helper()
	key := NewKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{
			CommonName: Fresh("Old CA"), Organization: []string{"Empresa"},
		},
		NotBefore: Noon.Add(-100 * Day), NotAfter: Noon.Add(1000 * Day),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		EmailAddresses: []string{"old@example.com"}, SubjectKeyId: []byte(Fresh("key")),
	}
	for _, change := range alter {
		change(template)
	}
	der := Must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return ForeignCA{Key: key, Cert: Must(x509.ParseCertificate(der))(t)}
}

// Issue signs a certificate for a client; alter changes it before it is signed.
func (f ForeignCA) Issue(t testing.TB, pub crypto.PublicKey, alter ...func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(Fresh("serial"))),
		Subject: pkix.Name{
			CommonName: Fresh("old-client"), Organization: []string{"Empresa"}, OrganizationalUnit: []string{"TI"},
			Country: []string{"BR"}, Province: []string{"SP"}, Locality: []string{"São Paulo"},
		},
		NotBefore: Noon.Add(-50 * Day), NotAfter: Noon.Add(300 * Day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	for _, change := range alter {
		change(template)
	}
	return CertPEM(Must(x509.CreateCertificate(rand.Reader, template, f.Cert, pub, f.Key))(t))
}

// List signs a CRL with a number.
func (f ForeignCA) List(t testing.TB, number *big.Int, entries ...x509.RevocationListEntry) []byte {
	t.Helper()
	return f.ListAt(t, Noon.Add(-Day), number, entries...)
}

// ListAt is List with a given thisUpdate.
func (f ForeignCA) ListAt(
	t testing.TB, thisUpdate time.Time, number *big.Int, entries ...x509.RevocationListEntry,
) []byte {
	t.Helper()
	der := Must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: thisUpdate, NextUpdate: thisUpdate.Add(2 * Day), RevokedCertificateEntries: entries,
	}, f.Cert, f.Key))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// Own signs a list that the standard library would not sign.
func (f ForeignCA) Own(t testing.TB, request ca.CRLRequest) []byte {
	t.Helper()
	request.ThisUpdate, request.NextUpdate = Noon.Add(-Day), Noon.Add(Day)
	return ca.EncodeCRLPEM(Must(Must(ca.NewAuthority(f.Cert, f.Key))(t).SignCRL(request))(t))
}

// Request returns a request to import the CA, with a CRL or nil.
func (f ForeignCA) Request(t testing.TB, crl []byte) domain.CAImport {
	t.Helper()
	return domain.CAImport{Name: Fresh("imported"), Certificate: CertPEM(f.Cert.Raw), Key: KeyPEM(t, f.Key), CRL: crl}
}

// ImportInto imports the CA, with a CRL or nil.
func (f ForeignCA) ImportInto(t testing.TB, w *World, crl []byte) domain.CA {
	t.Helper()
	return Must(w.CAs.Import(t.Context(), f.Request(t, crl)))(t)
}

// CertPEM encodes a certificate.
func CertPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// PEMBytes are the octets of the first block of a PEM file.
func PEMBytes(text []byte) []byte {
	block, _ := pem.Decode(text)
	return block.Bytes
}

// KeyPEM encodes a key in PKCS#8.
func KeyPEM(t testing.TB, key crypto.Signer) domain.Secret {
	t.Helper()
	der := Must(x509.MarshalPKCS8PrivateKey(key))(t)
	return domain.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// EncryptedPEM encodes a key in PKCS#8, encrypted with a password.
func EncryptedPEM(t testing.TB, key crypto.Signer, password string) domain.Secret {
	t.Helper()
	return domain.Secret(Must(ca.EncryptPrivateKey(key, password))(t))
}
