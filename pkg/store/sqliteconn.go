package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/spans"
)

// keepingConnector opens connections to SQLite that cache prepared statements: the driver would
// compile them each time. The cache belongs to the connection, which one goroutine uses at a time,
// so it needs no lock.
type keepingConnector struct {
	driver.Connector
	seen *observer
}

// Connect implements driver.Connector.
func (k keepingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(liteConn)
	if !ok {
		return nil, errors.Join(errors.New("store: the driver of SQLite can't prepare statements"), opened.Close())
	}
	return &keepingConn{liteConn: conn, kept: map[string]*keptStatement{}, seen: k.seen}, nil
}

// liteConn is what the connections of the driver implement.
type liteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// maxKept bounds the cache of a connection. The store has fewer different texts.
const maxKept = 256

type keepingConn struct {
	liteConn
	kept map[string]*keptStatement
	seen *observer
	tx   spans.Span // of the transaction that the connection is in
}

// keptStatement is busy until its rows are closed. A busy one is not executed a second time.
type keptStatement struct {
	driver.Stmt
	busy bool
}

// shortBusyTimeout is how long SQLite itself waits for a lock of another process, in milliseconds.
// It tries after 1, 3, 8, 18 and 33 ms, and then ever more rarely, so in a long wait it would miss
// the moments in which an import lets others write. patiently begins such waits again.
const shortBusyTimeout = 50

// patiently retries while another process writes, for up to busyTimeout.
func patiently[T any](ctx context.Context, try func() (T, error)) (T, error) {
	for deadline := time.Now().Add(busyTimeout); ; {
		done, err := try()
		if !isBusy(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return done, err
		}
	}
}

// BeginTx implements driver.ConnBeginTx.
func (c *keepingConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := patiently(ctx, func() (driver.Tx, error) { return c.liteConn.BeginTx(ctx, options) })
	if err != nil {
		return nil, err
	}
	c.tx = spans.Of(ctx)
	return liteTx{tx, ctx, c}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *keepingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	seen := c.seen.begin(ctx, c.tx, text)
	result, err := patiently(ctx, func() (driver.Result, error) { return c.exec(ctx, text, args) })
	seen.executed(result, err)
	return result, err
}

// QueryContext implements driver.QueryerContext.
func (c *keepingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	seen := c.seen.begin(ctx, c.tx, text)
	rows, err := patiently(ctx, func() (driver.Rows, error) { return c.query(ctx, text, args) })
	if err != nil {
		seen.end(0, err)
		return nil, err
	}
	return &keptRows{rows, seenRows{seen: seen}}, nil
}

func (c *keepingConn) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.busy {
		return c.liteConn.ExecContext(ctx, text, args)
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	return result, c.dropOn(err, text)
}

func (c *keepingConn) query(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.busy {
		return c.liteConn.QueryContext(ctx, text, args)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, c.dropOn(err, text)
	}
	s.busy = true
	return &busyRows{rows, s}, nil
}

// prepare returns the cached statement of a text, or else a new one.
func (c *keepingConn) prepare(ctx context.Context, text string) (*keptStatement, error) {
	if s, ok := c.kept[text]; ok {
		return s, nil
	}
	if len(c.kept) >= maxKept {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	prepared, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s := &keptStatement{Stmt: prepared}
	c.kept[text] = s
	return s, nil
}

// dropOn removes a statement that has failed from the cache, because its state is not known.
func (c *keepingConn) dropOn(err error, text string) error {
	if err == nil {
		return nil
	}
	s := c.kept[text]
	delete(c.kept, text)
	_ = s.Close() // it repeats err
	return err
}

// forget closes and removes all statements that are not busy.
func (c *keepingConn) forget() error {
	var all error
	for text, s := range c.kept {
		if !s.busy {
			delete(c.kept, text)
			all = errors.Join(all, s.Close())
		}
	}
	return all
}

// Close implements driver.Conn.
func (c *keepingConn) Close() error { return errors.Join(c.forget(), c.liteConn.Close()) }

// busyRows releases the statement when it is closed.
type busyRows struct {
	driver.Rows
	statement *keptStatement
}

// Close implements driver.Rows.
func (r *busyRows) Close() error {
	r.statement.busy = false
	return r.Rows.Close()
}

// keptRows are seen by the observer.
type keptRows struct {
	driver.Rows
	seenRows
}

// Next implements driver.Rows.
func (r *keptRows) Next(dest []driver.Value) error { return r.next(r.Rows.Next(dest)) }

// Close implements driver.Rows.
func (r *keptRows) Close() error { return r.close(r.Rows.Close()) }
