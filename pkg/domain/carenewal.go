package domain

import (
	"errors"
	"time"
)

// CAWarning is how long before the end of its certificate a CA is warned of.
const CAWarning = 90 * 24 * time.Hour

// Ending reports whether the certificate of a CA ends within CAWarning, or has ended.
func (c CA) Ending(now time.Time) bool { return !now.Before(c.ExpiresAt.Add(-CAWarning)) }

// DaysLeft returns how many whole days the certificate of a CA is still valid; 0 when it has ended.
func (c CA) DaysLeft(now time.Time) int {
	return max(0, int(c.ExpiresAt.Sub(now)/(24*time.Hour)))
}

// The keys of the renewal of a CA.
const (
	SameKey = "same" // its next certificate is for the key that it has
	NewKey  = "new"  // another CA takes its place
)

// CARenewal is what is asked of the renewal of a CA. A certificate that was made elsewhere for the
// same key may be given.
type CARenewal struct {
	Expiration   *int   // days; nil: DefaultCALife, or until the parent ends
	Key          string // SameKey or NewKey; empty: SameKey
	Name         string // of the successor; empty: that of the CA with the next generation
	KeyAlgorithm string // of the successor; empty: that of the CA, if it can be asked for
	KeyStore     string // of the key of the successor; empty: that of the CA's own key, if it has one
	Certificate  []byte // PEM, with those of the CAs above it, if there are any; empty: it is made here
}

// Validate joins the faults of the fields that can be checked alone.
func (r CARenewal) Validate() error {
	err := checkLife(r.Expiration, MaxCALife)
	if r.Key != "" && r.Key != SameKey && r.Key != NewKey {
		err = errors.Join(err, Fault(Invalid, "key", ReasonChoice, SameKey+", "+NewKey))
	}
	if r.Name != "" {
		err = errors.Join(err, CheckCAName("name", r.Name))
	}
	if r.Key != NewKey {
		err = errors.Join(
			err, unless(r.Name == "", "name", ReasonOnlyNewKey),
			unless(r.KeyAlgorithm == "", "key_algorithm", ReasonOnlyNewKey),
			unless(r.KeyStore == "", "key_store", ReasonOnlyNewKey),
		)
	}
	if len(r.Certificate) == 0 {
		return err
	}
	return errors.Join(
		err, unless(r.Expiration == nil, "expiration", ReasonOfCertificate),
		unless(r.Key != NewKey, "key", ReasonOfCertificate),
	)
}

func unless(ok bool, field string, reason Reason) error {
	if ok {
		return nil
	}
	return Fault(Invalid, field, reason)
}

// CACertificateKind says what a certificate of a CA is.
type CACertificateKind string

// The kinds of certificates of a CA.
const (
	CACertificatePresent CACertificateKind = "present" // what it signs with
	CACertificateEarlier CACertificateKind = "earlier" // one before it, of the same subject and key
	CACertificateCross   CACertificateKind = "cross"   // of its subject and key, signed by its predecessor
)

// CACertificate is one of the certificates of a CA. Those of one CA have the same subject and key.
type CACertificate struct {
	ID        int64 // 0: it is the present one
	CAID      int64
	Kind      CACertificateKind
	DER       []byte
	CreatedAt time.Time
}

// CACertificateInfo is what a certificate of a CA says. Serial is lower-case hex. Fingerprint is
// the SHA-256 of the certificate in lower-case hex.
type CACertificateInfo struct {
	CACertificate
	Issuer      string // the name of the CA that has signed it (RFC 4514)
	Serial      string
	Fingerprint string
	NotBefore   time.Time
	NotAfter    time.Time
	PEM         string
}
