package openvpntest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

const serverName = "openvpntest server"

// Identity is a server's certificate and key, and the authority by which its clients know it, in
// PEM. Name is the common name. Of one that is made here the authority is not the clients'
// authority, so a mistake that confuses the two is noticed.
type Identity struct {
	Name                 string
	CA, Certificate, Key []byte
}

func newIdentity() (Identity, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	ca := template("openvpntest server CA", 1)
	ca.BasicConstraintsValid, ca.IsCA = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return Identity{}, err
	}
	certificate, key, err := newServerLeaf(ca, caKey)
	return Identity{serverName, encode("CERTIFICATE", caDER), certificate, key}, err
}

func newServerLeaf(ca *x509.Certificate, caKey *ecdsa.PrivateKey) (certificate, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	leaf := template(serverName, 2)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	return encode("CERTIFICATE", leafDER), encode("PRIVATE KEY", keyDER), err
}

func template(name string, serial int64) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
