package service_test

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

// foreignCA is a CA of another software, made with the standard library alone.
type foreignCA struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
}

func newRSA(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	return must(rsa.GenerateKey(rand.Reader, bits))(t)
}

func newForeignCA(t testing.TB, alter ...func(*x509.Certificate)) foreignCA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: fresh("Old CA"), Organization: []string{"Empresa"}},
		NotBefore: noon.Add(-100 * day), NotAfter: noon.Add(1000 * day),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		EmailAddresses: []string{"old@example.com"}, SubjectKeyId: []byte(fresh("key")),
	}
	for _, change := range alter {
		change(template)
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	return foreignCA{key: key, cert: must(x509.ParseCertificate(der))(t)}
}

// issue signs a certificate for a client, altered.
func (f foreignCA) issue(t testing.TB, pub crypto.PublicKey, alter ...func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(fresh("serial"))),
		Subject: pkix.Name{
			CommonName: fresh("old-client"), Organization: []string{"Empresa"}, OrganizationalUnit: []string{"TI"},
			Country: []string{"BR"}, Province: []string{"SP"}, Locality: []string{"São Paulo"},
		},
		NotBefore: noon.Add(-50 * day), NotAfter: noon.Add(300 * day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	for _, change := range alter {
		change(template)
	}
	return certPEM(must(x509.CreateCertificate(rand.Reader, template, f.cert, pub, f.key))(t))
}

// list signs a CRL with a number.
func (f foreignCA) list(t testing.TB, number *big.Int, entries ...x509.RevocationListEntry) []byte {
	t.Helper()
	return f.listAt(t, noon.Add(-day), number, entries...)
}

func (f foreignCA) listAt(t testing.TB, thisUpdate time.Time, number *big.Int, entries ...x509.RevocationListEntry) []byte {
	t.Helper()
	der := must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: number, ThisUpdate: thisUpdate, NextUpdate: thisUpdate.Add(2 * day), RevokedCertificateEntries: entries,
	}, f.cert, f.key))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// own signs a list that the standard library would not.
func (f foreignCA) own(t testing.TB, request ca.CRLRequest) []byte {
	t.Helper()
	request.ThisUpdate, request.NextUpdate = noon.Add(-day), noon.Add(day)
	return ca.EncodeCRLPEM(must(must(ca.NewAuthority(f.cert, f.key))(t).SignCRL(request))(t))
}

func (f foreignCA) request(t testing.TB, crl []byte) domain.CAImport {
	t.Helper()
	return domain.CAImport{Name: fresh("imported"), Certificate: certPEM(f.cert.Raw), Key: keyPEM(t, f.key), CRL: crl}
}

func (f foreignCA) importInto(t testing.TB, w *world, crl []byte) domain.CA {
	t.Helper()
	return must(w.CAs.Import(t.Context(), f.request(t, crl)))(t)
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(t testing.TB, key crypto.Signer) domain.Secret {
	t.Helper()
	der := must(x509.MarshalPKCS8PrivateKey(key))(t)
	return domain.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func encryptedPEM(t testing.TB, key crypto.Signer, password string) domain.Secret {
	t.Helper()
	return domain.Secret(must(ca.EncryptPrivateKey(key, password))(t))
}
