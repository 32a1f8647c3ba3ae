package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/chaveiro/chaveiro/db"
)

// MigrateUp applies the missing migrations, and returns the names of those that it has applied.
// Several processes may call it at once: a lock makes the others wait. Errors: [ErrNewerSchema],
// when the database has migrations that the program does not know; nothing is applied then.
func (s *Store) MigrateUp(ctx context.Context) ([]string, error) {
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the migrations: %w", err)
	}
	names, err := s.migrateUp(ctx)
	return names, errors.Join(err, unlock())
}

// lockMigrations is for SQLite what the session lock of goose is for PostgreSQL. It locks an empty
// database beside the file, because goose takes and releases the lock of the file itself. The
// system releases the lock when the process ends.
func (s *Store) lockMigrations(ctx context.Context) (unlock func() error, err error) {
	if s.engine != SQLite {
		return func() error { return nil }, nil
	}
	conn, err := sql.Open("sqlite", sqliteURL(s.path+"-migrate")+"?_txlock=exclusive&_pragma=busy_timeout(60000)")
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), conn.Close()) }, nil
}

func (s *Store) migrateUp(ctx context.Context) ([]string, error) {
	schema, err := s.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if schema.Newer > 0 {
		return nil, ErrNewerSchema
	}
	if s.pooled {
		if schema.Missing > 0 {
			err = errPooledMigration
		}
		return nil, err
	}
	provider, err := s.migrations()
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var names []string
	for _, r := range results {
		names = append(names, r.Source.Path)
	}
	return names, nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(db.Migrations, "migrations/"+string(s.engine))
	if err != nil {
		return nil, err
	}
	conn, err := s.SQL()
	if err != nil {
		return nil, err
	}
	if s.engine == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, conn, files)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // every second for five minutes
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithSessionLocker(locker))
}
