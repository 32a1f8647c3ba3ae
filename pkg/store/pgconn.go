package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

const (
	// connectPatience is how long Connect waits for a server that refuses connections: it may be
	// restarting, or another server may be about to take its place.
	connectPatience = 10 * time.Second
	connectPause    = 100 * time.Millisecond
	// poolPatience is how long Connect waits at least for a connection that others use, or that
	// is being opened. While the server hangs or is slow, those who wait get an answer before
	// their own deadline; who has a connection waits until then.
	poolPatience = 5 * time.Second
	// rollbackTimeout bounds a rollback, which may begin after the context of the transaction has
	// ended.
	rollbackTimeout = 5 * time.Second
)

// pgConnector opens connections that know which statements may be retried, and that commit nothing
// late.
type pgConnector struct {
	driver.Connector
	reads    bool // statements change nothing, so they may be retried
	seen     *observer
	hasty    bool          // nobody waits for a server that refuses connections
	patience time.Duration // how long a caller waits for a connection
}

// Connect implements driver.Connector. It retries while the server refuses connections. Errors:
// *domain.Unavailable.
func (p pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	for end := time.Now().Add(connectPatience); ; {
		patient, cancel := context.WithTimeout(ctx, p.patience)
		opened, err := p.Connector.Connect(patient)
		tired := patient.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil {
			return p.wrap(opened)
		}
		if tired {
			return nil, &domain.Unavailable{Err: fmt.Errorf("no connection to the database was free: %w", err)}
		}
		if !isAway(err) || p.hasty {
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(connectPause):
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return nil, &domain.Unavailable{Err: err}
		}
	}
}

func (p pgConnector) wrap(opened driver.Conn) (driver.Conn, error) {
	conn, ok := opened.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(errors.New("store: not a connection of pgx"), opened.Close())
	}
	return &pgConn{Conn: conn, reads: p.reads, seen: p.seen}, nil
}

// pgConn is a connection to PostgreSQL.
type pgConn struct {
	*stdlib.Conn
	reads, inTx bool
	seen        *observer
	tx          spans.Span // of the transaction that the connection is in
}

// ExecContext implements driver.ExecerContext.
func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	for again := c.seen.firstTry(); ; {
		seen := c.seen.begin(ctx, c.tx, query)
		result, err := c.Conn.ExecContext(ctx, query, args)
		seen.executed(result, err)
		if !again.after(ctx, c.alone(query, err)) {
			return result, c.explain(ctx, err)
		}
	}
}

// QueryContext implements driver.QueryerContext.
func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	for again := c.seen.firstTry(); ; {
		seen := c.seen.begin(ctx, c.tx, query)
		rows, err := c.Conn.QueryContext(ctx, query, args)
		if err == nil {
			return &pgRows{rows.(*stdlib.Rows), seenRows{seen: seen}, ctx}, nil
		}
		seen.end(0, err)
		if !again.after(ctx, c.alone(query, err)) {
			return nil, c.explain(ctx, err)
		}
	}
}

// alone is why the server has rolled back a change that is its own transaction. A statement that
// reads is retried by database/sql, a few times: a standby cancels it for as long as it is behind.
func (c *pgConn) alone(query string, err error) RetryReason {
	if err == nil || c.reads || c.inTx || !isPlain(query) {
		return ""
	}
	return rolledBack(err)
}

// cutShort explains an error while rows are read. What was read already is not read again, so a
// connection that is lost is *domain.Unavailable at once.
func cutShort(ctx context.Context, err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	case isAway(err) || isShort(err):
		return &domain.Unavailable{Err: err}
	}
	return err
}

// BeginTx implements driver.ConnBeginTx. A transaction that has not begun may always be retried.
func (c *pgConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begun := time.Now()
	tx, err := c.Conn.BeginTx(ctx, options)
	if err != nil && ctx.Err() == nil && isAway(err) {
		return nil, driver.ErrBadConn
	}
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	c.inTx, c.tx = true, spans.Of(ctx)
	return &pgTx{Tx: tx, ctx: ctx, conn: c, begun: begun}, nil
}

