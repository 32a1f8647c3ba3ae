package ca

import (
	"bytes"
	"crypto/x509"
	"math/big"
)

// nextSerial is the serial number of the next certificate of a CA by the same issuer. It is another
// one if the CA was made here, or by a program that makes key identifiers in the same way: what
// those issue names no serial number of its issuer. Otherwise it is that of the certificate before,
// so that both have the same issuer and serial number.
func nextSerial(old *x509.Certificate) *big.Int {
	id, err := keyID(old.PublicKey)
	if err == nil && bytes.Equal(id, old.SubjectKeyId) || !validSerial(old.SerialNumber) {
		return newSerial()
	}
	return new(big.Int).Set(old.SerialNumber)
}

// CheckNext reports whether a certificate can take the place of a CA's present one, so that all
// that the CA has signed stays valid: it is that of a CA, with the same subject, key and key
// identifier.
//
// It fails with the errors of [CheckCA], [ErrKeyMismatch] or [ErrOtherSubject].
func CheckNext(present, next *x509.Certificate) error {
	if err := CheckCA(next); err != nil {
		return err
	}
	if !samePublicKey(present.PublicKey, next.PublicKey) {
		return ErrKeyMismatch
	}
	was, err := (&Authority{Certificate: present}).keyID()
	if err != nil {
		return err
	}
	is, err := (&Authority{Certificate: next}).keyID()
	if err == nil && !(sameName(present.RawSubject, next.RawSubject) && bytes.Equal(was, is)) {
		err = ErrOtherSubject
	}
	return err
}

// SamePublicKey reports whether two certificates are for the same key.
func SamePublicKey(a, b *x509.Certificate) bool { return samePublicKey(a.PublicKey, b.PublicKey) }

// SameSubject reports whether two certificates have the same subject, as OpenSSL compares it. An
// OpenVPN server does not start with two such certificates in its `ca` file.
func SameSubject(a, b *x509.Certificate) bool { return sameName(a.RawSubject, b.RawSubject) }

// PathLength returns how many CAs a CA allows below it; -1 for any number.
func PathLength(cert *x509.Certificate) int { return pathLength(cert) }
