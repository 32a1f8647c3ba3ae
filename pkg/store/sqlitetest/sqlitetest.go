// Package sqlitetest makes SQLite databases for tests, as pgtest makes those of PostgreSQL: the
// migrations run once in a test binary, and every test gets a copy of the file that they have made.
// It is for tests.
package sqlitetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// Make writes an empty, migrated database to a path where no file may be.
func Make(t testing.TB, path string) {
	t.Helper()
	content, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// migrated is the content of the file. No test's context fits here: all tests share it.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "chaveiro-sqlitetest-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "chaveiro.db")
	s, err := store.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	_, err = s.MigrateUp(context.Background())
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
