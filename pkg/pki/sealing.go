package pki

import (
	"crypto/sha256"
	"encoding/hex"
)

// Sealed keys are bound to their certificate: the context is its SHA-256 fingerprint, so that a
// sealed key moved to another row does not open.

func caKeyContext(certificate []byte) string { return "ca-key/" + fingerprint(certificate) }

func clientKeyContext(certificate []byte) string { return "client-key/" + fingerprint(certificate) }

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
