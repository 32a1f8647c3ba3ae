package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"
)

// Authority is a CA certificate and the key that belongs to it. It is
// immutable and safe for concurrent use if its Signer is, as keys of the
// standard library are. Make one with [NewAuthority] or [NewRoot].
type Authority struct {
	// Certificate is the CA's own; its subject becomes the issuer of what the
	// authority signs, and its NotAfter bounds every validity.
	Certificate *x509.Certificate
	// Signer holds the private key. It may live outside this process.
	Signer crypto.Signer
	// OCSP is the URL of the responder that tells of what the authority issues, in ASCII. It is
	// written into the certificates of clients and servers, unless it is empty.
	OCSP string
}

// CallerSigner is a key outside this process, where a signature takes time.
type CallerSigner interface {
	crypto.Signer
	// Within returns the same key, whose signatures end with the context of a caller.
	Within(ctx context.Context) crypto.Signer
}

// Within returns the authority for one caller: what it signs by a [CallerSigner] ends with the
// context. It is not kept for others.
func (a *Authority) Within(ctx context.Context) *Authority {
	signer, ok := a.Signer.(CallerSigner)
	if !ok {
		return a
	}
	one := *a
	one.Signer = signer.Within(ctx)
	return &one
}

// RootRequest is the name and the life of a new self-signed CA. X.509 counts whole seconds;
// fractions are cut off.
type RootRequest struct {
	Subject Subject
	// PathLength is how many CAs may follow below it (RFC 5280, section 4.2.1.9). With 0 it issues
	// clients and servers only.
	PathLength int
	// Like is a CA whose name constraints and policies the new one takes over; nil: none.
	Like                *x509.Certificate
	NotBefore, NotAfter time.Time
}

// NewAuthority checks that signer belongs to cert and that cert can issue
// client certificates and sign CRLs, so that OpenVPN will accept both.
//
// It fails with [ErrKeyMismatch], [ErrNotCA], [ErrWeakKey] or
// [ErrUnsupportedKey]. It does not look at the clock: an expired CA is an
// authority whose every request ends in [ErrBeyondCA], and that can still sign
// CRLs.
func NewAuthority(cert *x509.Certificate, signer crypto.Signer) (*Authority, error) {
	if err := CheckCA(cert); err != nil {
		return nil, err
	}
	if err := CheckPair(cert, signer); err != nil {
		return nil, err
	}
	return &Authority{Certificate: cert, Signer: signer}, nil
}

// OpenAuthority is [NewAuthority] for a certificate that was accepted before,
// maybe by an earlier version that refused less: it checks that the key is
// its key, so that what it signs can be verified.
func OpenAuthority(cert *x509.Certificate, signer crypto.Signer) (*Authority, error) {
	if err := CheckPair(cert, signer); err != nil {
		return nil, err
	}
	return &Authority{Certificate: cert, Signer: signer}, nil
}

// CheckCA refuses what OpenSSL, and so OpenVPN, would refuse as an issuer of
// client certificates, with the errors of [NewAuthority]. A missing keyUsage is
// accepted: the CAs of easy-rsa 2 have none. So is a self-signed certificate of
// version 1, which has no extensions.
func CheckCA(cert *x509.Certificate) error {
	if _, err := AlgorithmOf(cert.PublicKey); err != nil {
		return err
	}
	if !isAuthority(cert) {
		return fmt.Errorf("%w: basicConstraints does not say CA:TRUE", ErrNotCA)
	}
	if !allowsUsage(cert, x509.KeyUsageCertSign) || !allowsUsage(cert, x509.KeyUsageCRLSign) {
		return fmt.Errorf("%w: keyUsage lacks keyCertSign or cRLSign", ErrNotCA)
	}
	if !allowsClient(cert) {
		return fmt.Errorf("%w: extendedKeyUsage excludes clientAuth", ErrNotCA)
	}
	if oid := unknownCritical(cert); oid != "" {
		return fmt.Errorf("%w: the critical extension %s is not understood", ErrNotCA, oid)
	}
	if _, ok := constraintsOf(cert); !ok {
		return fmt.Errorf("%w: the name constraints can't be read", ErrNotCA)
	}
	if emptyName(cert.RawSubject) {
		return fmt.Errorf("%w: the subject is empty", ErrNotCA)
	}
	return nil
}

// NewRoot makes a self-signed CA around signer: CA:TRUE with a path length, keyUsage keyCertSign
// and cRLSign, both critical, and key identifiers (RFC 5280, section 4.2.1).
//
// It fails with [ErrInvalidRequest] (no common name, empty validity, negative path length), an
// error about the key, or [ErrSelfCheck].
func NewRoot(signer crypto.Signer, req RootRequest) (*Authority, error) {
	prepared, err := PrepareRoot(req)
	if err != nil {
		return nil, err
	}
	return prepared.SelfSign(signer)
}

// sign makes the certificate and checks it before the caller sees it.
func sign(template, parent *x509.Certificate, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, template.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign the certificate: %w", err)
	}
	return selfCheck(der, template)
}

// keyID is the key identifier of RFC 7093, section 2, method 1: the first 160 bits of the SHA-256
// of the subjectPublicKey bits.
func keyID(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("%w: the public key cannot be encoded", ErrUnsupportedKey)
	}
	var info struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("couldn't read back the public key: %w", err)
	}
	sum := sha256.Sum256(info.PublicKey.Bytes)
	return sum[:20], nil
}

// keyID is the identifier that goes into the authorityKeyIdentifier of all
// this authority signs. An imported CA may have none; then it is computed.
func (a *Authority) keyID() ([]byte, error) {
	if id := a.Certificate.SubjectKeyId; len(id) > 0 {
		return bytes.Clone(id), nil
	}
	return keyID(a.Certificate.PublicKey)
}

// emptyName reports whether a name has no parts. OpenVPN refuses all clients of a CA
// with such a name.
func emptyName(der []byte) bool {
	sets, ok := readName(der)
	return !ok || len(sets) == 0
}
