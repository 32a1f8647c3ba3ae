package tunnel

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Report is what an agent tells.
type Report struct {
	domain.AgentFacts
	At time.Time // by the clock of the agent
	// Looked says that the agent has seen the sessions just now, and Sessions counts. Base is the
	// mark of what Sessions and Ended differ from; empty: Sessions are all there are.
	Looked bool
	Base   string
	// With After or Upto the Sessions are all there are with a Number above the one and not above
	// the other, whatever Base is; nil is no bound.
	After, Upto *int64
	Sessions    []domain.SeenSession // new or changed ones
	Ended       []domain.SeenSession // with their last bytes
}

// whole reports whether the Sessions are all there are with a number.
func (r Report) whole(number int64) bool {
	if r.After == nil && r.Upto == nil {
		return r.Base == ""
	}
	return (r.After == nil || number > *r.After) && (r.Upto == nil || number <= *r.Upto)
}

// empty reports whether nothing has changed.
func (r Report) empty() bool {
	return r.Base != "" && r.After == nil && r.Upto == nil && len(r.Sessions)+len(r.Ended) == 0
}

// Reported is the answer to a report. Mark is the Base of the next one; empty: all sessions are
// wanted.
type Reported struct{ Mark string }

// Report stores what an agent tells. One that tells of no change is one statement. Errors:
// *domain.Error with Missing; with Forbidden for an apikey of other instances.
func (s *Sessions) Report(ctx context.Context, id int64, r Report) (Reported, error) {
	if !domain.PrincipalOf(ctx).Limits.Admits(id) {
		return Reported{}, domain.Fault(domain.Forbidden, "id", domain.ReasonOtherInstance)
	}
	now := s.Now().Truncate(time.Microsecond)
	agent := domain.Agent{
		InstanceID: id, AgentFacts: r.AgentFacts, ReportedAt: now, DueAt: now.Add(domain.Patience(r.Interval)),
		Mark: r.Base,
	}
	if r.Looked {
		agent.LookedAt, agent.SeenUntil = now, agent.DueAt
	}
	if !r.Looked || r.empty() {
		if done, err := s.Store.Agents().Touch(ctx, agent, r.Looked); done || err != nil {
			return Reported{agent.Mark}, err
		}
	}
	return s.take(ctx, agent, r)
}

// take stores a report that changes something.
func (s *Sessions) take(ctx context.Context, agent domain.Agent, r Report) (answer Reported, err error) {
	news := false
	err = s.Store.Transact(ctx, func(tx domain.Store) error {
		answer, news, err = s.put(ctx, tx, agent, r)
		return err
	})
	if err == nil && news {
		s.Told()
	}
	return answer, err
}

// put stores a report in a transaction. news says that there is something to tell.
func (s *Sessions) put(
	ctx context.Context, tx domain.Store, agent domain.Agent, r Report,
) (answer Reported, news bool, err error) {
	before, err := tx.Agents().Lock(ctx, agent.InstanceID)
	if err != nil {
		return answer, false, err
	}
	if before.Silent {
		if err := s.tellAgent(ctx, tx, domain.EventAgentRecovered, before, agent.ReportedAt); err != nil {
			return answer, false, err
		}
	}
	known := r.Looked && (r.Base == "" || r.Base == before.Mark)
	if !known {
		agent.LookedAt, agent.SeenUntil, agent.Mark = before.LookedAt, before.SeenUntil, before.Mark
		return answer, before.Silent, tx.Agents().Put(ctx, agent)
	}
	changed, err := s.follow(ctx, tx, agent, r)
	if err != nil {
		return answer, false, err
	}
	if agent.Mark = before.Mark; changed || agent.Mark == "" {
		agent.Mark = rand.Text()
	}
	return Reported{agent.Mark}, before.Silent || changed, tx.Agents().Put(ctx, agent)
}

// follow makes the sessions of an instance those of a report. changed says that one has begun or
// ended.
func (s *Sessions) follow(ctx context.Context, tx domain.Store, a domain.Agent, r Report) (changed bool, err error) {
	open, err := tx.TunnelSessions().Open(ctx, a.InstanceID)
	if err != nil {
		return false, err
	}
	d := compare(open, r, a.ReportedAt)
	if err := nameClients(ctx, tx, a.InstanceID, d.begun); err != nil {
		return false, err
	}
	if err := tx.TunnelSessions().Add(ctx, d.begun); err != nil {
		return false, err
	}
	if err := tx.TunnelSessions().Update(ctx, d.altered); err != nil {
		return false, err
	}
	if len(d.begun) == 0 && len(d.ended) == 0 {
		return false, nil
	}
	if err := tx.TunnelSessions().Update(ctx, d.ended); err != nil {
		return false, err
	}
	if err := tx.TunnelSessions().Note(ctx, d.places(open)); err != nil {
		return false, err
	}
	return true, s.tellSessions(ctx, tx, d, a.ReportedAt)
}

// nameClients finds out whose the sessions are.
func nameClients(ctx context.Context, tx domain.Store, instanceID int64, list []domain.TunnelSession) error {
	if len(list) == 0 {
		return nil
	}
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = one.Name
	}
	clients, err := tx.Clients().Holding(ctx, names)
	for i := range list {
		list[i].InstanceID, list[i].ClientID = instanceID, clients[domain.NameKey(list[i].Name)].ID
	}
	return err
}

// tellSessions puts into the outbox who has connected and who has not stayed.
func (s *Sessions) tellSessions(ctx context.Context, tx domain.Store, d difference, at time.Time) error {
	for _, one := range []struct {
		kind domain.EventType
		list []domain.TunnelSession
	}{{domain.EventClientDisconnected, d.ended}, {domain.EventClientConnected, d.begun}} {
		for _, session := range one.list {
			if session.ClientID == 0 {
				continue
			}
			data := domain.EventData{
				InstanceID: session.InstanceID, SessionID: session.ID, Tunnel: addressText(session.Address),
				Address: addressText(session.Real.Addr()), Killed: !session.Open() && !session.KillAt.IsZero(),
			}
			event := domain.StreamEvent{
				Type: one.kind, At: at, Resource: domain.ScopeClients, ResourceID: session.ClientID,
				ResourceName: session.Name,
			}
			if err := addEvent(ctx, tx, event, data); err != nil {
				return err
			}
		}
	}
	return nil
}

func addEvent(ctx context.Context, tx domain.Store, e domain.StreamEvent, data domain.EventData) (err error) {
	if e.Data, err = data.Text(); err != nil {
		return err
	}
	return tx.Events().Add(ctx, e)
}
