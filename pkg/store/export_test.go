package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// Reader returns the connections that read.
func (s *Store) Reader() (*sql.DB, error) { return s.read.DB() }

// Migrations returns goose's view of the schema.
func (s *Store) Migrations() (*goose.Provider, error) {
	conn, err := s.SQL()
	if err != nil {
		return nil, err
	}
	return s.migrations(conn)
}

// SetMigrations gives the program other migrations.
func (s *Store) SetMigrations(files fs.FS) { s.files = files }

// OnQuery calls fn with the text and the values of each query outside transactions.
func (s *Store) OnQuery(fn func(query string, values []any)) error {
	report := func(db *gorm.DB) { fn(db.Statement.SQL.String(), db.Statement.Vars) }
	on := s.read.Callback()
	return errors.Join(
		on.Query().After("gorm:query").Register("test:query", report),
		on.Row().After("gorm:row").Register("test:query", report),
	)
}

// SetServerClock overrides what the store knows of the clock of the server.
func (s *Store) SetServerClock(now time.Time) { s.clock.note(now, time.Now()) }

// StandingQuery is the query of Clients.Standing, which OnQuery does not see.
func StandingQuery(engine Engine) string {
	if engine == Postgres {
		return numbered(standingQuery)
	}
	return standingQuery
}

// TxRow reads the one value of a query in the transaction that the store is.
func (s *Store) TxRow(ctx context.Context, place any, query string) error {
	return s.rowDirect(ctx, []any{place}, query)
}
