package store_test

import (
	"path/filepath"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/sqlitetest"
	"github.com/chaveiro/chaveiro/pkg/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) domain.Store { return migrated(t, sqliteFile(t)) })
}

// TestSQLite_Rehearsed runs the suite with transactions whose first run is rolled back.
func TestSQLite_Rehearsed(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) domain.Store {
		s := migrated(t, sqliteFile(t))
		s.Rehearse(true)
		return s
	})
}

func sqliteFile(t testing.TB) string { return filepath.Join(t.TempDir(), "a file?#%20.db") }

// open opens a database, and closes it when the test ends.
func open(t testing.TB, location string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// migrated opens a database with the schema. The location is a URL of postgresURL, or a path of
// sqliteFile, at which it creates the file.
func migrated(t testing.TB, location string) *store.Store {
	t.Helper()
	if filepath.IsAbs(location) {
		sqlitetest.Make(t, location)
	}
	return open(t, location)
}
