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

// heed takes a list to a point that was read of its CA. Of two who ask at the same time the later may come first, so what does not follow is read again; if it
// still does not, the CA is another one, or its revocations have gone back, and what is known of it is forgotten.
func (s *CRLs) heed(ctx context.Context, l *list, caID int64, point domain.RevocationPoint) (domain.RevocationPoint, error) {
	if l.seen.Mark != "" && !point.Follows(l.seen) {
		var err error
		if point, err = s.Store.Revocations().Point(ctx, caID); err != nil {
			return point, err
		}
		if !point.Follows(l.seen) {
			s.Log.ErrorContext(ctx, "the revocations of a CA have gone back: its list is made anew", "ca_id", caID, "epoch", point.Epoch,
				"epoch_before", l.seen.Epoch, "incarnation", point.Incarnation, "incarnation_before", l.seen.Incarnation)
			l.forget()
			s.Authorities.Forget(caID)
		}
	}
	l.seen = point
	return point, nil
}

func (l *list) forget() {
	l.current, l.revocations, l.epoch, l.last, l.seen = nil, nil, 0, domain.Revocation{}, domain.RevocationPoint{}
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
