package store

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var eventTable = listing{table: "audit_events", columns: "id, resource_id, " + linkColumns + ", " + eventColumns}

// Page implements domain.Audit.
func (r audit) Page(
	ctx context.Context, filter domain.AuditFilter, req domain.PageRequest,
) (domain.Page[domain.Event], error) {
	l, err := r.listing(ctx, filter)
	if err != nil {
		return domain.Page[domain.Event]{}, err
	}
	if !filter.From.IsZero() || !filter.To.IsZero() {
		if l.first, l.last, err = r.span(ctx, filter); err != nil {
			return domain.Page[domain.Event]{}, err
		}
	}
	return page[eventRow, domain.Event](ctx, r.s.read, l, req)
}

// manyEvents is the number of matching events from which on SQLite reads a page by id. Below it, it
// may read all of them by another index, and sort them.
const manyEvents = 2000

// byID returns how a condition spells a column. With at least manyEvents rows of the value it is a
// unary +, which keeps SQLite from using an index on the column: for each page it would sort all
// rows that it finds there. alone says that the filter has no id of that kind, by which the index
// would be sorted. PostgreSQL decides well by itself.
func (r audit) byID(ctx context.Context, column, value string, alone bool) (string, error) {
	if r.s.engine == Postgres || value == "" || !alone {
		return column, nil
	}
	var found int
	err := scan(
		ctx, r.s.read, []any{&found}, "SELECT count(*) FROM (SELECT 1 FROM audit_events WHERE "+column+" = ? LIMIT ?)",
		value, manyEvents,
	)
	if found == manyEvents {
		column = "+" + column
	}
	return column, err
}

// listing adds the conditions of a filter. Those on the time are CASE expressions, which no index
// can serve: a scan by time would have to sort what it finds. The ids of span bound the scan
// instead.
func (r audit) listing(ctx context.Context, f domain.AuditFilter) (listing, error) {
	l := eventTable
	l.descending = f.Descending
	if f.ActorKind != nil {
		column, err := r.byID(ctx, "actor_kind", string(*f.ActorKind), f.ActorID == 0)
		if err != nil {
			return l, err
		}
		l.restrict(column+" = ?", string(*f.ActorKind))
	}
	if f.ActorID != 0 {
		l.restrict("actor_id = ?", f.ActorID)
	}
	if f.Resource != "" {
		column, err := r.byID(ctx, "resource", string(f.Resource), f.ResourceID == 0)
		if err != nil {
			return l, err
		}
		l.restrict(column+" = ?", string(f.Resource))
	}
	if f.ResourceID != 0 {
		l.restrict("resource_id = ?", f.ResourceID)
	}
	if f.Action != "" {
		l.restrict("action = ?", string(f.Action))
	}
	if f.Refused != nil {
		l.restrict("refused = ?", *f.Refused)
	}
	if !f.From.IsZero() {
		l.restrict("CASE WHEN at >= ? THEN 1 ELSE 0 END = 1", micro(f.From))
	}
	if !f.To.IsZero() {
		l.restrict("CASE WHEN at < ? THEN 1 ELSE 0 END = 1", micro(f.To))
	}
	return l, nil
}
