package ca

import (
	"crypto/x509"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ScopeError says why a list does not cover everything that its CA has revoked. Detail is the ASN.1
// name of the field that restricts it or, if Critical, the object identifier of an extension that
// is critical and not understood.
type ScopeError struct {
	Critical bool
	Detail   string
}

// Error implements error.
func (e *ScopeError) Error() string {
	if e.Critical {
		return fmt.Sprintf("the critical extension %s of the list is not understood", e.Detail)
	}
	return fmt.Sprintf("the list is not complete: %s", e.Detail)
}

// scope is what a list says of what it covers.
type scope struct {
	fault    *ScopeError // the first found
	userOnly bool
}

func (s *scope) partial(detail string) { s.found(&ScopeError{Detail: detail}) }

func (s *scope) unknown(e extension) {
	if e.critical {
		s.found(&ScopeError{Critical: true, Detail: e.oid})
	}
}

func (s *scope) found(fault *ScopeError) {
	if s.fault == nil {
		s.fault = fault
	}
}

// distributionFlags are the context tags of an issuingDistributionPoint (RFC 5280, section 5.2.5)
// that restrict the list. The distributionPoint itself, tag 0, says only where the list is to be
// had.
var distributionFlags = map[cbasn1.Tag]string{
	1: "onlyContainsUserCerts", 2: "onlyContainsCACerts", 3: "onlySomeReasons", 4: "indirectCRL",
	5: "onlyContainsAttributeCerts",
}

func (s *scope) readDistribution(der cryptobyte.String) bool {
	var body cryptobyte.String
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || !der.Empty() {
		return false
	}
	for !body.Empty() {
		var value cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1(&value, &tag) {
			return false
		}
		name := distributionFlags[tag&0x1f]
		switch {
		case name == "" || name != "onlySomeReasons" && len(value) == 1 && value[0] == 0: // explicitly false
		case name == "onlyContainsUserCerts":
			s.userOnly = true
		default:
			s.partial(name)
		}
	}
	return true
}

// check judges the scope for a CA. A list of user certificates only is complete
// for a CA below which there can be no other.
func (s *scope) check(issuer *x509.Certificate) error {
	leavesOnly := issuer.MaxPathLen == 0 && issuer.MaxPathLenZero
	switch {
	case s.fault != nil:
		return s.fault
	case s.userOnly && !leavesOnly:
		return &ScopeError{Detail: distributionFlags[1]}
	}
	return nil
}
