package tunnel

import (
	"context"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Sessions are the use cases of who is connected: what agents report, and what is made of it.
type Sessions struct {
	Store     domain.Store
	Instances *Instances
	Recorder  *audit.Recorder
	Scans     *turns.Turns
	Told      func() // is called when there are new events
	Life      time.Duration
	Now       func() time.Time
	Log       *slog.Logger

	watch watch // see Watch
}

// DefaultSessionLife is how long sessions that have ended are kept.
const DefaultSessionLife = 90 * 24 * time.Hour

// newestSessions is how many sessions are kept at most: the newest ones.
const newestSessions = 1_000_000

// Session is a session with what is known of it now.
type Session struct {
	domain.TunnelSession
	State       domain.Connected
	ConfirmedAt time.Time // when the agent last said that it is open; zero: it has ended
}

// Page lists the sessions of an instance, the newest first. Errors: *domain.Error with Missing.
func (s *Sessions) Page(
	ctx context.Context, filter domain.SessionFilter, req domain.PageRequest,
) (page domain.Page[Session], err error) {
	if _, err := s.Store.Instances().Get(ctx, filter.InstanceID); err != nil {
		return page, err
	}
	// The agent is read before the sessions: what it has confirmed is not older than they are.
	agent, err := s.Store.Agents().Get(ctx, filter.InstanceID)
	if err != nil {
		return page, err
	}
	found, err := turns.Search(ctx, s.Scans, filter.Wide(),
		func(ctx context.Context) (domain.Page[domain.TunnelSession], error) {
			return s.Store.TunnelSessions().Page(ctx, filter, req)
		})
	return s.judged(found, map[int64]domain.Agent{agent.InstanceID: agent}), err
}

// PageOf lists the sessions of a client of a kind with all instances, the newest first. Errors:
// *domain.Error with Missing, also for a client of another kind.
func (s *Sessions) PageOf(
	ctx context.Context, kind domain.ClientKind, clientID int64, req domain.PageRequest,
) (page domain.Page[Session], err error) {
	client, err := s.Store.Clients().Get(ctx, clientID)
	if err == nil && client.Kind != kind {
		err = domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	if err != nil {
		return page, err
	}
	places, err := s.Store.TunnelSessions().Places(ctx, []int64{clientID})
	if err != nil {
		return page, err
	}
	agents := map[int64]domain.Agent{}
	for _, p := range places {
		agents[p.InstanceID] = domain.Agent{InstanceID: p.InstanceID, LookedAt: p.LookedAt, SeenUntil: p.SeenUntil}
	}
	found, err := s.Store.TunnelSessions().Page(ctx, domain.SessionFilter{ClientID: clientID}, req)
	return s.judged(found, agents), err
}

// judged adds what is known now, by the agents of the instances.
func (s *Sessions) judged(found domain.Page[domain.TunnelSession], agents map[int64]domain.Agent) domain.Page[Session] {
	page := domain.Page[Session]{
		Items: make([]Session, len(found.Items)), Current: found.Current, Next: found.Next, Previous: found.Previous,
	}
	now := s.Now()
	for i, one := range found.Items {
		page.Items[i] = judge(one, agents[one.InstanceID], now)
	}
	return page
}

// judge says what is known of a session at a time, by the agent of its instance. One that is newer
// than what was read of the agent was confirmed when it began.
func judge(one domain.TunnelSession, agent domain.Agent, now time.Time) Session {
	session := Session{TunnelSession: one, State: domain.ConnectedUnknown}
	switch {
	case !one.Open():
		session.State = domain.ConnectedNo
		return session
	case agent.Sees(now):
		session.State = domain.ConnectedYes
	}
	session.ConfirmedAt = one.ConnectedAt
	if agent.LookedAt.After(one.ConnectedAt) {
		session.ConfirmedAt = agent.LookedAt
	}
	return session
}

// Connections returns what is known of the connections of clients, by their ids. It is one
// statement.
func (s *Sessions) Connections(ctx context.Context, clientIDs ...int64) (map[int64]domain.Connection, error) {
	if len(clientIDs) == 0 {
		return nil, nil
	}
	places, err := s.Store.TunnelSessions().Places(ctx, clientIDs)
	if err != nil {
		return nil, err
	}
	of, all, now := map[int64][]domain.Place{}, map[int64]domain.Connection{}, s.Now()
	for _, p := range places {
		of[p.ClientID] = append(of[p.ClientID], p)
	}
	for _, id := range clientIDs {
		all[id] = domain.ConnectionOf(of[id], now)
	}
	return all, nil
}

// Kill asks the agent of an instance to end a session, and returns the session. The client may
// connect again. Errors: *domain.Error with Missing; with Rule on id when the session has ended.
func (s *Sessions) Kill(ctx context.Context, instanceID, id int64) (Session, error) {
	agent, err := s.Store.Agents().Get(ctx, instanceID)
	if err != nil {
		return Session{}, err
	}
	session, err := s.kill(ctx, instanceID, id)
	if err != nil {
		return Session{}, err
	}
	return judge(session, agent, s.Now()), nil
}

func (s *Sessions) kill(ctx context.Context, instanceID, id int64) (domain.TunnelSession, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (session domain.TunnelSession, err error) {
		err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
			session, err = tx.TunnelSessions().Lock(ctx, id)
			switch {
			case err == nil && session.InstanceID != instanceID:
				err = domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
			case err == nil && !session.Open():
				err = domain.Fault(domain.Rule, "session_id", domain.ReasonSessionEnded)
			}
			if err != nil || !session.KillAt.IsZero() {
				return done, err
			}
			session.KillAt = s.Now().Truncate(time.Microsecond)
			if err := tx.TunnelSessions().Kill(ctx, id, session.KillAt); err != nil {
				return done, err
			}
			done = sessions.Created(session)
			done.Action = domain.ActionKill
			return done, tx.Instances().Revise(ctx, instanceID)
		})
		return session, err
	})
}

// sessions describes sessions to the audit and the log.
var sessions = audit.Resource[domain.TunnelSession]{
	Scope: domain.ResourceSessions,
	Facts: func(s domain.TunnelSession) audit.Facts {
		return audit.Facts{
			"instance_id": s.InstanceID, "client_id": s.ClientID, "connected_at": audit.Moment(s.ConnectedAt),
			"kill_requested_at": audit.Moment(s.KillAt),
		}
	},
	Name: func(s domain.TunnelSession) (int64, string) { return s.ID, s.Name },
}

// Forget removes sessions that ended long ago, and those that are too many.
func (s *Sessions) Forget(ctx context.Context) error {
	life := s.Life
	if life == 0 {
		life = DefaultSessionLife
	}
	const batch = 1000
	for {
		n, err := s.Store.TunnelSessions().Prune(ctx, s.Now().Add(-life), newestSessions, batch)
		if err != nil || n < batch {
			return err
		}
	}
}
