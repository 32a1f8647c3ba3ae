package domain

import "time"

// KnownCA is what a database knows of a CA: which it is, and how far its revocation lists have
// come.
type KnownCA struct {
	ID          int64
	Name        string
	Certificate []byte // DER; a renewal changes it
	Key         string // the fingerprint of its public key; empty: unknown
	CRLNumber   int64  // of the last list, 0 when there was none
	Revocations int64  // how many
	LastCRL     *CRL   // nil: there is none
}

// Issued is a certificate that a CA has issued, and for whom.
type Issued struct {
	Serial   string
	Client   string
	NotAfter time.Time
	Revoked  bool
	// SupersededAt is when the overlap with its successor ends; zero: it has none.
	SupersededAt time.Time
}
