package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/storetest"
)

// newSQLite is the path of a new database with the schema.
func newSQLite(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	use(t, path, func(s *store.Store) {
		if _, err := s.MigrateUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return path
}

func use(t *testing.T, location string, do func(*store.Store)) {
	t.Helper()
	s, err := store.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func copyAll(t *testing.T, from, to string) []store.CopiedTable {
	t.Helper()
	copied, err := store.Copy(t.Context(), from, to, time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// sameButIncarnation leaves out the incarnation, which each copy has of its own.
func sameButIncarnation(list []store.CopiedTable) map[string]store.CopiedTable {
	found := map[string]store.CopiedTable{}
	for _, one := range list {
		if one.Name != "incarnation" {
			found[one.Name] = one
		}
	}
	return found
}

// TestCopy copies a filled database from engine to engine and back. Fill must put rows into every
// table, so that a table that Copy leaves out is noticed.
func TestCopy(t *testing.T) {
	t.Parallel()
	first, second, third, fourth := newSQLite(t), postgresURL(t), postgresURL(t), newSQLite(t)
	use(t, first, func(s *store.Store) { storetest.Fill(t, s) })
	copied := copyAll(t, first, second)
	for _, one := range copied {
		// Only running processes, and migrations to come, store rows there.
		if one.Rows == 0 && one.Name != "replica_clocks" && one.Name != "schema_needs" {
			t.Errorf("storetest.Fill puts nothing into %s", one.Name)
		}
	}
	want := sameButIncarnation(copied)
	for _, step := range [][2]string{{second, third}, {third, fourth}, {fourth, newSQLite(t)}} {
		if diff := cmp.Diff(want, sameButIncarnation(copyAll(t, step[0], step[1]))); diff != "" {
			t.Errorf("differs (-first +later):\n%s", diff)
		}
	}
	if len(copied) < 24 {
		t.Errorf("%d tables", len(copied))
	}
}

// TestCopy_GoesOn: the ids of a copy continue above the last one that was given, also if its row
// was deleted. Each copy has an incarnation of its own.
func TestCopy_GoesOn(t *testing.T) {
	t.Parallel()
	path := newSQLite(t)
	var last int64
	use(t, path, func(s *store.Store) {
		storetest.Fill(t, s)
		last = storetest.SpentID(t, s)
	})
	postgres, back := postgresURL(t), newSQLite(t)
	copyAll(t, path, postgres)
	copyAll(t, postgres, back)
	incarnations := map[string]bool{}
	for _, location := range []string{path, postgres, back} {
		use(t, location, func(s *store.Store) {
			is, err := s.Histories().Incarnation(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			incarnations[is.Value] = true
			if next := storetest.SpentID(t, s); next != last+1 {
				t.Errorf("the next id is %d, want %d", next, last+1)
			}
			storetest.Fill(t, s) // a copy can be used like any database
		})
	}
	if len(incarnations) != 3 {
		t.Errorf("incarnations %v", incarnations)
	}
}

// TestCopy_NeedsANewDatabase: a target that has been used is refused, and left as it was.
func TestCopy_NeedsANewDatabase(t *testing.T) {
	t.Parallel()
	source := newSQLite(t)
	use(t, source, func(s *store.Store) { storetest.Fill(t, s) })
	for _, target := range []string{newSQLite(t), postgresURL(t)} {
		use(t, target, func(s *store.Store) { storetest.Fill(t, s) })
		before := copyAll(t, target, newSQLite(t))
		if _, err := store.Copy(t.Context(), source, target, time.Now(), nil); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("error %v", err)
		}
		if diff := cmp.Diff(before, copyAll(t, target, newSQLite(t))); diff != "" {
			t.Errorf("it has changed: %s", diff)
		}
	}
}

// TestCopy_BrokenOff: a value that can't be copied makes a copy fail after it has begun to write.
// The target stays empty, and the copy can be repeated.
func TestCopy_BrokenOff(t *testing.T) {
	t.Parallel()
	source := newSQLite(t)
	alter := func(statement string) {
		use(t, source, func(s *store.Store) {
			db, err := s.SQL()
			if err == nil {
				_, err = db.ExecContext(t.Context(), statement)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	use(t, source, func(s *store.Store) { storetest.Fill(t, s) })
	targets := []string{postgresURL(t), newSQLite(t)}
	alter("UPDATE users SET enabled = 7")
	for _, target := range targets {
		if _, err := store.Copy(t.Context(), source, target, time.Now(), nil); err == nil ||
			!strings.Contains(err.Error(), "the column enabled has a value") {
			t.Errorf("error %v", err)
		}
	}
	alter("UPDATE users SET enabled = true, fullname = 'a' || char(0) || 'b'")
	if _, err := store.Copy(t.Context(), source, targets[0], time.Now(), nil); err == nil ||
		!strings.Contains(err.Error(), "the table users") {
		t.Errorf("error %v", err)
	}
	alter("UPDATE users SET fullname = ''")
	for _, target := range targets {
		copyAll(t, source, target)
	}
}
