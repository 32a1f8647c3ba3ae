package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"math/big"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// readCRL reads a CRL that was made elsewhere, and checks that it is a complete one of the CA after
// which its own lists can continue. Without a text there is no CRL.
func (s *CAs) readCRL(text []byte, issuer *x509.Certificate) (*ca.CRL, error) {
	if len(text) == 0 {
		return nil, nil
	}
	crl, err := ca.ReadForeignCRL(text, issuer)
	if err != nil {
		return nil, crlFault(err)
	}
	// the CA's own lists must begin later, and OpenVPN refuses every client while its list is in
	// the future
	if crl.ThisUpdate.After(s.Now()) {
		return nil, domain.Fault(domain.Invalid, "crl", domain.ReasonCRLFuture, crl.ThisUpdate)
	}
	return crl, nil
}

// crlFault turns an error about a list into a fault of the domain with the reason.
func crlFault(err error) error {
	fault := &domain.Error{Kind: domain.Invalid, Field: "crl", Reason: domain.ReasonCRL, Err: err}
	scope, ok := errors.AsType[*ca.ScopeError](err)
	switch {
	case ok && scope.Critical:
		fault.Reason, fault.Args = domain.ReasonCRLCritical, []any{scope.Detail}
	case ok:
		fault.Reason, fault.Args = domain.ReasonCRLPartial, []any{scope.Detail}
	case errors.Is(err, ca.ErrNotSignedByCA):
		fault.Reason = domain.ReasonCRLSigner
	case errors.Is(err, ca.ErrLongNumber):
		fault.Reason = domain.ReasonCRLSerial
	}
	return fault
}

// maxSmallNumber bounds the CRL numbers from which the database counts on. It leaves room for more
// lists than can ever be signed. A larger number becomes a base.
const maxSmallNumber = 62 // bits

// stateAfter returns the state of a CA's lists after the CRL that was imported with it.
func stateAfter(crl *ca.CRL) domain.CRLState {
	if crl == nil {
		return domain.CRLState{}
	}
	state := domain.CRLState{ThisUpdate: crl.ThisUpdate}
	switch number := crl.Number; {
	case number == nil || number.Sign() < 0:
	case number.BitLen() <= maxSmallNumber:
		state.Number = number.Int64()
	default:
		state.Base = new(big.Int).Set(number)
	}
	return state
}

// importRevocations stores the entries of a CRL under one epoch.
func importRevocations(ctx context.Context, tx domain.Store, caID int64, crl *ca.CRL) error {
	list := listedRevocations(caID, crl)
	if len(list) == 0 {
		return nil // no list could ever reach an epoch without revocations
	}
	epoch, err := tx.Revocations().Advance(ctx, caID)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Epoch = epoch
	}
	return tx.Revocations().Add(ctx, list)
}

// listedRevocations returns the revocations of a CRL; none for nil.
func listedRevocations(caID int64, crl *ca.CRL) []domain.Revocation {
	if crl == nil {
		return nil
	}
	var list []domain.Revocation
	for _, one := range crl.Revocations() {
		list = append(
			list, domain.Revocation{
				CAID: caID, Serial: ca.FormatSerial(one.Serial), RevokedAt: one.RevokedAt,
				Reason: domain.RevocationReason(one.Reason), InvalidSince: one.InvalidityDate,
			},
		)
	}
	return list
}
