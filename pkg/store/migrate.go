package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// MigrateUp applies the missing migrations, and returns the names of those that it has applied.
// Several processes may call it at once: a lock makes the others wait. Errors: [ErrNewerSchema],
// when the database has migrations that the program can't live with; [ErrOlderServers]. Nothing is
// applied then.
func (s *Store) MigrateUp(ctx context.Context) ([]string, error) {
	return s.MigrateUpTelling(ctx, func(Progress) {})
}

// MigrateUpTelling is MigrateUp, and tells how far it is. Servers may run meanwhile: a migration
// waits for the locks of others half a second at most, because others wait behind it, and then
// tries again.
func (s *Store) MigrateUpTelling(ctx context.Context, tell func(Progress)) ([]string, error) {
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the migrations: %w", err)
	}
	names, err := s.migrateUp(ctx, tell)
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

func (s *Store) migrateUp(ctx context.Context, tell func(Progress)) ([]string, error) {
	schema, err := s.Schema(ctx)
	switch {
	case err != nil:
		return nil, err
	case schema.Newer > 0 && (schema.Missing > 0 || schema.Fault() != nil):
		return nil, ErrNewerSchema
	case schema.Missing == 0:
		return nil, nil
	case s.pooled:
		return nil, errPooledMigration
	}
	m, err := s.newMigrator(ctx, schema.Missing, tell)
	if err != nil {
		return nil, err
	}
	err = errors.Join(m.up(ctx), m.close())
	return m.applied, err
}
