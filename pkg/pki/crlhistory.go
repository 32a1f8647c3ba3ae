package pki

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// heed brings a list to a state that was read for its CA. If again is set, it reads the state again
// first. Two concurrent requests may arrive in reverse order, so a state that does not follow the
// last one is also read again. If it still does not follow, the CA is another one or its
// revocations have gone back, and the cached state of the CA is dropped. The caller holds the
// list's turn.
func (s *CRLs) heed(
	ctx context.Context, l *list, caID int64, state domain.CRLState, again bool,
) (domain.CRLState, error) {
	if l.lapsed.Load() {
		l.forget()
		l.seen.Store(nil)
		l.lapsed.Store(false)
	}
	before := l.seen.Load()
	if again || before != nil && !state.Follows(*before) {
		var err error
		if state, err = s.state(ctx, caID); err != nil {
			return state, err
		}
		if before != nil && !state.Follows(*before) {
			s.Log.ErrorContext(ctx,
				"the revocations of a CA have gone back to an earlier state: its list is built anew", "ca_id", caID,
				"epoch", state.Epoch,
				"epoch_before", before.Epoch, "incarnation", state.Incarnation, "incarnation_before",
				before.Incarnation)
			l.forget()
			s.Authorities.Forget(caID)
		}
	}
	l.seen.Store(&state.RevocationPoint)
	return state, nil
}

// lapsedList holds the revocations of a list that belongs to another history.
type lapsedList struct {
	ca          string // the fingerprint of the CA's key
	revocations []listed
}

func (l *list) forget() {
	crl := l.current.Swap(nil)
	if ended := l.ended.Swap(nil); crl == nil {
		crl = ended
	}
	l.keep(crl)
	l.restart()
}

// keep remembers what was revoked in the history that has ended. If another replica has signed the
// last list, its newest revocations are only in that list.
func (l *list) keep(crl *SignedCRL) {
	seen, revocations := l.seen.Load(), l.revocations
	if crl != nil && crl.Epoch > l.epoch {
		if parsed, err := ca.ParseCRL(crl.DER); err == nil {
			for _, r := range listedRevocations(crl.CAID, parsed) {
				revocations = append(revocations, listed{Revocation: r})
			}
		}
	}
	if seen != nil && len(revocations) > 0 {
		l.before = &lapsedList{seen.CA, revocations}
	}
}

func (l *list) restart() { l.revocations, l.epoch, l.last = nil, 0, domain.Revocation{} }

// another reports whether the database's history is another one than that of the state. A list is
// signed only in a history whose incarnation is settled: after a set-back that no replica has
// noticed yet, this replica does not know what was published in the history that has ended, unless
// the incarnation is renewed first.
func (s *CRLs) another(ctx context.Context, state domain.CRLState) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, crlStateTime)
	defer cancel()
	incarnation, err := s.History.Settled(ctx)
	return incarnation != state.Incarnation, err
}

// maxToldSerials bounds the serial numbers in one log line.
const maxToldSerials = 100

// tellGone logs the certificates that are valid again because their revocation was lost with its
// history: it is not among all present revocations. The caller holds the list's turn.
func (s *CRLs) tellGone(ctx context.Context, l *list, caID int64, state domain.CRLState, all []listed) {
	before := l.before
	if l.before = nil; before == nil || before.ca != state.CA {
		return
	}
	if serials := before.missing(all, s.Now()); len(serials) > 0 {
		s.Log.ErrorContext(ctx,
			"certificates are good again: the database has lost their revocation; revoke them again, or hand in a list that has them "+
				"beside the last one of each CA with `chaveiro restore --accept --crl`",
			"ca_id", caID, "certificates", len(serials), "serials", serials[:min(len(serials), maxToldSerials)])
	}
}

// missing returns the serial numbers that are not among others, except those of certificates that
// have ended.
func (b *lapsedList) missing(others []listed, now time.Time) (serials []string) {
	there := make(map[string]bool, len(others))
	for _, r := range others {
		there[r.Serial] = true
	}
	for _, r := range b.revocations {
		gone := !there[r.Serial]
		there[r.Serial] = true // a serial number may occur twice
		if gone && (r.NotAfter.IsZero() || now.Before(r.NotAfter)) {
			serials = append(serials, r.Serial)
		}
	}
	return serials
}

// rejoin checks that a revocation of the last known epoch is still stored unchanged, or has changed
// in a later epoch. If it has not, the epoch has gone back and risen again unnoticed, and all
// revocations are read again.
func (s *CRLs) rejoin(ctx context.Context, l *list) error {
	if l.last.Serial == "" {
		return nil
	}
	found, ok, err := s.Store.Revocations().Find(ctx, l.last.CAID, l.last.Serial)
	if later := found.Changed && found.Epoch > l.last.Epoch; err == nil && (!ok || found != l.last && !later) {
		l.before = &lapsedList{l.seen.Load().CA, l.revocations}
		l.restart()
	}
	return err
}
