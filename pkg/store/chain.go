package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var errReserve = errors.New("store: Reserve has to be the first in a transaction")

// reserveChain locks the last chain. It lifts the timeouts of the connection meanwhile: the
// transaction that holds the chain writes many rows, and may take longer.
var reserveChain = []string{
	"SET LOCAL lock_timeout = 0", "SET LOCAL statement_timeout = 0",
	"SELECT FROM audit_chains WHERE chain = " + strconv.Itoa(reservedChain) + " FOR UPDATE",
	"SET LOCAL lock_timeout TO DEFAULT", "SET LOCAL statement_timeout TO DEFAULT",
}

// Reserve implements domain.Audit. On SQLite there is nothing to lock: there is one writer.
func (r audit) Reserve(ctx context.Context) error {
	if !r.s.inTx || r.s.chain != nil {
		return errReserve
	}
	r.s.chain = new(reservedChain)
	if r.s.engine == SQLite {
		return nil
	}
	for _, statement := range reserveChain {
		if err := r.s.write.WithContext(ctx).Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}

// Append implements domain.Audit.
func (r audit) Append(ctx context.Context, e *domain.Event) error {
	e.Chain = r.s.nextChain()
	if r.s.engine == Postgres {
		return r.appendAtOnce(ctx, e)
	}
	return r.s.atomic(ctx, func(tx *Store) error { return audit{tx}.appendStepwise(ctx, e) })
}

// moveChain is an UPDATE for PostgreSQL that moves the end of a chain by an event of a resource.
// Its parameters are those of chainMove. The id of the event is part of its hash, so the statement
// draws the id from the sequence. While it waits for the chain it may draw several ids; lastID is
// the last one, which is in the hash.
func moveChain(resource string) string {
	return `UPDATE audit_chains SET position = position + 1, latest = GREATEST(latest, ?::bigint), behind = GREATEST(behind, latest - ?::bigint),
		hash = sha256(hash || ?::bytea || int8send(` + resource + `) || int8send(nextval('audit_events_id_seq')))`
}

func chainMove(e *domain.Event) []any {
	at := e.At.UnixMicro()
	return []any{at, at, e.Digest[:]}
}

const lastID = "currval('audit_events_id_seq') AS event_id"

// appendEvent moves the end of a chain by one position, and inserts the event there. See
// domain.Link for the hash.
var appendEvent = numbered(`WITH link AS (` + moveChain("?::bigint") + `
		WHERE chain = ? AND ` + rightsHold + ` RETURNING ` + lastID + `, chain, position, hash)
	INSERT INTO audit_events (resource_id, id, ` + linkColumns + `, ` + eventColumns + `)
		SELECT ?::bigint, link.*, ` + eventValues + ` FROM link RETURNING id, position, hash` + inTime)

// eventValues are the parameters of eventColumns, with their types, which PostgreSQL can't infer in
// a SELECT.
const eventValues = "?::timestamptz, ?::text, ?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::boolean, ?::text, ?::text, ?::text, ?::text, ?::text"

// appendAtOnce is one statement, so that the chain is locked for as short a time as possible.
func (r audit) appendAtOnce(ctx context.Context, e *domain.Event) error {
	record := toEventRow(*e)
	args := append(append(chainMove(e), e.ResourceID, e.Chain, e.Point.String(), e.ResourceID), record.contents()...)
	return ifMoved(r.s.atOnce(ctx, e, []any{&e.ID, &e.Position, placeOf(&e.Hash)}, appendEvent, args))
}

// appendStepwise is appendAtOnce for SQLite. SQLite has no SHA-256, so it takes several statements;
// as there is one writer, nobody else changes the chain between them.
func (r audit) appendStepwise(ctx context.Context, e *domain.Event) error {
	end, err := r.s.chainEnd(ctx, e, liteChainEnd)
	if err != nil {
		return ifMoved(err)
	}
	return r.s.hang(ctx, end, e)
}

// nextID is the id that SQLite gives to the next event. No event has had it before, not even one
// that was pruned.
const nextID = `1 + max(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'audit_events'), 0), COALESCE((SELECT max(id) FROM audit_events), 0))`

// intoEvents takes the values of eventValuesOf.
var intoEvents = insertion{table: "audit_events", columns: "id, resource_id, " + linkColumns + ", " + eventColumns}

func eventValuesOf(e domain.Event) []any {
	record := toEventRow(e)
	return append([]any{e.ID, record.ResourceID, int64(record.Chain), record.Position, record.Hash},
		record.contents()...)
}

// AppendAll implements domain.Audit. It locks the chain, inserts the events, and then moves the end
// of the chain once.
func (r audit) AppendAll(ctx context.Context, events []*domain.Event) error {
	if len(events) == 0 {
		return nil
	}
	return r.s.atomic(ctx, func(tx *Store) error {
		end := chainEnd{Link: domain.Link{Chain: tx.nextChain()}}
		db := tx.write.WithContext(ctx)
		query := "UPDATE audit_chains SET position = position WHERE chain = ? AND " + r.s.rightsHold() + " RETURNING " +
			chainColumns
		begin := time.Now()
		if err := scan(ctx, db, end.places(), query, end.Chain, events[0].Point.String()); err != nil {
			return ifMoved(err)
		}
		if err := tx.holdsStill(ctx, events[0], begin); err != nil {
			return err
		}
		if err := (audit{tx}).number(ctx, events); err != nil {
			return err
		}
		rows := make([][]any, len(events))
		for i, e := range events {
			end.take(e)
			rows[i] = eventValuesOf(*e)
		}
		if err := tx.insertRows(ctx, intoEvents, rows, nil); err != nil {
			return err
		}
		return end.store(db)
	})
}

// chainEnd is the end of a chain, with what is known of the times on it: latest is the latest one,
// in microseconds since 1970; behind is by how many microseconds at most an event is earlier than
// one before it.
type chainEnd struct {
	domain.Link
	latest, behind int64
}

const chainColumns = "position, hash, latest, behind"

func (c *chainEnd) places() []any { return []any{&c.Position, placeOf(&c.Hash), &c.latest, &c.behind} }

// take links an event to the end, and makes it the new end.
func (c *chainEnd) take(e *domain.Event) {
	at := e.At.UnixMicro()
	c.latest, c.behind = max(c.latest, at), max(c.behind, c.latest-at)
	c.Link = e.Follow(c.Link)
	e.Link = c.Link
}

func (c *chainEnd) store(db *gorm.DB) error {
	return db.Exec(
		"UPDATE audit_chains SET position = ?, hash = ?, latest = ?, behind = ? WHERE chain = ?", c.Position, c.Hash[:],
		c.latest, c.behind, c.Chain,
	).Error
}

// number assigns ids to events. The caller has locked their chain.
func (r audit) number(ctx context.Context, events []*domain.Event) error {
	if r.s.engine == SQLite {
		var first int64
		err := scan(ctx, r.s.write, []any{&first}, "SELECT "+nextID)
		for i, e := range events {
			e.ID = first + int64(i)
		}
		return err
	}
	next := 0
	const query = "SELECT nextval('audit_events_id_seq') FROM generate_series(1, ?::bigint)"
	return returned(ctx, r.s.write, query, []any{len(events)}, func(scan func(...any) error) error {
		next++
		return scan(&events[next-1].ID)
	})
}

// reservedChain is the chain of the audit that only transactions with a Reserve use.
const reservedChain = domain.AuditChains - 1

// nextChain takes the other chains in turn: a chain that another transaction has just used stays
// locked until that commits. A transaction stays on one chain; otherwise two transactions could
// wait for each other's.
func (s *Store) nextChain() int {
	if s.chain != nil {
		return *s.chain
	}
	chain := int(s.turns.Add(1) % reservedChain)
	if s.inTx {
		s.chain = &chain
	}
	return chain
}

// liteChainEnd reads the end of a chain, and the id of the next event, on condition that the rights
// hold.
const liteChainEnd = "SELECT " + chainColumns + ", " + nextID + " FROM audit_chains WHERE chain = ? AND " +
	rightsHoldLite

// chainEnd reads the end of the chain of an event, and sets the event's id. query is liteChainEnd,
// with further conditions whose parameters are more. In a transaction on SQLite nobody else moves
// the chain until the event is appended. Errors: gorm.ErrRecordNotFound when a condition does not
// hold.
func (s *Store) chainEnd(ctx context.Context, e *domain.Event, query string, more ...any) (*chainEnd, error) {
	end := &chainEnd{Link: domain.Link{Chain: e.Chain}}
	args := append([]any{e.Chain, e.Point.String()}, more...)
	return end, s.rowDirect(ctx, append(end.places(), &e.ID), query, args...)
}

const liteMoveChain = "UPDATE audit_chains SET position = ?, hash = ?, latest = ?, behind = ? WHERE chain = ?"

// liteEvent takes the values of eventValuesOf.
var liteEvent = insertOf("audit_events", intoEvents.columns)

// hang appends an event to the end of its chain.
func (s *Store) hang(ctx context.Context, end *chainEnd, e *domain.Event) error {
	end.take(e)
	if _, err := s.execDirect(
		ctx, liteMoveChain, end.Position, end.Hash[:], end.latest, end.behind, end.Chain,
	); err != nil {
		return err
	}
	_, err := s.execDirect(ctx, liteEvent, eventValuesOf(*e)...)
	return err
}
