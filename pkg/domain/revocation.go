package domain

import "slices"

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
