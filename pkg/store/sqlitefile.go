package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrInUse says that another process has the SQLite file open.
var ErrInUse = errors.New("another process has the database open")

// SnapshotSQLite writes a snapshot of an SQLite database to target, a file that does not exist or
// is empty. Others may read and write the database meanwhile. The snapshot is one file, without a
// WAL beside it.
func SnapshotSQLite(ctx context.Context, source, target string) error {
	return withSQLite(source, "?mode=rw&_pragma=busy_timeout(10000)", func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "VACUUM INTO ?", target)
		return err
	})
}

// SettleSQLite makes a single file of an SQLite database: it moves the WAL into the database and
// removes it. Open begins a new WAL. Errors: ErrInUse.
func SettleSQLite(ctx context.Context, path string) error {
	return withSQLite(path, "?mode=rw&_pragma=busy_timeout(1000)", func(db *sql.DB) error {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
		if isBusy(err) {
			return ErrInUse
		}
		if err == nil && mode != "delete" {
			err = fmt.Errorf("its journal mode stays %s", mode)
		}
		return err
	})
}

// CheckSQLite reads an SQLite file that nobody writes to. Its errors tell of damage, and of rows
// that refer to rows that do not exist.
func CheckSQLite(ctx context.Context, path string) error {
	return withSQLite(path, stillOptions, func(db *sql.DB) error {
		found, err := firstTexts(ctx, db, "PRAGMA integrity_check(20)")
		if err != nil {
			return err
		}
		if len(found) != 1 || found[0] != "ok" {
			return fmt.Errorf("the database is damaged: %s", strings.Join(found, "; "))
		}
		found, err = firstTexts(
			ctx, db, `SELECT "table" || ' refers to ' || parent FROM pragma_foreign_key_check LIMIT 20`,
		)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("rows are missing that others refer to: %s", strings.Join(found, "; "))
		}
		return err
	})
}

// stillOptions are for a file that nobody writes to and that has no WAL. SQLite creates no files
// beside it.
const stillOptions = "?mode=ro&immutable=1"

func withSQLite(path, options string, do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", sqliteURL(path)+options)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(do(db), db.Close())
}

// firstTexts returns the first column of the rows of a query.
func firstTexts(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var list []string
	err = readAll(rows, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		list = append(list, text)
		return err
	})
	return list, err
}

// The manifest of a backup is a row of a table that no other database has.
const (
	dropManifest   = "DROP TABLE IF EXISTS backup_manifest"
	createManifest = "CREATE TABLE backup_manifest (manifest text NOT NULL)"
)

// WriteManifest stores the manifest in a backup, an SQLite file that nobody else has open.
func WriteManifest(ctx context.Context, path, manifest string) error {
	return withSQLite(path, "?mode=rw", func(db *sql.DB) error {
		for _, statement := range []string{dropManifest, createManifest} {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err := db.ExecContext(ctx, "INSERT INTO backup_manifest (manifest) VALUES (?)", manifest)
		return err
	})
}

// RemoveManifest removes the manifest: the backup becomes an ordinary database.
func RemoveManifest(ctx context.Context, path string) error {
	return withSQLite(path, "?mode=rw", func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, dropManifest)
		return err
	})
}
