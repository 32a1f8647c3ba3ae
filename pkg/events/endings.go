package events

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Endings tells ahead of time that something ends, once for each of domain.EndingDays, over all
// replicas. Of several that are due only the nearest is told.
type Endings struct {
	Store domain.Store
	Now   func() time.Time
	Told  func() // is called when something was told
}

const day = 24 * time.Hour

// The bounds of one look. What is left over is told by the next one.
const (
	endingBatch  = 200 // in a transaction
	endingRounds = 50  // of each kind and days
)

// wholeInterval is how often all clients that end soon are looked through at least. When one is in
// force again that has no new certificate, the next look does so: see domain.Events.LookAnew.
const wholeInterval = day

// settleTime is longer than a transaction takes that makes certificates. One that takes longer is
// seen when all are looked through.
const settleTime = 5 * time.Minute

// kept is how long after an end its notices are kept.
const kept = 2 * day

var endingTypes = map[domain.Scope]domain.EventType{
	domain.ScopeClients:           domain.EventCertificateExpiring,
	domain.ScopeInstances:         domain.EventCertificateExpiring,
	domain.ScopeCAs:               domain.EventCAExpiring,
	domain.ScopeAPIKeys:           domain.EventAPIKeyExpiring,
	domain.ResourceAuthorizations: domain.EventAuthorizationExpiring,
	domain.ResourceServer:         domain.EventTLSExpiring,
}

// Look tells what ends soon, of everything in the database. Of clients it looks at those whose time
// has come since the last look, and at those that have a new certificate.
func (s *Endings) Look(ctx context.Context) error {
	now := s.Now()
	for kind := range endingTypes {
		after := now
		for _, days := range domain.EndingDays {
			span := domain.EndingSpan{After: after, AfterID: domain.MaxID, UpTo: now.Add(time.Duration(days) * day)}
			look := s.look
			if kind == domain.ScopeClients {
				look = s.lookFurther
			}
			if err := look(ctx, kind, days, span); err != nil {
				return err
			}
			after = span.UpTo
		}
	}
	return s.Store.Events().ForgetNotices(ctx, now.Add(-kept))
}

// look tells the records of a kind that end in a span.
func (s *Endings) look(ctx context.Context, kind domain.Scope, days int, span domain.EndingSpan) error {
	_, err := s.through(ctx, kind, days, span)
	return err
}

// through tells the records of a kind that end in a span, and returns up to which end it did.
func (s *Endings) through(
	ctx context.Context, kind domain.Scope, days int, span domain.EndingSpan,
) (time.Time, error) {
	for range endingRounds {
		list, err := s.Store.Events().Endings(ctx, kind, days, span, endingBatch)
		if err == nil {
			err = s.tell(ctx, list, days)
		}
		if err != nil || len(list) < endingBatch {
			return span.UpTo, err
		}
		last := list[len(list)-1]
		span.After, span.AfterID = last.EndsAt, last.ID
	}
	return span.After.Add(-time.Microsecond), nil // others may end at the same time
}

// lookFurther tells the clients that end in a span, from where the last look has ended.
func (s *Endings) lookFurther(ctx context.Context, kind domain.Scope, days int, span domain.EndingSpan) error {
	last, newest, err := s.Store.Events().EndingLook(ctx, days)
	if err != nil {
		return err
	}
	now := s.Now()
	ago := now.Sub(last.LookedAt)
	next := domain.EndingLook{Settled: last.Settled, Newest: newest, LookedAt: now, WholeAt: last.WholeAt}
	if ago >= settleTime {
		next.Settled = last.Newest
	}
	if last.LookedAt.IsZero() || next.Settled > newest {
		next.Settled = newest
	}
	if ago < 0 || now.Sub(last.WholeAt) >= wholeInterval {
		next.WholeAt = now
	} else {
		if err := s.tellNew(ctx, days, last.Settled, span); err != nil {
			return err
		}
		if last.Reached.After(span.After) {
			span.After = last.Reached
		}
	}
	if next.Reached, err = s.through(ctx, kind, days, span); err != nil {
		return err
	}
	return s.Store.Events().KeepEndingLook(ctx, days, next, last.WholeAt)
}

// tellNew tells the clients that end in a span and have a certificate with a higher id.
func (s *Endings) tellNew(ctx context.Context, days int, certificate int64, span domain.EndingSpan) error {
	for {
		list, last, err := s.Store.Events().NewEndings(ctx, days, certificate, span, endingBatch)
		if err == nil {
			err = s.tell(ctx, list, days)
		}
		if err != nil || len(list) < endingBatch {
			return err
		}
		certificate = last
	}
}

// TLS tells that the server's own certificate ends, if it does soon.
func (s *Endings) TLS(ctx context.Context, end time.Time) error {
	left := end.Sub(s.Now())
	for _, days := range domain.EndingDays {
		if left > 0 && left <= time.Duration(days)*day {
			return s.tell(ctx, []domain.Ending{{Resource: domain.ResourceServer, EndsAt: end}}, days)
		}
	}
	return nil
}

// tell puts into the outbox what nobody has told before.
func (s *Endings) tell(ctx context.Context, list []domain.Ending, days int) error {
	if len(list) == 0 {
		return nil
	}
	err := s.Store.Transact(ctx, func(tx domain.Store) error {
		first, err := tx.Events().Notice(ctx, list, days)
		for _, one := range first {
			if err == nil {
				err = s.add(ctx, tx, one, days)
			}
		}
		return err
	})
	if err == nil {
		s.Told()
	}
	return err
}

func (s *Endings) add(ctx context.Context, tx domain.Store, e domain.Ending, days int) error {
	data := domain.EventData{
		Serial: e.Serial, CAID: e.CAID, Days: days, ExpiresAt: e.EndsAt.UTC().Format(time.RFC3339),
	}
	text, err := data.Text()
	if err != nil {
		return err
	}
	return tx.Events().Add(ctx, domain.StreamEvent{
		Type: endingTypes[e.Resource], At: s.Now(), Resource: e.Resource, ResourceID: e.ID, ResourceName: e.Name,
		Data: text,
	})
}
