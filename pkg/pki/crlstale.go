package pki

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// staleness is since when a list could not be renewed, and when that was last logged.
type staleness struct{ since, logged time.Time }

// staleLogInterval is how often a stale list is logged.
const staleLogInterval = time.Minute

// last returns the last good list, as Stale, to a caller that can't have a current one because of
// cause. If there is none, it returns cause.
func (s *CRLs) last(ctx context.Context, caID int64, cause error) (*SignedCRL, error) {
	l := s.Lists.known(caID)
	if l == nil || ctx.Err() != nil { // a caller that has gone away gets nothing
		return nil, cause
	}
	now := s.Clock.now()
	crl := l.current.Load()
	if crl == nil || crl.ThisUpdate.After(now) || !now.Before(crl.NextUpdate) {
		return nil, cause
	}
	s.noteStale(ctx, l, crl.CRL, now, cause)
	old := *crl
	old.Stale = true
	return &old, nil
}

func (s *CRLs) noteStale(ctx context.Context, l *list, crl domain.CRL, now time.Time, cause error) {
	before := l.stale.Load()
	state := staleness{since: now, logged: now}
	if before != nil {
		if now.Sub(before.logged) < staleLogInterval {
			return
		}
		state.since = before.since
	}
	if l.stale.CompareAndSwap(before, &state) {
		s.Log.ErrorContext(ctx,
			"the CRL can't be brought up to date: the last one is served, without later revocations", "ca_id", crl.CAID,
			"number", crl.Number, "since", state.since, "next_update", crl.NextUpdate, "seconds_left",
			int(crl.NextUpdate.Sub(now).Seconds()), "error", cause)
	}
}

// CRLHealth is what this process knows about the lists that it serves.
type CRLHealth struct {
	Ends    time.Time // the earliest nextUpdate; zero: there is no list
	Stale   int       // how many lists could not be brought up to date
	Overdue int       // how many lists have been due for more than overdueAfter
}

// overdueAfter is how long after its renewal is due a list counts as overdue.
const overdueAfter = time.Hour

// CRLOverdue reports whether a list should have been signed anew an hour ago.
func CRLOverdue(crl domain.CRL, now time.Time) bool {
	return ca.CRLDue(crl.ThisUpdate, crl.NextUpdate, now.Add(-overdueAfter))
}

// Health returns the state of the lists. It does not query the database.
func (s *CRLs) Health() CRLHealth {
	now := s.Clock.now()
	var health CRLHealth
	for _, l := range s.Lists.all() {
		if l.stale.Load() != nil {
			health.Stale++
		}
		crl := l.current.Load()
		if crl == nil {
			continue
		}
		if health.Ends.IsZero() || crl.NextUpdate.Before(health.Ends) {
			health.Ends = crl.NextUpdate
		}
		if CRLOverdue(crl.CRL, now) {
			health.Overdue++
		}
	}
	return health
}

// Refresh brings the lists of all CAs up to date. When one CA fails it goes on to the next.
func (s *CRLs) Refresh(ctx context.Context) error {
	ids, err := s.Store.CAs().IDs(ctx)
	if err == nil {
		s.Lists.keepOnly(ids)
	}
	for _, id := range ids {
		if _, one := s.fresh(ctx, id); one != nil && !domain.IsKind(one, domain.Missing) {
			_, _ = s.last(ctx, id, one) // notes the list as stale
			err = errors.Join(err, one)
		}
	}
	return err
}

// Keep calls Refresh at every interval until ctx ends.
func (s *CRLs) Keep(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := s.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "CRL refresh failed", "error", err, "first_ends", s.Health().Ends)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
