package pki

import (
	"crypto/sha256"
	"encoding/hex"
)

// Sealed keys are bound to their certificate: their context contains its SHA-256 fingerprint. So a
// sealed key that was moved to another row can't be opened.

func caKeyContext(certificate []byte) string { return "ca-key/" + fingerprint(certificate) }

func clientKeyContext(certificate []byte) string { return "client-key/" + fingerprint(certificate) }

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
