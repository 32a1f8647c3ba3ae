package tunnel

import (
	"context"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// watch is since when reports could have come: a service that did not run, and a database that did
// not answer, make no agent silent.
type watch struct {
	// mu guards the times. It is held for a comparison.
	mu            sync.Mutex
	since, latest time.Time
}

// longestGap is how long after a look the next one still follows it.
const longestGap = 30 * time.Second

// looked notes a look at a time, and returns since when one has followed the other.
func (w *watch) looked(now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest.IsZero() || now.Sub(w.latest).Abs() > longestGap {
		w.since = now
	}
	w.latest = now
	return w.since
}

// silentBatch is of how many agents is told in one look.
const silentBatch = 500

// Watch tells which agents have become silent, once over all replicas.
func (s *Sessions) Watch(ctx context.Context) error {
	now := s.Now()
	list, err := s.Store.Agents().Overdue(ctx, now, silentBatch)
	if err != nil {
		return err
	}
	since := s.watch.looked(now)
	for _, agent := range list {
		if now.Sub(since) < agent.DueAt.Sub(agent.ReportedAt) {
			continue
		}
		if err := s.hush(ctx, agent, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sessions) hush(ctx context.Context, agent domain.Agent, now time.Time) error {
	first := false
	err := s.Store.Transact(ctx, func(tx domain.Store) (err error) {
		if first, err = tx.Agents().Hush(ctx, agent); err != nil || !first {
			return err
		}
		return s.tellAgent(ctx, tx, domain.EventAgentSilent, agent, now)
	})
	if err == nil && first {
		s.Told()
		s.Log.WarnContext(ctx, "an agent is silent", "instance_id", agent.InstanceID, "last_report", agent.ReportedAt)
	}
	return err
}

// tellAgent puts an event of an agent into the outbox.
func (s *Sessions) tellAgent(
	ctx context.Context, tx domain.Store, kind domain.EventType, before domain.Agent, at time.Time,
) error {
	instance, err := tx.Instances().Get(ctx, before.InstanceID)
	if err != nil {
		return err
	}
	event := domain.StreamEvent{
		Type: kind, At: at, Resource: domain.ScopeInstances, ResourceID: instance.ID, ResourceName: instance.Name,
	}
	data := domain.EventData{LastReport: before.ReportedAt.UTC().Format(time.RFC3339)}
	return addEvent(ctx, tx, event, data)
}
