// Package setbacktest sets a database back to an earlier state beneath those who have it open, as a
// careless restore does. It is for tests.
//
// It imports pgtest and the driver of SQLite, and knows no schema.
package setbacktest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// Take keeps the state of a database, and returns what restores it in place: for PostgreSQL by
// pg_dump and pg_restore --clean, for an SQLite file as the command .restore of its shell does.
func Take(t testing.TB, location string) (restore func()) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	if strings.HasPrefix(location, "postgres") {
		run(t, "pg_dump", "--format=custom", "--file", copied, location)
		return func() {
			run(t, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname", location, copied)
		}
	}
	if err := onFile(t.Context(), location, func(db *sql.DB) error {
		_, err := db.ExecContext(t.Context(), "VACUUM INTO ?", copied)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := onFile(
			t.Context(), location, func(db *sql.DB) error { return load(t.Context(), db, copied) },
		); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t testing.TB, program string, args ...string) {
	t.Helper()
	path, err := pgtest.Program(program)
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, output)
	}
}

func onFile(ctx context.Context, path string, do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// load writes the pages of another file over those of db.
func load(ctx context.Context, db *sql.DB, from string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(raw any) error {
		restorer, ok := raw.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		})
		if !ok {
			return fmt.Errorf("%T can't restore", raw)
		}
		work, err := restorer.NewRestore(from)
		if err != nil {
			return err
		}
		_, err = work.Step(-1)
		return errors.Join(err, work.Finish())
	})
}
