package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// OCSPStatus is what an OCSP responder answers to a request that it can't answer otherwise (RFC
// 6960, section 4.2.1).
type OCSPStatus byte

// The statuses that this package writes.
const (
	OCSPSuccessful   OCSPStatus = 0
	OCSPMalformed    OCSPStatus = 1 // the request is not one
	OCSPInternal     OCSPStatus = 2
	OCSPTryLater     OCSPStatus = 3 // the status is not known just now
	OCSPUnauthorized OCSPStatus = 6 // the responder can't tell of any of these certificates (RFC 5019, section 2.2.3)
)

// CertID names a certificate in OCSP (RFC 6960, section 4.1.1). Hash is 0 for an algorithm that is
// not known here.
type CertID struct {
	Raw               []byte // DER
	Hash              crypto.Hash
	NameHash, KeyHash []byte // of the issuer
	Serial            *big.Int
}

// OCSPRequest is what is asked of a responder. Nonce is nil when there is none.
type OCSPRequest struct {
	CertIDs []CertID
	Nonce   []byte
}

// CertStatus is what a responder says of one certificate: it is good unless it is Unknown or has a
// RevokedAt.
type CertStatus struct {
	CertID    []byte // DER, as in the request
	Unknown   bool
	RevokedAt time.Time // zero: not revoked
	Reason    Reason
}

// OCSPAnswer is what a responder signs. Instants are cut to whole seconds.
type OCSPAnswer struct {
	Statuses               []CertStatus
	ThisUpdate, NextUpdate time.Time
	Nonce                  []byte // of the request; nil: none
}

var (
	oidOCSPBasic   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidOCSPNonce   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidOCSPNoCheck = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

// OCSPIssuer knows by which hashes requests may name a CA.
type OCSPIssuer struct{ names, keys [][]byte }

// NewOCSPIssuer is for the certificates of one CA. It takes their subjects and keys as they are
// encoded, because that is what clients hash.
func NewOCSPIssuer(certs ...*x509.Certificate) OCSPIssuer {
	var issuer OCSPIssuer
	for _, cert := range certs {
		if key, ok := keyBits(cert.Raw); ok {
			issuer.names, issuer.keys = append(issuer.names, cert.RawSubject), append(issuer.keys, key)
		}
	}
	return issuer
}

// keyBits returns the content of the subjectPublicKey of a certificate.
func keyBits(der []byte) ([]byte, bool) {
	outer, err := readSigned(der)
	if err != nil {
		return nil, false
	}
	parts, ok := readTBS(outer.signed)
	var info cryptobyte.String
	var bits asn1.BitString
	if !ok || !parts.key.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.SEQUENCE) ||
		!info.ReadASN1BitString(&bits) {
		return nil, false
	}
	return bits.Bytes, true
}

// Issued reports whether a certificate is named as one that the CA has issued.
func (i OCSPIssuer) Issued(id CertID) bool {
	if !id.Hash.Available() {
		return false
	}
	for n := range i.names {
		if bytes.Equal(digestBy(id.Hash, i.names[n]), id.NameHash) &&
			bytes.Equal(digestBy(id.Hash, i.keys[n]), id.KeyHash) {
			return true
		}
	}
	return false
}

func digestBy(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}
