package store

import (
	"context"
	"time"
)

// DatabaseHealth is what an operator has to know about a database.
type DatabaseHealth struct {
	Engine  Engine
	Version string
	// Bytes is the size of the database, without its WAL.
	Bytes int64
	// Clock is the time of the database. It is zero with SQLite, which has that of the process.
	Clock time.Time
	// Settings are those that the durability of commits depends on, by their names in the database.
	Settings map[string]string

	// Connections are those of all users, of which the server allows MaxConnections. Only with
	// PostgreSQL, as all that follows.
	Connections, MaxConnections int
	ReadOnly                    bool // a standby, or a primary that takes no writes
	ArchiveFails                bool // the last try to archive a segment of the WAL has failed
	Standbys                    []Standby
	Slots                       []ReplicationSlot
}

// Standby is a copy of the database that follows it.
type Standby struct {
	Name string
	Sync string        // sync, quorum, potential or async
	Lag  time.Duration // until the last commit was replayed; negative: the role may not see it
}

// ReplicationSlot keeps WAL for a standby, also for one that never comes back.
type ReplicationSlot struct {
	Name     string
	Active   bool
	Retained int64 // bytes
}

// Health reads the state of the database.
func (r *Reading) Health(ctx context.Context) (DatabaseHealth, error) {
	if r.engine == SQLite {
		return r.sqliteHealth(ctx)
	}
	return r.postgresHealth(ctx)
}

func (r *Reading) sqliteHealth(ctx context.Context) (DatabaseHealth, error) {
	h := DatabaseHealth{Engine: SQLite, Settings: map[string]string{}}
	var mode string
	err := r.db.QueryRowContext(ctx,
		`SELECT sqlite_version(), (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size),
		(SELECT journal_mode FROM pragma_journal_mode)`).Scan(&h.Version, &h.Bytes, &mode)
	h.Settings["journal_mode"] = mode
	return h, err
}

func (r *Reading) postgresHealth(ctx context.Context) (DatabaseHealth, error) {
	h := DatabaseHealth{Engine: Postgres, Settings: map[string]string{}}
	err := r.db.QueryRowContext(ctx,
		`SELECT current_setting('server_version'), pg_database_size(current_database()), clock_timestamp(),
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
		current_setting('max_connections')::int, current_setting('transaction_read_only') = 'on',
		(SELECT COALESCE(last_failed_time > COALESCE(last_archived_time, '-infinity'), false) FROM pg_stat_archiver)`).
		Scan(&h.Version, &h.Bytes, &h.Clock, &h.Connections, &h.MaxConnections, &h.ReadOnly, &h.ArchiveFails)
	if err != nil {
		return h, err
	}
	err = r.each(ctx,
		`SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')`, nil,
		func(scan func(...any) error) error {
			var name, value string
			err := scan(&name, &value)
			h.Settings[name] = value
			return err
		})
	if err == nil {
		h.Standbys, err = r.standbys(ctx)
	}
	if err == nil && !h.ReadOnly {
		h.Slots, err = r.slots(ctx)
	}
	return h, err
}

func (r *Reading) standbys(ctx context.Context) (list []Standby, err error) {
	err = r.each(ctx,
		`SELECT application_name, COALESCE(sync_state, ''), COALESCE(EXTRACT(EPOCH FROM replay_lag)::float8,
		CASE WHEN state IS NULL THEN -1 ELSE 0 END) FROM pg_stat_replication ORDER BY application_name`, nil,
		func(scan func(...any) error) error {
			var one Standby
			var seconds float64
			err := scan(&one.Name, &one.Sync, &seconds)
			one.Lag = time.Duration(seconds * float64(time.Second))
			list = append(list, one)
			return err
		})
	return list, err
}

func (r *Reading) slots(ctx context.Context) (list []ReplicationSlot, err error) {
	err = r.each(ctx,
		`SELECT slot_name, active, COALESCE(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, 0)
		FROM pg_replication_slots ORDER BY slot_name`, nil,
		func(scan func(...any) error) error {
			var one ReplicationSlot
			err := scan(&one.Name, &one.Active, &one.Retained)
			list = append(list, one)
			return err
		})
	return list, err
}

// Damage returns what SQLite finds wrong in its file, at most 10 findings. It reads the whole file,
// also while a server writes. PostgreSQL has no such check.
func (r *Reading) Damage(ctx context.Context) ([]string, error) {
	if r.engine != SQLite {
		return nil, nil
	}
	found, err := firstTexts(ctx, r.db, "PRAGMA integrity_check(10)")
	if err == nil && len(found) == 1 && found[0] == "ok" {
		return nil, nil
	}
	return found, err
}

// Succeeded returns the ids of the CAs that have a successor.
func (r *Reading) Succeeded(ctx context.Context) (map[int64]bool, error) {
	ids := map[int64]bool{}
	err := r.each(ctx, "SELECT predecessor_id FROM cas WHERE predecessor_id IS NOT NULL", nil,
		func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			ids[id] = true
			return err
		})
	return ids, err
}

// KeyURIs returns where the keys of CAs are that are not in the database, by the ids of the CAs.
func (r *Reading) KeyURIs(ctx context.Context) (map[int64]string, error) {
	uris := map[int64]string{}
	err := r.each(ctx, "SELECT id, key_uri FROM cas WHERE key_uri <> ''", nil,
		func(scan func(...any) error) error {
			var id int64
			var uri string
			err := scan(&id, &uri)
			uris[id] = uri
			return err
		})
	return uris, err
}

// EndedBefore counts the certificates that ended before a time, up to most.
func (r *Reading) EndedBefore(ctx context.Context, before time.Time, most int) (n int, err error) {
	err = r.each(ctx, "SELECT count(*) FROM (SELECT 1 FROM certificates WHERE not_after < $1 LIMIT $2) t",
		[]any{before, most}, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}
