package pki

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// heed takes a list to a state that was read of its CA, which is read again first if that is
// wanted. Of two who ask at the same time the later may come first, so what does not follow is read
// again, too; if it still does not, the CA is another one, or its revocations have gone back, and
// what is known of it is forgotten. Its caller has the turn.
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
			s.Log.ErrorContext(ctx, "the revocations of a CA have gone back: its list is made anew", "ca_id", caID,
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

// lapsedList is what was on a list of another history.
type lapsedList struct {
	ca          string // the fingerprint of its key
	revocations []domain.Revocation
}

func (l *list) forget() {
	crl := l.current.Swap(nil)
	if ended := l.ended.Swap(nil); crl == nil {
		crl = ended
	}
	l.keep(crl)
	l.restart()
}

// keep remembers what was revoked in the history that has ended. Where another replica has signed
// the last list, that is only in the list.
func (l *list) keep(crl *SignedCRL) {
	seen, revocations := l.seen.Load(), l.revocations
	if crl != nil && crl.Epoch > l.epoch {
		if parsed, err := ca.ParseCRL(crl.DER); err == nil {
			revocations = append(revocations, listedRevocations(crl.CAID, parsed)...)
		}
	}
	if seen != nil && len(revocations) > 0 {
		l.before = &lapsedList{seen.CA, revocations}
	}
}

func (l *list) restart() { l.revocations, l.epoch, l.last = nil, 0, domain.Revocation{} }

// another looks whether the database has another history than the state was read from: a list is
// only made in one that is known. Nobody may have noticed yet, and what was published in the one
// that has ended is not known here, unless the incarnation is renewed first.
func (s *CRLs) another(ctx context.Context, state domain.CRLState) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, crlStateTime)
	defer cancel()
	incarnation, err := s.History.Settled(ctx)
	return incarnation != state.Incarnation, err
}

// maxToldSerials bounds the serials in a line of the log.
const maxToldSerials = 100

// tellGone says which certificates are good again because their revocation is gone with the history
// that had it: it is not among all that there are. Its caller has the turn.
func (s *CRLs) tellGone(ctx context.Context, l *list, caID int64, state domain.CRLState, all []domain.Revocation) {
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

// missing are the serials of what is not among others, and not over.
func (b *lapsedList) missing(others []domain.Revocation, now time.Time) (serials []string) {
	there := make(map[string]bool, len(others))
	for _, r := range others {
		there[r.Serial] = true
	}
	for _, r := range b.revocations {
		gone := !there[r.Serial]
		there[r.Serial] = true // it may be here twice
		if gone && (r.NotAfter.IsZero() || now.Before(r.NotAfter)) {
			serials = append(serials, r.Serial)
		}
	}
	return serials
}

// rejoin checks that the last revocation that is known is still there, as it was. Otherwise the
// number has fallen and risen again unseen, and all are read.
func (s *CRLs) rejoin(ctx context.Context, l *list) error {
	if l.last.Serial == "" {
		return nil
	}
	found, ok, err := s.Store.Revocations().Find(ctx, l.last.CAID, l.last.Serial)
	if err == nil && (!ok || found != l.last) {
		l.before = &lapsedList{l.seen.Load().CA, l.revocations}
		l.restart()
	}
	return err
}
