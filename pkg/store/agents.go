package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// storedAgent is the JSON form of domain.AgentFacts. The names are those of the first release; they
// stay when the names in domain change.
type storedAgent struct {
	Version  string          `json:"version"`
	Interval int             `json:"interval"`
	Up       bool            `json:"up"`
	OpenVPN  string          `json:"openvpn"`
	Tag      string          `json:"tag"`
	Lists    []storedInPlace `json:"lists"`
	Pending  int             `json:"pending"`
	Reload   string          `json:"reload"`
	Failures int             `json:"failures"`
}

type storedInPlace struct {
	Issuer string `json:"issuer"`
	Number string `json:"number"`
}

func toStoredAgent(f domain.AgentFacts) storedAgent {
	return storedAgent{
		Version: f.Version, Interval: f.Interval, Up: f.Up, OpenVPN: f.OpenVPN, Tag: f.Tag, Pending: f.Pending,
		Reload: f.Reload, Failures: f.Failures,
		Lists: each(f.Lists, func(l domain.ListInPlace) storedInPlace { return storedInPlace(l) }),
	}
}

func (a storedAgent) entity() domain.AgentFacts {
	facts := domain.AgentFacts{
		Version: a.Version, Interval: a.Interval, Up: a.Up, OpenVPN: a.OpenVPN, Tag: a.Tag, Pending: a.Pending,
		Reload: a.Reload, Failures: a.Failures,
	}
	for _, l := range a.Lists {
		facts.Lists = append(facts.Lists, domain.ListInPlace(l))
	}
	return facts
}

type agentRow struct {
	InstanceID int64
	ReportedAt time.Time
	DueAt      time.Time
	Silent     bool
	LookedAt   *time.Time
	SeenUntil  *time.Time
	Mark       string
	Report     storedObject[storedAgent]
}

const agentColumns = "instance_id, reported_at, due_at, silent, looked_at, seen_until, mark, report"

func (r *agentRow) key() *int64 { return &r.InstanceID }

func (r *agentRow) fields() []any {
	return []any{
		&r.InstanceID, &r.ReportedAt, &r.DueAt, &r.Silent, &r.LookedAt, &r.SeenUntil, &r.Mark, &r.Report,
	}
}

// entity is of an agent that has never reported when Lock has made the row.
func (r *agentRow) entity() domain.Agent {
	if r.ReportedAt.Equal(never) {
		return domain.Agent{InstanceID: r.InstanceID}
	}
	return domain.Agent{
		InstanceID: r.InstanceID, AgentFacts: r.Report.object.entity(), ReportedAt: r.ReportedAt.UTC(),
		DueAt: r.DueAt.UTC(), Silent: r.Silent, LookedAt: orZero(r.LookedAt), SeenUntil: orZero(r.SeenUntil),
		Mark: r.Mark,
	}
}

// never is in a row that Lock has made, until Put stores what is reported.
var never = time.Unix(0, 0).UTC()

type agents struct{ s *Store }

const agentOf = "SELECT " + agentColumns + " FROM agents WHERE instance_id = ?"

// Get implements domain.Agents.
func (r agents) Get(ctx context.Context, instanceID int64) (domain.Agent, error) {
	rows, err := find[agentRow, domain.Agent](ctx, r.s.read, agentOf, []any{instanceID})
	if err != nil || len(rows) == 0 {
		return domain.Agent{InstanceID: instanceID}, err
	}
	return rows[0].entity(), nil
}

// Touch implements domain.Agents.
func (r agents) Touch(ctx context.Context, a domain.Agent, looked bool) (bool, error) {
	set := "UPDATE agents SET reported_at = ?, due_at = ?, report = ?"
	args := []any{micro(a.ReportedAt), micro(a.DueAt), storedObject[storedAgent]{toStoredAgent(a.AgentFacts)}}
	where := " WHERE instance_id = ? AND NOT silent"
	of := []any{a.InstanceID}
	if looked {
		set, args = set+", looked_at = ?, seen_until = ?", append(args, micro(a.LookedAt), micro(a.SeenUntil))
		where, of = where+" AND mark = ?", append(of, a.Mark)
	}
	done := r.s.write.WithContext(ctx).Exec(set+where, append(args, of...)...)
	return done.RowsAffected == 1, done.Error
}

// Lock implements domain.Agents. The row is made for the lock where there is none.
func (r agents) Lock(ctx context.Context, instanceID int64) (domain.Agent, error) {
	const into = `INSERT INTO agents (` + agentColumns + `) VALUES (?, ?, ?, ?, NULL, NULL, '', ?) ON CONFLICT DO NOTHING`
	done := r.s.write.WithContext(ctx).Exec(into, instanceID, never, never, true, storedObject[storedAgent]{})
	if done.Error != nil {
		return domain.Agent{}, translate(done.Error, faults{}.orForeign(domain.Missing, "id", domain.ReasonNotFound))
	}
	query := agentOf
	if r.s.engine == Postgres {
		query += " FOR UPDATE"
	}
	var found agentRow
	err := scan(ctx, r.s.write, found.fields(), query, instanceID)
	return found.entity(), translate(err, faults{})
}

// Put implements domain.Agents.
func (r agents) Put(ctx context.Context, a domain.Agent) error {
	const query = `UPDATE agents SET reported_at = ?, due_at = ?, silent = ?, looked_at = ?, seen_until = ?, mark = ?, report = ?
		WHERE instance_id = ?`
	done := r.s.write.WithContext(ctx).Exec(query, micro(a.ReportedAt), micro(a.DueAt), a.Silent, optional(a.LookedAt),
		optional(a.SeenUntil), a.Mark, storedObject[storedAgent]{toStoredAgent(a.AgentFacts)}, a.InstanceID)
	return changedOne(done, faults{})
}

// Overdue implements domain.Agents.
func (r agents) Overdue(ctx context.Context, now time.Time, limit int) ([]domain.Agent, error) {
	const query = "SELECT " + agentColumns + ` FROM agents WHERE NOT silent AND due_at < ? ORDER BY due_at LIMIT ?`
	rows, err := find[agentRow, domain.Agent](ctx, r.s.read, query, []any{micro(now), limit})
	return each(rows, func(row agentRow) domain.Agent { return row.entity() }), err
}

// Hush implements domain.Agents.
func (r agents) Hush(ctx context.Context, a domain.Agent) (bool, error) {
	const query = "UPDATE agents SET silent = ? WHERE instance_id = ? AND NOT silent AND due_at = ?"
	done := r.s.write.WithContext(ctx).Exec(query, true, a.InstanceID, micro(a.DueAt))
	return done.RowsAffected == 1, done.Error
}

// Remove implements domain.Agents.
func (r agents) Remove(ctx context.Context, instanceID int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM agents WHERE instance_id = ?", instanceID).Error
}
