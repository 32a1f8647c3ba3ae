package store

import (
	"database/sql"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// Reader returns the connections that read.
func (s *Store) Reader() (*sql.DB, error) { return s.read.DB() }

// Migrations returns goose's view of the schema.
func (s *Store) Migrations() (*goose.Provider, error) { return s.migrations() }

// OnQuery calls fn with the text and the values of every query outside a transaction.
func (s *Store) OnQuery(fn func(query string, values []any)) error {
	return s.read.Callback().Query().After("gorm:query").Register("test:query", func(db *gorm.DB) {
		fn(db.Statement.SQL.String(), db.Statement.Vars)
	})
}
