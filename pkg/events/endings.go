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

// Look tells what ends soon, of everything in the database.
func (s *Endings) Look(ctx context.Context) error {
	now := s.Now()
	for kind := range endingTypes {
		after := now
		for _, days := range domain.EndingDays {
			upTo := now.Add(time.Duration(days) * day)
			if err := s.look(ctx, kind, days, after, upTo); err != nil {
				return err
			}
			after = upTo
		}
	}
	return s.Store.Events().ForgetNotices(ctx, now.Add(-kept))
}

// look tells the records of a kind that end in a span.
func (s *Endings) look(ctx context.Context, kind domain.Scope, days int, after, upTo time.Time) error {
	for range endingRounds {
		list, err := s.Store.Events().Endings(ctx, kind, days, after, upTo, endingBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := s.tell(ctx, list, days); err != nil {
			return err
		}
	}
	return nil
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
	err := s.Store.Transact(ctx, func(tx domain.Store) error {
		for _, one := range list {
			first, err := tx.Events().Notice(ctx, one, days)
			if err == nil && first {
				err = s.add(ctx, tx, one, days)
			}
			if err != nil {
				return err
			}
		}
		return nil
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
