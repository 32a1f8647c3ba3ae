package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// pgRow reads the one row of a statement of many parameters by pgx itself: database/sql would convert and check each of them, and begin a goroutine that
// watches the context. A statement that was not sent is tried again on another connection. Errors: gorm.ErrRecordNotFound; *domain.Unavailable.
func pgRow(ctx context.Context, db *sql.DB, places []any, text string, args []any) error {
	err := driver.ErrBadConn
	for i := 0; i < tries && errors.Is(err, driver.ErrBadConn); i++ {
		err = onConn(ctx, db, func(c *pgConn) error { return c.row(ctx, places, text, args) })
	}
	if errors.Is(err, driver.ErrBadConn) {
		err = &domain.Unavailable{Err: err}
	}
	return err
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

// row is driver.ErrBadConn when the statement was not sent.
func (c *pgConn) row(ctx context.Context, places []any, text string, args []any) error {
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return driver.ErrBadConn
	}
	err := conn.QueryRow(ctx, text, args...).Scan(places...)
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
