package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type eventRow struct {
	ID           int64 `gorm:"primaryKey"`
	Chain        int
	Position     int64
	Hash         []byte
	At           time.Time
	ActorKind    string
	ActorID      int64
	ActorName    string
	Address      string
	RequestID    string
	Operation    string
	Action       string
	Refused      bool
	Resource     string
	ResourceID   int64
	ResourceName string
	Before       string
	After        string
	TraceID      string
}

// linkColumns are set by the chain, eventColumns by the caller. resource_id is in neither: when the
// resource is new, only the statement that creates it knows its id.
const (
	linkColumns  = "chain, position, hash"
	eventColumns = "at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused, resource, resource_name, before, after, trace_id"
)

func (eventRow) TableName() string { return "audit_events" }

func (r *eventRow) key() *int64 { return &r.ID }

func (r *eventRow) fields() []any {
	return append([]any{&r.ID, &r.ResourceID, &r.Chain, &r.Position, &r.Hash}, r.contents()...)
}

// contents are pointers to the values of eventColumns: the destinations of a scan, and the
// arguments of an insertion.
func (r *eventRow) contents() []any {
	return []any{
		&r.At, &r.ActorKind, &r.ActorID, &r.ActorName, &r.Address, &r.RequestID, &r.Operation, &r.Action, &r.Refused,
		&r.Resource, &r.ResourceName,
		&r.Before, &r.After, &r.TraceID,
	}
}

func (r *eventRow) entity() domain.Event {
	e := domain.Event{
		ID: r.ID, At: r.At.UTC(), ActorKind: domain.PrincipalKind(r.ActorKind), ActorID: r.ActorID,
		ActorName: r.ActorName, Address: r.Address,
		RequestID: r.RequestID, Operation: r.Operation, Action: domain.Action(r.Action), Refused: r.Refused,
		Resource:   domain.Scope(r.Resource),
		ResourceID: r.ResourceID, ResourceName: r.ResourceName, Before: r.Before, After: r.After, TraceID: r.TraceID,
		Link: domain.Link{Chain: r.Chain, Position: r.Position},
	}
	copy(e.Hash[:], r.Hash)
	return e
}

func toEventRow(e domain.Event) eventRow {
	return eventRow{
		Chain: e.Chain, Position: e.Position, Hash: e.Hash[:], At: micro(e.At), ActorKind: string(e.ActorKind),
		ActorID: e.ActorID, ActorName: e.ActorName,
		Address: e.Address, RequestID: e.RequestID, Operation: e.Operation, Action: string(e.Action),
		Refused: e.Refused, Resource: string(e.Resource),
		ResourceID: e.ResourceID, ResourceName: e.ResourceName, Before: e.Before, After: e.After, TraceID: e.TraceID,
	}
}

type audit struct{ s *Store }

// Get implements domain.Audit.
func (r audit) Get(ctx context.Context, id int64) (domain.Event, error) {
	return take[eventRow, domain.Event](ctx, r.s.read, eventTable, id)
}

// After implements domain.Audit.
func (r audit) After(ctx context.Context, chain int, position int64, limit int) ([]domain.Event, error) {
	query := "SELECT " + eventTable.columns +
		" FROM audit_events WHERE chain = ? AND position > ? ORDER BY position LIMIT ?"
	rows, err := find[eventRow, domain.Event](ctx, r.s.read, query, []any{chain, position, limit})
	list := make([]domain.Event, len(rows))
	for i := range rows {
		list[i] = rows[i].entity()
	}
	return list, err
}

// strayEvents steps from one chain to the next by the index on chain and position. Of a chain that
// should exist it reads one entry.
const strayEvents = `WITH RECURSIVE used (chain) AS (SELECT min(chain) FROM audit_events
		UNION ALL SELECT (SELECT min(chain) FROM audit_events WHERE chain > used.chain) FROM used WHERE used.chain IS NOT NULL)
	SELECT chain, (SELECT count(*) FROM audit_events WHERE audit_events.chain = used.chain) FROM used WHERE chain NOT IN ? ORDER BY chain`

// Count implements domain.Audit.
func (r audit) Count(ctx context.Context, chain int, after, upTo int64) (n int64, err error) {
	err = scan(
		ctx, r.s.read, []any{
			&n,
		}, "SELECT count(*) FROM audit_events WHERE chain = ? AND position > ? AND position <= ?", chain, after, upTo,
	)
	return n, err
}

// Strays implements domain.Audit.
func (r audit) Strays(ctx context.Context) ([]domain.Stray, error) {
	existing := make([]int, domain.AuditChains)
	for i := range existing {
		existing[i] = i
	}
	var list []domain.Stray
	err := returned(ctx, r.s.read, strayEvents, []any{existing}, func(scan func(...any) error) error {
		var stray domain.Stray
		err := scan(&stray.Chain, &stray.Events)
		list = append(list, stray)
		return err
	})
	return list, err
}

// LastBefore implements domain.Audit.
func (r audit) LastBefore(ctx context.Context, chain int, before time.Time) (domain.Link, error) {
	const query = `SELECT position, hash FROM audit_events WHERE chain = ? AND position < COALESCE(
		(SELECT position FROM audit_events WHERE chain = ? AND at >= ? ORDER BY position LIMIT 1), 9007199254740992) ORDER BY position DESC LIMIT 1`
	link := domain.Link{Chain: chain}
	rows, err := r.s.read.WithContext(ctx).Raw(query, chain, chain, micro(before)).Rows()
	if err != nil {
		return link, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&link.Position, placeOf(&link.Hash))
	}
	if err == nil {
		err = rows.Err()
	}
	return link, err
}

// Prune implements domain.Audit.
func (r audit) Prune(ctx context.Context, chain int, position int64, limit int) (int, error) {
	done := r.s.write.WithContext(ctx).
		Exec("DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE chain = ? AND position <= ? ORDER BY position LIMIT ?)",
			chain, position, limit)
	return int(done.RowsAffected), done.Error
}

// Ends implements domain.Audit.
func (r audit) Ends(ctx context.Context) ([]domain.Link, error) {
	return links(r.s.read.WithContext(ctx).Raw("SELECT chain, position, hash FROM audit_chains ORDER BY chain"))
}

func links(query *gorm.DB) ([]domain.Link, error) {
	rows, err := query.Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []domain.Link
	for rows.Next() {
		var link domain.Link
		if err := rows.Scan(&link.Chain, &link.Position, placeOf(&link.Hash)); err != nil {
			return nil, err
		}
		list = append(list, link)
	}
	return list, rows.Err()
}
