package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type streamRow struct {
	ID           int64
	Type         string
	At           time.Time
	Resource     string
	ResourceID   int64
	ResourceName string
	ActorKind    string
	ActorID      int64
	ActorName    string
	RequestID    string
	Data         string
	TraceID      string
}

const streamColumns = "id, type, at, resource, resource_id, resource_name, actor_kind, actor_id, actor_name, " +
	"request_id, data, trace_id"

func (r *streamRow) key() *int64 { return &r.ID }

func (r *streamRow) fields() []any {
	return []any{
		&r.ID, &r.Type, &r.At, &r.Resource, &r.ResourceID, &r.ResourceName, &r.ActorKind, &r.ActorID, &r.ActorName,
		&r.RequestID, &r.Data, &r.TraceID,
	}
}

func (r *streamRow) entity() domain.StreamEvent {
	return domain.StreamEvent{
		ID: r.ID, Type: domain.EventType(r.Type), At: r.At.UTC(), Resource: domain.Scope(r.Resource),
		ResourceID: r.ResourceID, ResourceName: r.ResourceName, ActorKind: domain.PrincipalKind(r.ActorKind),
		ActorID: r.ActorID, ActorName: r.ActorName, RequestID: r.RequestID, Data: r.Data,
		TraceID: r.TraceID,
	}
}

func streamValues(e domain.StreamEvent) []any {
	return []any{
		e.ID, string(e.Type), micro(e.At), string(e.Resource), e.ResourceID, e.ResourceName, string(e.ActorKind),
		e.ActorID, e.ActorName, e.RequestID, e.Data, e.TraceID,
	}
}

// intoStream takes the values of streamValues.
var intoStream = insertion{table: "events", columns: streamColumns}

type events struct{ s *Store }

// lastAudited is the id of the newest event of the audit, or a later one that is of no committed
// event yet. All that the transaction can have seen are not above it, and those of transactions
// that will see the row are.
func (s *Store) lastAudited() string {
	if s.engine == Postgres {
		return "(SELECT last_value FROM audit_events_id_seq)"
	}
	return "(" + nextID + ") - 1"
}

// Add implements domain.Events.
func (r events) Add(ctx context.Context, e domain.StreamEvent) error {
	e.At = micro(e.At)
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	const into = "INSERT INTO event_outbox (after_id, event) SELECT "
	return r.s.write.WithContext(ctx).Exec(into+r.s.lastAudited()+", ?", string(text)).Error
}

// waiting reads the ends, the chains and the outbox by one statement.
const waiting = `SELECT 0 AS kind, newest AS id, gone AS first, turn AS last, '' AS event FROM event_stream
	UNION ALL SELECT 1, ends.chain, done.position, ends.position, ''
		FROM audit_chains AS ends JOIN event_chains AS done ON done.chain = ends.chain
	UNION ALL SELECT 2, id, after_id, 0, event FROM (SELECT * FROM event_outbox ORDER BY id LIMIT ?) AS added ORDER BY 1, 2`

// Waiting implements domain.Events.
func (r events) Waiting(ctx context.Context, limit int) (w domain.Waiting, err error) {
	err = returned(ctx, r.s.read, waiting, []any{limit}, func(scan func(...any) error) error {
		var kind int
		var id, first, last int64
		var text string
		if err := scan(&kind, &id, &first, &last, &text); err != nil {
			return err
		}
		switch kind {
		case 0:
			w.StreamEnds, w.Turn = domain.StreamEnds{Newest: id, Gone: first}, last
		case 1:
			w.Chains = append(w.Chains, domain.WaitingChain{Chain: int(id), Done: first, End: last})
		default:
			added := domain.AddedEvent{ID: id, After: first}
			err = json.Unmarshal([]byte(text), &added.StreamEvent)
			w.Added = append(w.Added, added)
		}
		return err
	})
	return w, err
}

// Publish implements domain.Events. The row of the stream is locked first.
func (r events) Publish(ctx context.Context, p domain.Publication) (published bool, err error) {
	err = r.s.atomic(ctx, func(tx *Store) error {
		query := "UPDATE event_stream SET turn = turn + 1, newest = newest + ? WHERE turn = ?"
		done := tx.write.WithContext(ctx).Exec(query, len(p.Events), p.Turn)
		if published = done.RowsAffected == 1; done.Error != nil || !published {
			return done.Error
		}
		return events{tx}.store(ctx, p)
	})
	return published && err == nil, err
}

