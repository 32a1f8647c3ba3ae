package pki

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// catchUp reads the revocations since the last time. It drops those that the latest list had, if
// their certificate had ended before that list: they were on one list after the end (RFC 5280,
// section 3.3).
func (s *CRLs) catchUp(ctx context.Context, l *list, caID int64, state domain.CRLState, latest domain.CRL) error {
	ctx, cancel := context.WithTimeout(ctx, crlReadTime)
	defer cancel()
	if err := s.rejoin(ctx, l); err != nil {
		return err
	}
	fresh, err := s.Store.Revocations().After(ctx, caID, l.epoch)
	if err != nil {
		return err
	}
	all := merged(l.revocations, fresh)
	s.tellGone(ctx, l, caID, state, all)
	for _, r := range fresh {
		if r.Epoch > l.epoch {
			l.epoch, l.last = r.Epoch, r
		}
	}
	now := s.Now()
	l.revocations = slices.DeleteFunc(all, func(r domain.Revocation) bool {
		return !r.NotAfter.IsZero() && r.Epoch <= latest.Epoch && !latest.ThisUpdate.After(now) &&
			r.NotAfter.Before(latest.ThisUpdate)
	})
	return nil
}

// merged returns the revocations of a list after fresh ones, which may replace earlier ones or lift
// them.
func merged(before, fresh []domain.Revocation) []domain.Revocation {
	changed := map[string]bool{}
	for _, r := range fresh {
		if r.Changed {
			changed[r.Serial] = true
		}
	}
	if len(changed) > 0 {
		before = slices.DeleteFunc(before, func(r domain.Revocation) bool { return changed[r.Serial] })
		fresh = slices.DeleteFunc(slices.Clone(fresh), domain.Revocation.Lifted)
	}
	return append(before, fresh...)
}
