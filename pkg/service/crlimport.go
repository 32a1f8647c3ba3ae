package service

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// readCRL reads a CRL that was made elsewhere, and checks that it is a complete one of the CA, from which its own lists can go on; no text is no
// CRL.
func (s *CAs) readCRL(text []byte, issuer *x509.Certificate) (*ca.CRL, error) {
	if len(text) == 0 {
		return nil, nil
	}
	crl, err := ca.ParseCRL(text)
	if err == nil {
		err = crl.CheckFrom(issuer)
	}
	if err == nil {
		err = checkSerials(crl)
	}
	if err != nil {
		return nil, crlFault(err)
	}
	if crl.ThisUpdate.After(s.Now()) { // ours are to be later, and OpenVPN lets nobody in with a list of the future
		return nil, domain.Fault(domain.Invalid, "crl", domain.ReasonCRLFuture, crl.ThisUpdate)
	}
	return crl, nil
}

// crlFault turns an error about a list into the domain's, with the reason.
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
	case errors.Is(err, errLongSerial):
		fault.Reason = domain.ReasonCRLSerial
	}
	return fault
}

var errLongSerial = errors.New("a number in the list is too long")

// checkSerials refuses a list with a serial or a number that the CA's own lists could not carry: none could be signed any more.
func checkSerials(crl *ca.CRL) error {
	if crl.Number != nil && len(crl.Number.Bytes()) > ca.MaxCRLNumberBytes {
		return fmt.Errorf("%w: the CRL number", errLongSerial)
	}
	for i := range crl.Entries {
		if _, err := ca.ParseSerial(ca.FormatSerial(crl.Entries[i].Serial)); err != nil {
			return fmt.Errorf("%w: the serial of entry %d", errLongSerial, i+1)
		}
	}
	return nil
}

// maxSmallNumber bounds the CRL numbers that are counted on from. It leaves room for more lists than anyone can sign. What is larger is a base.
const maxSmallNumber = 62 // bits

// stateAfter is where the lists of a CA stand after the list that came with it.
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

// removeFromCRL is the reason of an entry that takes a revocation back (RFC 5280, 5.3.1).
const removeFromCRL = 8

// importRevocations stores the entries of a CRL under one epoch.
func importRevocations(ctx context.Context, tx domain.Store, caID int64, crl *ca.CRL) error {
	list := listedRevocations(caID, crl)
	if len(list) == 0 {
		return nil // an epoch without revocations would never be reached by a list
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

// listedRevocations reads the entries of a CRL; of two for one serial the first counts.
func listedRevocations(caID int64, crl *ca.CRL) []domain.Revocation {
	if crl == nil {
		return nil
	}
	seen := map[string]bool{}
	var list []domain.Revocation
	for _, entry := range crl.Entries {
		serial := ca.FormatSerial(entry.Serial)
		if seen[serial] || entry.Reason == removeFromCRL {
			continue
		}
		seen[serial] = true
		list = append(list, domain.Revocation{
			CAID: caID, Serial: serial, RevokedAt: listableDate(entry.RevokedAt), Reason: knownReason(entry.Reason),
		})
	}
	return list
}

// listableDate is the nearest date that an entry of our lists can carry.
func listableDate(at time.Time) time.Time {
	if first := time.Date(1950, time.January, 1, 0, 0, 0, 0, time.UTC); at.Before(first) {
		return first
	}
	return at
}

// knownReason is the reason of a foreign entry, unspecified if it is none that a list may name (RFC 5280, 5.3.1).
func knownReason(code int) int {
	if code < 0 || code > 10 || code == 7 {
		return 0
	}
	return code
}
