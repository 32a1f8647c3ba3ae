package pki

import (
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// materialFaults maps the errors of the ca package to the faults of uploaded certificates and keys.
var materialFaults = []struct {
	err    error
	kind   domain.Kind
	reason domain.Reason
}{
	{ca.ErrPasswordRequired, domain.Required, domain.ReasonPasswordRequired},
	{ca.ErrWrongPassword, domain.Invalid, domain.ReasonPasswordWrong},
	{ca.ErrMultiple, domain.Invalid, domain.ReasonOnePEM},
	{ca.ErrPossession, domain.Invalid, domain.ReasonPossession},
	{ca.ErrOtherPEM, domain.Invalid, domain.ReasonOtherPEM},
	{ca.ErrTooLarge, domain.Invalid, domain.ReasonFileSize},
	{ca.ErrContent, domain.Invalid, domain.ReasonContent},
	{ca.ErrDates, domain.Invalid, domain.ReasonCertDates},
	{ca.ErrNameText, domain.Invalid, domain.ReasonNameText},
	{ca.ErrLongSerial, domain.Invalid, domain.ReasonLongSerial},
	{ca.ErrMalformed, domain.Invalid, domain.ReasonPEM},
	{ca.ErrWeakKey, domain.Invalid, domain.ReasonKeyWeak},
	{ca.ErrUnsupportedKey, domain.Invalid, domain.ReasonKeyUnsupported},
	{ca.ErrKeyMismatch, domain.Invalid, domain.ReasonKeyMismatch},
	{ca.ErrWeakSignature, domain.Invalid, domain.ReasonWeakSignature},
	{ca.ErrNotCA, domain.Invalid, domain.ReasonNotCA},
	{ca.ErrCritical, domain.Invalid, domain.ReasonCritical},
	{ca.ErrNoIssuer, domain.Invalid, domain.ReasonNoIssuer},
	{ca.ErrUnrelated, domain.Invalid, domain.ReasonUnrelated},
	{ca.ErrConstrained, domain.Invalid, domain.ReasonConstrained},
	{ca.ErrOtherSubject, domain.Invalid, domain.ReasonOtherSubject},
	{ca.ErrPathLength, domain.Invalid, domain.ReasonPathLength},
	{ca.ErrIsCA, domain.Invalid, domain.ReasonIsCA},
	{ca.ErrNotSignedByCA, domain.Invalid, domain.ReasonNotSignedByCA},
	{ca.ErrNotClient, domain.Invalid, domain.ReasonNotClient},
	{ca.ErrSelfIssued, domain.Rule, domain.ReasonLikeCA},
	{ca.ErrInvalidRequest, domain.Invalid, domain.ReasonFormat},
}

// material turns an error of the ca package about the uploaded field into a fault of the domain.
// Faults of the password go to the field password, and a mismatch of key and certificate to the
// field key. Other errors are returned unchanged.
func material(field string, err error) error {
	if bound, ok := errors.AsType[*ca.BoundError](err); ok {
		return beyond(field, bound)
	}
	if encryption, ok := errors.AsType[*ca.EncryptionError](err); ok {
		return &domain.Error{
			Kind: domain.Invalid, Field: field, Reason: domain.ReasonKeyEncryption, Args: []any{encryption.Algorithm},
			Err: err,
		}
	}
	if long, ok := errors.AsType[*ca.PasswordError](err); ok {
		return &domain.Error{
			Kind: domain.Invalid, Field: "password", Reason: domain.ReasonPasswordLong, Args: []any{long.Most}, Err: err,
		}
	}
	for _, f := range materialFaults {
		if !errors.Is(err, f.err) {
			continue
		}
		switch f.reason {
		case domain.ReasonPEM, domain.ReasonOtherPEM, domain.ReasonContent:
			if field == "csr" {
				f.reason = domain.ReasonCSR
			}
		case domain.ReasonPasswordRequired, domain.ReasonPasswordWrong:
			field = "password"
		case domain.ReasonKeyMismatch:
			field = "key"
		}
		return &domain.Error{Kind: f.kind, Field: field, Reason: f.reason, Err: err}
	}
	return err
}

// issuingFault turns an error about the names of a certificate that shall be issued into a fault of
// the domain. places are the fields of the alternative names, by their kind and their order there.
func issuingFault(err error, places map[ca.NameKind][]string) error {
	fieldOf := func(kind ca.NameKind, index int) string {
		if list := places[kind]; index < len(list) {
			return list[index]
		}
		if kind == ca.EmailName {
			return "email"
		}
		return "name"
	}
	if refused, ok := errors.AsType[*ca.ConstraintError](err); ok {
		return &domain.Error{
			Kind: domain.Invalid, Field: fieldOf(refused.Kind, refused.Index), Reason: domain.ReasonConstraint,
			Args: []any{refused.Constraint}, Err: err,
		}
	}
	if name, ok := errors.AsType[*ca.NameError](err); ok {
		return &domain.Error{
			Kind: domain.Invalid, Field: fieldOf(name.Kind, name.Index), Reason: domain.ReasonHostname, Err: err,
		}
	}
	return material("name", err)
}

// beyond returns the fault of a key that exceeds a bound.
func beyond(field string, bound *ca.BoundError) error {
	fault := &domain.Error{Kind: domain.Invalid, Field: field, Args: []any{bound.Found, bound.Most}, Err: bound}
	switch bound.What {
	case ca.RSABits:
		fault.Reason = domain.ReasonKeyBits
	case ca.Iterations:
		fault.Reason = domain.ReasonKeyIterations
	default:
		fault.Reason, fault.Args = domain.ReasonKeyScrypt, []any{string(bound.What), bound.Found, bound.Most}
	}
	return fault
}
