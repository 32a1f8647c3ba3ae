package domain

import (
	"errors"
	"slices"
	"time"
)

// RevocationReason says why a certificate is revoked (RFC 5280, section 5.3.1).
type RevocationReason int

// The reasons. Number 7 is not used.
const (
	Unspecified          RevocationReason = 0
	KeyCompromise        RevocationReason = 1
	CACompromise         RevocationReason = 2
	AffiliationChanged   RevocationReason = 3
	Superseded           RevocationReason = 4
	CessationOfOperation RevocationReason = 5
	CertificateHold      RevocationReason = 6 // suspended: it may be resumed
	RemoveFromCRL        RevocationReason = 8 // resumed
	PrivilegeWithdrawn   RevocationReason = 9
	AACompromise         RevocationReason = 10
)

// reasonNames are the names of RFC 5280, by number.
var reasonNames = []string{
	"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
	"certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise",
}

// String is the name in RFC 5280, empty for a number that has none.
func (r RevocationReason) String() string {
	if r < 0 || int(r) >= len(reasonNames) {
		return ""
	}
	return reasonNames[r]
}

// ParseRevocationReason returns the reason of a name in RFC 5280. ok is false for an unknown name.
func ParseRevocationReason(name string) (r RevocationReason, ok bool) {
	i := slices.Index(reasonNames, name)
	return RevocationReason(i), name != "" && i >= 0
}

// Final reports whether a revocation for this reason is for ever, and may be asked for by a caller.
func (r RevocationReason) Final() bool {
	return r.String() != "" && r != CertificateHold && r != RemoveFromCRL
}

// RevocationSpec is what is asked of a revocation.
type RevocationSpec struct {
	Reason       RevocationReason
	InvalidSince time.Time // zero: not told
}

// Validate joins the faults of all fields.
func (s RevocationSpec) Validate(now time.Time) error {
	var reason, since error
	if !s.Reason.Final() {
		reason = Fault(Invalid, "reason", ReasonFormat)
	}
	if s.InvalidSince.After(now) {
		since = Fault(Invalid, "invalidity_date", ReasonFuture)
	} else if !s.InvalidSince.IsZero() && s.InvalidSince.UTC().Year() < firstCRLYear {
		since = Fault(Invalid, "invalidity_date", ReasonDate)
	}
	return errors.Join(reason, since)
}

// SerialRevocation is what is asked of the revocation of one certificate of a CA, whether or not it
// is known here.
type SerialRevocation struct {
	Serial      string // in hex or decimal; empty: that of Certificate
	Certificate []byte // PEM; empty: only the serial is given
	RevocationSpec
	RevokedAt *time.Time // nil: now
}

// Validate joins the faults of the fields that can be checked without the CA.
func (s SerialRevocation) Validate(now time.Time) error {
	var which, date error
	if (s.Serial == "") == (len(s.Certificate) == 0) {
		which = Fault(Required, "serial", ReasonEither, "serial, cert")
	}
	if s.RevokedAt != nil && s.RevokedAt.After(now) {
		date = Fault(Invalid, "revoked_date", ReasonFuture)
	} else if s.RevokedAt != nil && s.RevokedAt.UTC().Year() < firstCRLYear {
		date = Fault(Invalid, "revoked_date", ReasonDate)
	}
	return errors.Join(which, date, s.RevocationSpec.Validate(now))
}

// RevokedSerial is the revocation of one certificate, and the certificate if it is known.
type RevokedSerial struct {
	Revocation
	CertificateID int64 // 0: not known
	ClientID      int64 // 0: of no client
}

// MergedCRL is what was taken over from a list that was made elsewhere.
type MergedCRL struct {
	CAID    int64
	Entries int // of the list
	Added   int // that were not known here
}
