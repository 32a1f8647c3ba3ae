package pki

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Sealed keys are bound to their certificate: their context contains its SHA-256 fingerprint. So a
// sealed key that was moved to another row can't be opened.

func caKeyContext(certificate []byte) string { return "ca-key/" + fingerprint(certificate) }

func clientKeyContext(certificate []byte) string { return "client-key/" + fingerprint(certificate) }

// SealedContexts says what the sealed keys of this package are bound to.
func SealedContexts() map[domain.SealedKind]func(domain.SealedPlace) string {
	bound := func(context func(certificate []byte) string) func(domain.SealedPlace) string {
		return func(p domain.SealedPlace) string { return context(p.Certificate) }
	}
	return map[domain.SealedKind]func(domain.SealedPlace) string{
		domain.SealedCAKey: bound(caKeyContext), domain.SealedCertificateKey: bound(clientKeyContext),
		domain.SealedResponderKey: bound(responderKeyContext),
	}
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
