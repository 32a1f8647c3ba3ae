package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// record is a row type R whose entity is T. fields are pointers to its columns, in their order:
// rows on the hot paths are read without reflection, which takes half the time.
type record[R, T any] interface {
	*R
	fields() []any
	key() *int64
	entity() T
}

// find reads the rows of a query that selects the columns of R, followed by those that extra points
// to.
func find[R, T any, P record[R, T]](
	ctx context.Context, db *gorm.DB, query string, args []any, extra ...any,
) ([]R, error) {
	rows, err := db.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []R
	for rows.Next() {
		var one R
		if err := rows.Scan(append(P(&one).fields(), extra...)...); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

// scan reads the one row of a query. It does not use GORM's Row, which panics when the statement
// could not be prepared, for example because ctx has ended. Errors: gorm.ErrRecordNotFound.
func scan(ctx context.Context, db *gorm.DB, places []any, query string, args ...any) error {
	rows, err := db.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	return scanOne(rows, places)
}

// scanOne reads the one row of rows, and closes them. Errors: gorm.ErrRecordNotFound.
func scanOne(rows *sql.Rows, places []any) error {
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), gorm.ErrRecordNotFound)
	}
	if err := rows.Scan(places...); err != nil {
		return err
	}
	return rows.Close()
}

// returned calls read for each row of a query.
func returned(
	ctx context.Context, db *gorm.DB, query string, args []any, read func(scan func(...any) error) error,
) error {
	rows, err := db.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	return readAll(rows, read)
}

func readAll(rows *sql.Rows, read func(scan func(...any) error) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// execDirect executes a statement. It bypasses GORM, which would parse the text letter by letter
// and build a statement of its own. It is for transactions: whether an SQLite file is still in its
// place is checked when they end.
func (s *Store) execDirect(ctx context.Context, text string, args ...any) (sql.Result, error) {
	result, err := s.write.Statement.ConnPool.ExecContext(ctx, text, args...)
	return result, noteFailure(s.write, err)
}

// rowDirect reads the one row of a statement in the same way. Errors: gorm.ErrRecordNotFound.
func (s *Store) rowDirect(ctx context.Context, places []any, text string, args ...any) error {
	rows, err := s.write.Statement.ConnPool.QueryContext(ctx, text, args...)
	if err == nil {
		err = scanOne(rows, places)
	}
	return noteFailure(s.write, err)
}

// readRow reads the one row of a query on a hot path in the same way. Errors:
// gorm.ErrRecordNotFound.
func (s *Store) readRow(ctx context.Context, places []any, text string, args ...any) error {
	pool := s.read.Statement.ConnPool
	if s.engine == Postgres {
		text = numbered(text)
		if db, ok := pool.(*sql.DB); ok {
			return pgRow(ctx, db, places, text, args)
		}
	}
	rows, err := pool.QueryContext(ctx, text, args...)
	if err == nil {
		err = scanOne(rows, places)
	}
	return noteFailure(s.read, err)
}

// pgRow reads the one row of a statement with many parameters. It calls pgx directly: database/sql
// would convert and check each parameter, and start a goroutine that watches the context. A
// statement that was not sent is retried on another connection. Errors: gorm.ErrRecordNotFound;
// *domain.Unavailable.
func pgRow(ctx context.Context, db *sql.DB, places []any, text string, args []any) error {
	err := driver.ErrBadConn
	for i := 0; i < tries && errors.Is(err, driver.ErrBadConn); i++ {
		err = onConn(ctx, db, func(c *pgConn) error { return c.row(ctx, places, text, args) })
	}
	return untried(err)
}

func onConn(ctx context.Context, db *sql.DB, fn func(*pgConn) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(func(driverConn any) error { return fn(driverConn.(*pgConn)) })
	if closeErr := conn.Close(); err == nil && !errors.Is(closeErr, sql.ErrConnDone) {
		err = closeErr
	}
	return err
}

// row returns driver.ErrBadConn when the statement was not sent.
func (c *pgConn) row(ctx context.Context, places []any, text string, args []any) error {
	if c.Conn.Conn().IsClosed() {
		return driver.ErrBadConn
	}
	again := c.seen.firstTry()
	err := c.rowOnce(ctx, places, text, args)
	for again.after(ctx, c.alone(text, err)) {
		err = c.rowOnce(ctx, places, text, args)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return gorm.ErrRecordNotFound
	case pgconn.SafeToRetry(err):
		return driver.ErrBadConn
	}
	return c.explain(ctx, err)
}

func (c *pgConn) rowOnce(ctx context.Context, places []any, text string, args []any) error {
	seen := c.seen.begin(ctx, c.tx, text)
	err := c.Conn.Conn().QueryRow(ctx, text, args...).Scan(places...)
	if errors.Is(err, pgx.ErrNoRows) {
		seen.end(0, nil)
	} else {
		seen.end(1, err)
	}
	return err
}
