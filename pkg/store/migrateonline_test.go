package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chaveiro/chaveiro/db"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// laterMigrations are those of the program and one more, of a number that no other has.
func laterMigrations(t *testing.T, number int, up string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(db.Migrations, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(db.Migrations, path)
		files[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []string{"postgres", "sqlite"} {
		files[fmt.Sprintf("migrations/%s/%05d_later.sql", engine, number)] = &fstest.MapFile{
			Data: []byte("-- +goose Up\n" + up + "\n-- +goose Down\nSELECT 1;\n"),
		}
	}
	return files
}

// TestStore_MigrateUp_LongReader: a migration that needs the lock of a table that somebody reads
// for long says that it waits, and lets others read meanwhile.
func TestStore_MigrateUp_LongReader(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	s.SetMigrations(laterMigrations(t, 900, "ALTER TABLE cas ADD COLUMN later text;"))
	long, err := writer(t, s).BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.ExecContext(t.Context(), "SELECT count(*) FROM cas"); err != nil {
		t.Fatal(err)
	}
	const hold = 8 * time.Second // less than a transaction may be idle
	waited := 0
	migrated := make(chan error, 1)
	go func() {
		names, err := s.MigrateUpTelling(t.Context(), func(p store.Progress) {
			if p.Name == "" {
				waited++
			}
		})
		if err == nil && len(names) != 1 {
			err = fmt.Errorf("applied %v", names)
		}
		migrated <- err
	}()
	longest := time.Duration(0)
	for begun := time.Now(); time.Since(begun) < hold; time.Sleep(10 * time.Millisecond) {
		asked := time.Now()
		if _, err := s.CAs().IDs(t.Context()); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(asked))
	}
	if err := long.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
	t.Logf("the longest read took %s; the migration has waited %d times", longest, waited)
	if waited == 0 || longest > hold/2 {
		t.Errorf("the migration has waited %d times, and held a read up for %s", waited, longest)
	}
}

// TestStore_MigrateUp_Index: an index is built while others write, and a try that was broken off
// leaves nothing in the way of the next.
func TestStore_MigrateUp_Index(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	files := laterMigrations(t, 900, "").(fstest.MapFS)
	files["migrations/postgres/00900_later.sql"].Data = []byte(`-- +goose NO TRANSACTION
-- +goose Up
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS cas_later;
CREATE INDEX CONCURRENTLY cas_later ON cas (email);
RESET lock_timeout;
-- +goose Down
DROP INDEX cas_later;
`)
	s.SetMigrations(files)
	long, err := writer(t, s).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.ExecContext(t.Context(), "UPDATE cas SET email = ''"); err != nil {
		t.Fatal(err)
	}
	broken, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if names, err := s.MigrateUp(broken); err == nil {
		t.Fatalf("it has not waited for a writer: %v", names)
	}
	if err := long.Rollback(); err != nil {
		t.Fatal(err)
	}
	wantApplied(t, s, []string{"00900_later.sql"})
	var valid bool
	err = writer(t, s).QueryRowContext(t.Context(),
		"SELECT indisvalid FROM pg_index WHERE indexrelid = 'cas_later'::regclass").Scan(&valid)
	if err != nil || !valid {
		t.Errorf("the index is valid: %t (%v)", valid, err)
	}
}

// TestStore_Schema_Later: a program works on a later schema that only adds, and on no other. The
// later migration that takes something away waits until no server lives that can't work on it.
func TestStore_Schema_Later(t *testing.T) {
	t.Parallel()
	newest := store.NewestSchema()
	for engine, locate := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			location := locate(t)
			now, later, last := openMigrated(t, location), open(t, location), open(t, location)
			later.SetMigrations(laterMigrations(t, 900, "CREATE TABLE later (id integer PRIMARY KEY);"))
			wantApplied(t, later, []string{"00900_later.sql"})
			schema, err := now.Schema(t.Context())
			want := store.Schema{Newer: 1, Known: newest, Oldest: db.Baseline}
			if err != nil || schema != want || schema.Fault() != nil {
				t.Errorf("%+v, want %+v (%v)", schema, want, err)
			}
			wantApplied(t, now, nil) // nothing to do, and no fault
			files := laterMigrations(t, 900, "CREATE TABLE later (id integer PRIMARY KEY);").(fstest.MapFS)
			for name := range laterMigrations(t, 901, "").(fstest.MapFS) {
				if strings.Contains(name, "/00901_") {
					files[name] = &fstest.MapFile{Data: []byte("-- chaveiro: oldest 900\n-- +goose Up\nDROP TABLE later;\n")}
				}
			}
			last.SetMigrations(files)
			if engine == string(store.Postgres) {
				wantRefused(t, last, newest)
			}
			wantApplied(t, last, []string{"00901_later.sql"})
			if schema, err := now.Schema(t.Context()); !errors.Is(schema.Fault(), store.ErrNewerSchema) {
				t.Errorf("%+v (%v)", schema, err)
			}
			if schema, err := later.Schema(t.Context()); schema.Fault() != nil {
				t.Errorf("%+v (%v)", schema, err)
			}
		})
	}
}

// wantRefused checks that nothing is migrated while a server of an earlier schema lives.
func wantRefused(t *testing.T, s *store.Store, schema int64) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = s.Leases().Live(ctx, domain.Replica{ID: "old", Version: "v1", Schema: schema, SeenAt: time.Now()})
			time.Sleep(time.Second)
		}
	}()
	time.Sleep(2 * time.Second)
	names, err := s.MigrateUp(t.Context())
	if !errors.Is(err, store.ErrOlderServers) || !strings.Contains(err.Error(), "v1") || len(names) > 0 {
		t.Errorf("%v (%v)", names, err)
	}
	stop()
	<-ended
}
