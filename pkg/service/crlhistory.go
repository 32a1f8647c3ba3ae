package service

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Forget drops all lists: the database has another history.
func (s *CRLs) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.lists)
}

// heed takes a list to a state that was read of its CA, which is read again first if that is wanted. Of two who ask at the same time the later may come
// first, so what does not follow is read again, too; if it still does not, the CA is another one, or its revocations have gone back, and what is known of
// it is forgotten. Its caller has the turn.
func (s *CRLs) heed(ctx context.Context, l *list, caID int64, state domain.CRLState, again bool) (domain.CRLState, error) {
	before := l.seen.Load()
	if again || before != nil && !state.Follows(*before) {
		var err error
		if state, err = s.state(ctx, caID); err != nil {
			return state, err
		}
		if before != nil && !state.Follows(*before) {
			s.Log.ErrorContext(ctx, "the revocations of a CA have gone back: its list is made anew", "ca_id", caID, "epoch", state.Epoch,
				"epoch_before", before.Epoch, "incarnation", state.Incarnation, "incarnation_before", before.Incarnation)
			l.forget()
			s.Authorities.Forget(caID)
		}
	}
	l.seen.Store(&state.RevocationPoint)
	return state, nil
}

func (l *list) forget() {
	l.current.Store(nil)
	l.revocations, l.epoch, l.last = nil, 0, domain.Revocation{}
}

// rejoin checks that the last revocation that is known is still there, as it was. Otherwise the number has fallen and risen again unseen, and all are read.
func (s *CRLs) rejoin(ctx context.Context, l *list) error {
	if l.last.Serial == "" {
		return nil
	}
	found, ok, err := s.Store.Revocations().Find(ctx, l.last.CAID, l.last.Serial)
	if err == nil && (!ok || found != l.last) {
		l.revocations, l.epoch, l.last = nil, 0, domain.Revocation{}
	}
	return err
}