// explain turns the error of a lost connection into driver.ErrBadConn, which makes database/sql
// retry, if that is safe. Otherwise it becomes *domain.Unavailable, or the error of ctx if that has
// ended.
func (c *pgConn) explain(ctx context.Context, err error) error {
	switch {
	case err == nil || errors.Is(err, driver.ErrBadConn) && !c.inTx:
		return err
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	case isShort(err):
		return &domain.Unavailable{Err: err}
	case !isAway(err):
		return err
	case c.reads && !c.inTx:
		return driver.ErrBadConn
	}
	return &domain.Unavailable{Err: err}
}

// pgTx is a transaction that is not committed after its deadline, whenever the server receives the
// commit.
type pgTx struct {
	driver.Tx
	ctx   context.Context
	conn  *pgConn
	begun time.Time
}

// Commit implements driver.Tx. The server measures by its own clock how long ago the transaction
// began, and compares that with the time that was left until the deadline then, plus lateSlack. If
// it is longer, the statement before COMMIT fails, and COMMIT is not executed.
func (t *pgTx) Commit() error {
	seen := t.conn.seen.begin(t.ctx, t.conn.tx, "COMMIT")
	err := t.commit()
	seen.end(0, err)
	return err
}

func (t *pgTx) commit() error {
	t.conn.inTx, t.conn.tx = false, spans.Span{}
	end, bounded := t.ctx.Deadline()
	if !bounded {
		return t.conn.explain(t.ctx, t.Tx.Commit())
	}
	if t.ctx.Err() != nil {
		return errors.Join(t.ctx.Err(), t.rollback())
	}
	allowed := end.Sub(t.begun) + lateSlack
	guarded := fmt.Sprintf(
		"SELECT 1 / (clock_timestamp() - transaction_timestamp() < interval '%d microseconds')::integer; COMMIT",
		allowed.Microseconds(),
	)
	results, err := t.conn.Conn.Conn().PgConn().Exec(t.ctx, guarded).ReadAll()
	switch {
	case err == nil && results[len(results)-1].CommandTag.String() == "COMMIT":
		return nil
	case err == nil:
		return errors.New("store: the transaction had failed and was rolled back")
	case isLate(err):
		err = context.DeadlineExceeded
	}
	return errors.Join(t.conn.explain(t.ctx, err), t.rollback())
}

// Rollback implements driver.Tx.
func (t *pgTx) Rollback() error {
	t.conn.inTx, t.conn.tx = false, spans.Span{}
	return t.rollback()
}

// rollback is a no-op on a closed connection: the server rolls back what was not committed.
func (t *pgTx) rollback() error {
	conn := t.conn.Conn.Conn()
	if conn.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), rollbackTimeout)
	defer cancel()
	_, err := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	return err
}

// pgDivisionByZero is the SQLSTATE of a statement that refuses to be executed late.
const pgDivisionByZero = "22012"

func isLate(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == pgDivisionByZero
}

// isShort reports whether the server has not done a statement because its disk or its memory is
// full, or in the time that it may take (statement_timeout) or wait for a lock (lock_timeout). Its
// connection can be used further.
func isShort(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains([]string{"53100", "53200", "57014", "55P03"}, pg.Code)
}

// isAway reports whether an error is temporary: the server can't be reached, is shutting down or
// starting, has no free connection, accepts no writes, or has rolled back for the sake of others.
func isAway(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "57P01", "57P02", "57P03", "53300", "25006":
			return true
		case "40001", "40P01", "40003": // rolled back for the sake of others, or the outcome is not known
			return true
		}
		return strings.HasPrefix(pg.Code, "08") && pg.Code != "08P01" // which is a fault of the protocol
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}
