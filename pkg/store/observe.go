package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"github.com/chaveiro/chaveiro/pkg/spans"
)

// Slow is a statement that has taken long. Its text has parameters in place of values.
type Slow struct {
	Text string
	Took time.Duration // until its last row was read
	Rows int64         // that it has returned or changed
}

// TellSlow calls tell with each statement from now on that takes as long as after. tell is called
// on the connection, so it must not use the store.
func (s *Store) TellSlow(after time.Duration, tell func(context.Context, Slow)) {
	s.seen.slow.Store(&slowness{after, tell})
}

type slowness struct {
	after time.Duration
	tell  func(context.Context, Slow)
}

// observer watches the statements of all connections of a store, below database/sql: so it also
// sees those that bypass GORM.
type observer struct {
	system  string // the engine, as the semantic conventions of OpenTelemetry name it
	slow    atomic.Pointer[slowness]
	retried retries
}

// observation is a statement that is under way.
type observation struct {
	*observer
	ctx   context.Context
	text  string
	begun time.Time
	span  spans.Span
}

// begin begins to observe a statement. tx is the span of the transaction of the connection.
func (o *observer) begin(ctx context.Context, tx spans.Span, text string) observation {
	return observation{o, ctx, text, time.Now(), spans.Statement(tx.Within(ctx), o.system, text)}
}

// end tells what came of it.
func (o observation) end(rows int64, err error) {
	if o.span.On() {
		o.span.Rows(rows)
		refused(o.span, err)
		o.span.End()
	}
	slow := o.slow.Load()
	if slow == nil {
		return
	}
	if took := time.Since(o.begun); took >= slow.after {
		slow.tell(o.ctx, Slow{o.text, took, rows})
	}
}

// executed ends a statement that returns no rows.
func (o observation) executed(result driver.Result, err error) {
	var rows int64
	if err == nil {
		rows, _ = result.RowsAffected() // both drivers know it
	}
	o.end(rows, err)
}

// refused marks a span as failed, by the code of the database if there is one.
func refused(span spans.Span, err error) {
	if err == nil {
		return
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		span.Refused(pg.Code)
		return
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		span.Refused(strconv.Itoa(lite.Code()))
		return
	}
	span.Failed(spans.KindOf(err))
}

// seenRows counts rows; the statement ends when they are closed.
type seenRows struct {
	seen observation
	n    int64
	err  error
}

func (r *seenRows) next(err error) error {
	switch {
	case err == nil:
		r.n++
	case err != io.EOF:
		r.err = err
	}
	return err
}

func (r *seenRows) close(err error) error {
	r.seen.end(r.n, cmp.Or(r.err, err))
	return err
}

// pgRows are the rows of PostgreSQL with all that the driver knows of them.
type pgRows struct {
	*stdlib.Rows
	seenRows
	ctx context.Context
}

// Next implements driver.Rows.
func (r *pgRows) Next(dest []driver.Value) error { return cutShort(r.ctx, r.next(r.Rows.Next(dest))) }

// Close implements driver.Rows. It reads what the server has still to say, so it can fail as Next
// does.
func (r *pgRows) Close() error { return cutShort(r.ctx, r.close(r.Rows.Close())) }

// liteTx is a transaction of SQLite whose end is seen: a commit waits for the disk.
type liteTx struct {
	driver.Tx
	ctx  context.Context
	conn *keepingConn
}

// Commit implements driver.Tx.
func (t liteTx) Commit() error {
	seen := t.conn.seen.begin(t.ctx, t.conn.tx, "COMMIT")
	t.conn.tx = spans.Span{}
	err := t.Tx.Commit()
	seen.end(0, err)
	return err
}

// Rollback implements driver.Tx.
func (t liteTx) Rollback() error {
	t.conn.tx = spans.Span{}
	return t.Tx.Rollback()
}
