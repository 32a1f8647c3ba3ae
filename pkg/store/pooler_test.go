package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/store/storetest"
)

// limitDatabase sets on a database the timeouts that a pooler does not hand on.
func limitDatabase(t *testing.T, location string) {
	t.Helper()
	use(t, location, func(s *store.Store) {
		db, err := s.SQL()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
			statement := fmt.Sprintf(
				"DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s = ''10s''', current_database()); END $$", name,
			)
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPooler goes through PgBouncer in transaction mode: once it refuses the settings of sessions,
// once it ignores them. Several stores share few sessions of the server, and do everything that a
// store does.
func TestPooler(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{
		"refuses": nil,
		"ignores": {"ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := postgresURL(t)
			pooled := pgtest.PgBouncer(t, direct, more...)
			if _, err := store.Open(t.Context(), pooled); err == nil ||
				!strings.Contains(err.Error(), `ALTER ROLE "postgres" SET lock_timeout = '10s';`) {
				t.Fatalf("error %v", err)
			}
			limitDatabase(t, direct)
			pooled = pgtest.PgBouncer(t, direct, more...) // with new sessions, which have the timeouts
			var clients sync.WaitGroup
			for range 3 {
				clients.Go(func() {
					use(t, pooled, func(s *store.Store) {
						for range 2 {
							storetest.Fill(t, s)
						}
					})
				})
			}
			clients.Wait()
			if _, err := store.Copy(t.Context(), pooled, newSQLite(t), time.Now(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPooler_NoMigrations: missing migrations are not applied through a pooler, because their lock
// belongs to a session.
func TestPooler_NoMigrations(t *testing.T) {
	t.Parallel()
	direct := postgresURL(t)
	limitDatabase(t, direct)
	use(t, pgtest.PgBouncer(t, direct), func(s *store.Store) {
		if applied, err := s.MigrateUp(t.Context()); err != nil || len(applied) != 0 {
			t.Errorf("nothing is missing: %v (%v)", applied, err)
		}
		db, err := s.SQL()
		if err == nil {
			_, err = db.ExecContext(
				t.Context(),
				"DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)",
			)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.MigrateUp(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "address of PostgreSQL itself") {
			t.Errorf("error %v", err)
		}
	})
}
