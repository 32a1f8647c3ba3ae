package pki

import (
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// listed is a revocation with its entry on a list. The entry is encoded once, not for each list.
type listed struct {
	domain.Revocation
	entry ca.EncodedRevocation
}

// entered encodes the entries of revocations. One that is lifted has none.
func entered(revocations []domain.Revocation) ([]listed, error) {
	all := make([]listed, len(revocations))
	for i, r := range revocations {
		all[i].Revocation = r
		if r.Lifted() {
			continue
		}
		serial, err := ca.ParseSerial(r.Serial)
		if err != nil {
			return nil, err
		}
		all[i].entry, err = ca.EncodeRevocation(ca.Revocation{
			Serial: serial, RevokedAt: r.RevokedAt, Reason: ca.Reason(r.Reason), InvalidityDate: r.InvalidSince,
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// catchUp reads the revocations since the last time. It drops those that the latest list had, if
// their certificate had ended before that list: they were on one list after the end (RFC 5280,
// section 3.3).
func (s *CRLs) catchUp(ctx context.Context, l *list, caID int64, state domain.CRLState, latest domain.CRL) error {
	ctx, cancel := context.WithTimeout(ctx, crlReadTime)
	defer cancel()
	if err := s.rejoin(ctx, l); err != nil {
		return err
	}
	read, err := s.Store.Revocations().After(ctx, caID, l.epoch)
	if err != nil {
		return err
	}
	fresh, err := entered(read)
	if err != nil {
		return err
	}
	all := merged(l.revocations, fresh)
	s.tellGone(ctx, l, caID, state, all)
	for _, r := range fresh {
		if r.Epoch > l.epoch {
			l.epoch, l.last = r.Epoch, r.Revocation
		}
	}
	now := s.Clock.now()
	l.revocations = slices.DeleteFunc(all, func(r listed) bool {
		return !r.NotAfter.IsZero() && r.Epoch <= latest.Epoch && !latest.ThisUpdate.After(now) &&
			r.NotAfter.Before(latest.ThisUpdate)
	})
	return nil
}

// merged returns the revocations of a list after fresh ones, which may replace earlier ones or lift
// them.
func merged(before, fresh []listed) []listed {
	changed := map[string]bool{}
	for _, r := range fresh {
		if r.Changed {
			changed[r.Serial] = true
		}
	}
	if len(changed) > 0 {
		before = slices.DeleteFunc(before, func(r listed) bool { return changed[r.Serial] })
		fresh = slices.DeleteFunc(slices.Clone(fresh), listed.Lifted)
	}
	return append(before, fresh...)
}
