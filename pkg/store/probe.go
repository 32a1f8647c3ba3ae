package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
)

// probeWait is how long a probe waits for a lock.
const probeWait = 200 * time.Millisecond

// Probe checks that the database can be written to, by the commit of one row: the bucket of this
// name in throttles, which is empty a minute after now. A database that is busy with another writer
// passes. Probe fails for a full disk, for a file or server that is read-only, and when ctx ends
// before the commit.
func (s *Store) Probe(ctx context.Context, name string, now time.Time) error {
	var err error
	if s.engine == SQLite {
		err = s.probeSQLite(ctx, name, now)
	} else {
		err = s.probePostgres(ctx, name, now)
	}
	if isBusy(err) || isLockTimeout(err) {
		return nil
	}
	return err
}

const probeRow = `INSERT INTO throttles (bucket, empty_at) VALUES ($1, $2) ON CONFLICT (bucket) DO UPDATE SET empty_at = excluded.empty_at`

func probe(ctx context.Context, tx *sql.Tx, name string, now time.Time) error {
	_, err := tx.ExecContext(ctx, probeRow, "probe "+name, now.Add(time.Minute).UnixMicro())
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// probeSQLite uses a connection of its own. The one that writes may belong to an import for a long
// time, and waits longer for a lock.
func (s *Store) probeSQLite(ctx context.Context, name string, now time.Time) (err error) {
	options := fmt.Sprintf(
		"?mode=rw&_pragma=busy_timeout(%d)&_pragma=synchronous(FULL)&_txlock=immediate", probeWait.Milliseconds(),
	)
	connector, err := sqlitedriver.NewConnector(sqliteURL(s.path) + options)
	if err != nil {
		return err
	}
	conn := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return probe(ctx, tx, name, now)
}

func (s *Store) probePostgres(ctx context.Context, name string, now time.Time) error {
	conn, err := s.SQL()
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", probeWait.Milliseconds())); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return probe(ctx, tx, name, now)
}

// pgLockNotAvailable is the SQLSTATE of a lock timeout.
const pgLockNotAvailable = "55P03"

func isLockTimeout(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == pgLockNotAvailable
}
