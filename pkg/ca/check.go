package ca

import (
	"crypto"
	"crypto/x509"
	"fmt"
)

// CheckPair reports whether key is the private key of cert: [ErrKeyMismatch]
// if not, [ErrUnsupportedKey] for a key of an unknown kind.
func CheckPair(cert *x509.Certificate, key crypto.Signer) error {
	if key == nil {
		return fmt.Errorf("%w: there is no key", ErrKeyMismatch)
	}
	if _, err := AlgorithmOf(key.Public()); err != nil {
		return err
	}
	if !samePublicKey(key.Public(), cert.PublicKey) {
		return ErrKeyMismatch
	}
	return nil
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// CheckClient decides whether a certificate made elsewhere may be imported as
// a client of this authority: it is issued by it, is no CA, its key is strong
// enough and its extended key usage lets a client use it.
//
// A certificate without extended key usage, or with serverAuth beside
// clientAuth, is accepted: OpenVPN accepts both (the former unless the server
// says remote-cert-tls), existing fleets hold both, and only what is imported
// can be revoked. keyUsage and Netscape's certificate type are judged as
// OpenSSL judges a TLS client, and so are the name constraints of the CA: their
// [ConstraintError] is an ErrNotClient as well. The validity is not looked at:
// it is a matter of the clock, which the caller has.
//
// It fails with [ErrNotSignedByCA], [ErrWeakSignature], [ErrIsCA],
// [ErrCritical], [ErrNotClient], [ErrWeakKey] or [ErrUnsupportedKey].
func (a *Authority) CheckClient(cert *x509.Certificate) error {
	if !sameName(cert.RawIssuer, a.Certificate.RawSubject) {
		return fmt.Errorf("%w: it names another issuer", ErrNotSignedByCA)
	}
	if err := a.checkSignature(cert); err != nil {
		return err
	}
	if isAuthority(cert) {
		return ErrIsCA
	}
	if oid := unknownCritical(cert); oid != "" {
		return fmt.Errorf("%w: its critical extension %s is not understood", ErrCritical, oid)
	}
	if !allowsClient(cert) {
		return fmt.Errorf("%w: its extendedKeyUsage lacks clientAuth", ErrNotClient)
	}
	if !allowsUsage(cert, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyAgreement) || !allowsType(cert, typeClient) {
		return fmt.Errorf("%w: its keyUsage or certificate type excludes it", ErrNotClient)
	}
	if err := checkConstraints(a.Certificate, cert); err != nil {
		return fmt.Errorf("%w: %w", ErrNotClient, err)
	}
	_, err := AlgorithmOf(cert.PublicKey)
	return err
}

// CheckIssued reports whether the authority has signed a certificate, whatever it is for and
// however weak it is: all that it has signed can be revoked. It fails with [ErrNotSignedByCA] or
// [ErrMalformed].
func (a *Authority) CheckIssued(cert *x509.Certificate) error {
	if !sameName(cert.RawIssuer, a.Certificate.RawSubject) {
		return fmt.Errorf("%w: it names another issuer", ErrNotSignedByCA)
	}
	outer, err := readSigned(cert.Raw)
	if err != nil {
		return err
	}
	if _, err := outer.verify(a.Certificate.PublicKey); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSignedByCA, err)
	}
	return nil
}

func (a *Authority) checkSignature(cert *x509.Certificate) error {
	outer, err := readSigned(cert.Raw)
	if err != nil {
		return err
	}
	if weakAlgorithm(outer.algorithm) {
		return fmt.Errorf("%w: MD5 or SHA-1", ErrWeakSignature)
	}
	digest, err := outer.verify(a.Certificate.PublicKey)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSignedByCA, err)
	}
	if weakDigest(digest) {
		return fmt.Errorf("%w: MD5 or SHA-1", ErrWeakSignature)
	}
	return nil
}