func (r events) store(ctx context.Context, p domain.Publication) error {
	rows := make([][]any, len(p.Events))
	for i, e := range p.Events {
		rows[i] = streamValues(e)
	}
	if err := r.s.insertRows(ctx, intoStream, rows, nil); err != nil {
		return err
	}
	if len(p.Added) > 0 {
		if err := r.s.write.WithContext(ctx).Exec("DELETE FROM event_outbox WHERE id IN ?", p.Added).Error; err != nil {
			return err
		}
	}
	return r.move(ctx, p.Done)
}

// move notes up to where the stream has the chains.
func (r events) move(ctx context.Context, done map[int]int64) error {
	if len(done) == 0 {
		return nil
	}
	query, args, chains := "UPDATE event_chains SET position = CASE chain", []any{}, []int{}
	for chain, position := range done {
		query += " WHEN ? THEN " + r.s.integer()
		args, chains = append(args, chain, position), append(chains, chain)
	}
	return r.s.write.WithContext(ctx).Exec(query+" END WHERE chain IN ?", append(args, chains)...).Error
}

// integer is a parameter whose type PostgreSQL can't infer.
func (s *Store) integer() string {
	if s.engine == Postgres {
		return "?::bigint"
	}
	return "?"
}

// Ends implements domain.Events.
func (r events) Ends(ctx context.Context) (ends domain.StreamEnds, err error) {
	return ends, r.s.readRow(ctx, []any{&ends.Newest, &ends.Gone}, "SELECT newest, gone FROM event_stream")
}

// After implements domain.Events.
func (r events) After(ctx context.Context, id int64, limit int) ([]domain.StreamEvent, error) {
	const query = "SELECT " + streamColumns + " FROM events WHERE id > ? ORDER BY id LIMIT ?"
	rows, err := find[streamRow, domain.StreamEvent](ctx, r.s.read, query, []any{id, limit})
	list := make([]domain.StreamEvent, len(rows))
	for i := range rows {
		list[i] = rows[i].entity()
	}
	return list, err
}

// Reached implements domain.Events.
func (r events) Reached(ctx context.Context, id int64) (reached bool, err error) {
	if id == 0 {
		return true, nil
	}
	const query = "SELECT gone = ? OR newest = ? OR EXISTS (SELECT 1 FROM events WHERE id = ?) FROM event_stream"
	return reached, r.s.readRow(ctx, []any{&reached}, query, id, id, id)
}

// Page implements domain.Events.
func (r events) Page(
	ctx context.Context, filter domain.StreamFilter, req domain.PageRequest,
) (domain.Page[domain.StreamEvent], error) {
	l := listing{table: "events", columns: streamColumns}
	if len(filter.Types) > 0 {
		l.restrict("type IN ?", filter.Types)
	}
	if filter.Resource != "" {
		l.restrictTexts("resource IN ?", []string{string(filter.Resource)})
	}
	if filter.ResourceID != 0 {
		l.restrict("resource_id = ?", filter.ResourceID)
	}
	l.restrictSpan("at", filter.Since, time.Time{})
	return page[streamRow, domain.StreamEvent](ctx, r.s.read, l, req)
}

// pruned are the first events, as far as they are old and none before them is newer.
const pruned = `SELECT COALESCE(max(id), 0) FROM (SELECT id FROM events WHERE id < COALESCE(
	(SELECT id FROM (SELECT id, at FROM events ORDER BY id LIMIT ?) AS first WHERE at >= ? ORDER BY id LIMIT 1), 9007199254740992)
	ORDER BY id LIMIT ?) AS old`

// Prune implements domain.Events.
func (r events) Prune(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = r.s.atomic(ctx, func(tx *Store) error {
		var last int64
		if err := scan(ctx, tx.write, []any{&last}, pruned, limit, micro(before), limit); err != nil || last == 0 {
			return err
		}
		db := tx.write.WithContext(ctx)
		if err := db.Exec("UPDATE event_stream SET gone = ? WHERE gone < ?", last, last).Error; err != nil {
			return err
		}
		done := db.Exec("DELETE FROM events WHERE id <= ?", last)
		n = int(done.RowsAffected)
		return done.Error
	})
	return n, err
}
