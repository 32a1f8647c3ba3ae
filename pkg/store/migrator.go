package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/chaveiro/chaveiro/db"
)

// Progress is how far a migration of the schema is.
type Progress struct {
	Name  string        // of the migration that was applied; empty: one waits
	Done  int           // of all
	Total int           // that were missing
	Took  time.Duration // of this one
	Try   int           // that has met a lock, when one waits
}

// migrationLimits are the settings of the session that migrates. Whoever waits for a lock of a
// table keeps those waiting who come later, so it waits for a short time. Indexes may take long.
var migrationLimits = map[string]string{
	"application_name": "chaveiro migrate", "timezone": "UTC", "lock_timeout": "500ms", "statement_timeout": "0",
	"idle_in_transaction_session_timeout": "10s",
}

// A migration that meets the lock of another transaction is tried again after a pause, in which
// those who waited behind it go on.
const (
	lockPause    = 2 * time.Second
	lockPatience = 10 * time.Minute
)

// migrator applies migrations on connections of its own.
type migrator struct {
	s        *Store
	conn     *sql.DB
	provider *goose.Provider
	total    int
	applied  []string
	tell     func(Progress)
}

func (s *Store) newMigrator(ctx context.Context, total int, tell func(Progress)) (*migrator, error) {
	m := &migrator{s: s, total: total, tell: tell}
	var err error
	if m.conn, err = s.migrationConn(); err != nil {
		return nil, err
	}
	log := slog.New(progressHandler{m})
	m.provider, err = s.migrations(m.conn, goose.WithSlog(log), goose.WithVerbose(true))
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// migrationConn opens the connections that migrate. On SQLite there is one that writes.
func (s *Store) migrationConn() (*sql.DB, error) {
	if s.engine == SQLite {
		return s.SQL()
	}
	config, err := pgx.ParseConfig(s.location)
	if err != nil {
		return nil, errURL
	}
	delete(config.RuntimeParams, "pool_max_conns")
	for name, value := range migrationLimits {
		config.RuntimeParams[name] = value
	}
	return stdlib.OpenDB(*config), nil
}

func (m *migrator) close() error {
	if m.s.engine == SQLite {
		return nil
	}
	return m.conn.Close()
}

// migrations are those of the program, to be applied by a connection.
func (s *Store) migrations(conn *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(s.schemas(), "migrations/"+string(s.engine))
	if err != nil {
		return nil, err
	}
	if s.engine == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, conn, files, options...)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // every second for five minutes
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, conn, files, append(options, goose.WithSessionLocker(locker))...)
}

// schemas has the migrations of the program.
func (s *Store) schemas() fs.FS {
	if s.files != nil {
		return s.files
	}
	return db.Migrations
}

// up applies what is missing. What the later migrations need is stored before they are applied.
func (m *migrator) up(ctx context.Context) error {
	if err := m.upTo(ctx, db.Baseline); err != nil {
		return err
	}
	needs, err := m.s.declareNeeds(ctx)
	if err == nil {
		err = m.s.refuseOlderServers(ctx, needs)
	}
	if err != nil {
		return err
	}
	return m.upTo(ctx, 1<<62)
}

// upTo applies the migrations up to a number, and tries again when one meets a lock.
func (m *migrator) upTo(ctx context.Context, version int64) error {
	for begun, try := time.Now(), 1; ; try++ {
		_, err := m.provider.UpTo(ctx, version)
		if err == nil || errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if !isLocked(err) || time.Since(begun) > lockPatience {
			return fmt.Errorf("migrate: %w", err)
		}
		m.tell(Progress{Done: len(m.applied), Total: m.total, Try: try})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// isLocked reports whether a statement gave up because it met a lock, or was the victim of a
// deadlock.
func isLocked(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "55P03" || pg.Code == "40P01")
}

// progressHandler tells of what goose logs: one line for each migration that it has applied.
type progressHandler struct{ m *migrator }

// Enabled implements slog.Handler.
func (h progressHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (h progressHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h progressHandler) WithGroup(string) slog.Handler { return h }

// Handle implements slog.Handler.
func (h progressHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "migration completed" {
		return nil
	}
	p := Progress{Total: h.m.total}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "source":
			p.Name = a.Value.String()
		case "duration_seconds":
			p.Took = time.Duration(a.Value.Float64() * float64(time.Second))
		}
		return true
	})
	h.m.applied = append(h.m.applied, p.Name)
	p.Done = len(h.m.applied)
	h.m.tell(p)
	return nil
}
