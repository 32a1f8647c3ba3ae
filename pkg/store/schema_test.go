package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestStore_Schema_OfANewerProgram: a migration that is not known is reported, and nothing is
// migrated.
func TestStore_Schema_OfANewerProgram(t *testing.T) {
	t.Parallel()
	for engine, locate := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := openMigrated(t, locate(t))
			wantBehind(t, s, 0)
			execute(t, writer(t, s), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)")
			schema, err := s.Schema(t.Context())
			if err != nil || schema.Newer != 1 || schema.Oldest != 99999 ||
				!errors.Is(schema.Fault(), store.ErrNewerSchema) {
				t.Errorf("%+v (%v)", schema, err)
			}
			if applied, err := s.MigrateUp(t.Context()); !errors.Is(err, store.ErrNewerSchema) || applied != nil {
				t.Errorf("migrated %v (%v)", applied, err)
			}
		})
	}
}

// TestStore_Schema_WaitsForNobody: Schema answers while somebody holds the lock of the migrations.
func TestStore_Schema_WaitsForNobody(t *testing.T) {
	t.Parallel()
	s := open(t, locations[string(store.Postgres)](t))
	conn, err := writer(t, s).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const gooseLock = 4097083626 // the default of goose's session locker
	if _, err := conn.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", gooseLock); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if schema, err := s.Schema(ctx); err != nil || schema != (store.Schema{Known: store.NewestSchema()}) {
		t.Errorf("%+v (%v)", schema, err)
	}
}

func TestStore_Probe(t *testing.T) {
	t.Parallel()
	for engine, locate := range locations {
		t.Run(engine+": writes", func(t *testing.T) {
			t.Parallel()
			s := openMigrated(t, locate(t))
			now := time.Now()
			wantProbe(t, s, now, nil)
			wantProbe(t, s, now.Add(time.Second), nil)
			var rows, emptyAt int64
			err := writer(t, s).QueryRowContext(t.Context(), "SELECT count(*), max(empty_at) FROM throttles").
				Scan(&rows, &emptyAt)
			if err != nil || rows != 1 || emptyAt != now.Add(time.Second+time.Minute).UnixMicro() {
				t.Errorf("%d rows until %d (%v)", rows, emptyAt, err)
			}
		})
		t.Run(engine+": a busy database passes", func(t *testing.T) {
			t.Parallel()
			s := openMigrated(t, locate(t))
			wantProbe(t, s, time.Now(), nil)
			tx, err := writer(t, s).BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(t.Context(), "UPDATE throttles SET empty_at = empty_at + 1"); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			wantProbe(t, s, time.Now(), nil)
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it waited %s", took)
			}
		})
	}
}

// TestStore_Probe_ReadOnly: the probe of a server that accepts no writes, such as a standby, fails.
func TestStore_Probe_ReadOnly(t *testing.T) {
	t.Parallel()
	s := open(t, locations[string(store.Postgres)](t)+"&default_transaction_read_only=on")
	if err := s.Probe(t.Context(), "test", time.Now()); err == nil {
		t.Error("no fault")
	}
}

func openMigrated(t *testing.T, location string) *store.Store {
	t.Helper()
	s := open(t, location)
	if _, err := s.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func wantProbe(t *testing.T, s *store.Store, now time.Time, want error) {
	t.Helper()
	if err := s.Probe(t.Context(), "test", now); !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
