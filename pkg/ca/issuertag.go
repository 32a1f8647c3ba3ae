package ca

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
)

// IssuerTag names a CA: it is the same for as long as its subject and its key are, whichever of its
// certificates is at hand.
func IssuerTag(cert *x509.Certificate) string {
	sum := sha256.Sum256(slices.Concat(cert.RawSubject, cert.RawSubjectPublicKeyInfo))
	return hex.EncodeToString(sum[:8])
}
