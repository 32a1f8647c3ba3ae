package app_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"time"
)

// Certificates made and read without the code under test.

const year = 365 * 24 * time.Hour

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)) }

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(20 * year),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func clientTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetUint64(rand.Uint64() | 1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(year),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// sign signs a certificate for a public key. Without an issuer it is self-signed.
func sign(template, issuer *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	if issuer == nil {
		issuer = template
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(cryptorand.Reader, template, issuer, public, key))))
}

func certificatePEM(cert *x509.Certificate) string { return encodePEM("CERTIFICATE", cert.Raw) }

func keyPEM(key crypto.Signer) string {
	return encodePEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// decodePEM returns the blocks of a text, which must consist of blocks of this type alone.
func decodePEM(kind string, text []byte) ([][]byte, error) {
	var blocks [][]byte
	for len(text) > 0 {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != kind {
			return nil, fmt.Errorf("no PEM of type %s: %.40q", kind, text)
		}
		blocks, text = append(blocks, block.Bytes), rest
	}
	if len(blocks) == 0 {
		return nil, errors.New("no PEM at all")
	}
	return blocks, nil
}

func parseCertificates(text []byte) ([]*x509.Certificate, error) {
	blocks, err := decodePEM("CERTIFICATE", text)
	if err != nil {
		return nil, err
	}
	var list []*x509.Certificate
	for _, der := range blocks {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	return list, nil
}

func parseKey(text []byte) (crypto.Signer, error) {
	blocks, err := decodePEM("PRIVATE KEY", text)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(blocks[0])
	if err != nil {
		return nil, err
	}
	return key.(crypto.Signer), nil
}

// parseCRL reads a CRL, which the issuer must have signed.
func parseCRL(text []byte, issuer *x509.Certificate) (*x509.RevocationList, error) {
	blocks, err := decodePEM("X509 CRL", text)
	if err != nil {
		return nil, err
	}
	crl, err := x509.ParseRevocationList(blocks[0])
	if err != nil {
		return nil, err
	}
	return crl, crl.CheckSignatureFrom(issuer)
}

// listedIn is the set of the serial numbers on a CRL, in decimal.
func listedIn(crl *x509.RevocationList) map[string]bool {
	set := map[string]bool{}
	for _, entry := range crl.RevokedCertificateEntries {
		set[entry.SerialNumber.String()] = true
	}
	return set
}
