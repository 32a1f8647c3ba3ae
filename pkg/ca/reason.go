package ca

import "fmt"

// Reason says why a certificate was revoked: a CRLReason of RFC 5280, section 5.3.1.
type Reason int

// The reasons. 7 is not used.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	// CertificateHold is the only revocation that may be taken back.
	CertificateHold Reason = 6
	// RemoveFromCRL takes a revocation back. It is for delta CRLs only.
	RemoveFromCRL      Reason = 8
	PrivilegeWithdrawn Reason = 9
	AACompromise       Reason = 10
)

// reasonNames are the names of the codes in RFC 5280.
var reasonNames = [...]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded", CessationOfOperation: "cessationOfOperation",
	CertificateHold: "certificateHold", RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn",
	AACompromise: "aACompromise",
}

// Valid reports whether RFC 5280 defines the code.
func (r Reason) Valid() bool { return r >= 0 && int(r) < len(reasonNames) && reasonNames[r] != "" }

// String is the name of the reason in RFC 5280, as "keyCompromise", or the number of a code that
// has no name.
func (r Reason) String() string {
	if !r.Valid() {
		return fmt.Sprintf("reason %d", int(r))
	}
	return reasonNames[r]
}

// inFullList reports whether an entry of a complete CRL may have the reason.
func (r Reason) inFullList() bool { return r.Valid() && r != RemoveFromCRL }
