package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Migration is one step of the schema, and whether it is applied.
type Migration struct {
	Version int64
	Name    string // empty: this program does not know it, a newer one has applied it
	Applied bool
}

// ErrNewerSchema says that the database has migrations that this program can't live with. The
// program must neither read nor write there.
var ErrNewerSchema = errors.New("the database was migrated by a newer version of the program: use that one")

// Schema is how the schema of a database differs from that of the program.
type Schema struct {
	Missing int   // migrations that are not applied
	Newer   int   // migrations that the program does not know
	Empty   bool  // no migration is applied
	Known   int64 // the newest migration that the program knows
	Oldest  int64 // what a program must know at least for those of Newer
}

// Fault is nil when the program can work on the schema: it is that of the program, or a later one
// that only adds to it. Errors: ErrNewerSchema.
func (s Schema) Fault() error {
	switch {
	case s.Newer > 0 && s.Oldest > s.Known:
		return ErrNewerSchema
	case s.Missing > 0:
		return fmt.Errorf("the database lacks %d migrations: run `chaveiro migrate up`", s.Missing)
	}
	return nil
}

// Schema compares the schema of the database with that of the program. It reads one small table,
// takes no lock, and does not wait for a migration.
func (s *Store) Schema(ctx context.Context) (Schema, error) {
	list, err := s.MigrateStatus(ctx)
	schema := Schema{Empty: err == nil}
	var unknown []int64
	for _, m := range list {
		switch {
		case m.Name == "":
			schema.Newer++
			unknown = append(unknown, m.Version)
		case !m.Applied:
			schema.Missing++
		}
		if m.Name != "" {
			schema.Known = m.Version
		}
		schema.Empty = schema.Empty && !m.Applied
	}
	if err == nil && len(unknown) > 0 {
		schema.Oldest, err = s.readNeeds(ctx, unknown)
	}
	return schema, err
}

// MigrateStatus lists the migrations: those that the program knows, by ascending number, and then
// those that it does not know.
func (s *Store) MigrateStatus(ctx context.Context) ([]Migration, error) {
	list, err := s.knownMigrations()
	if err != nil {
		return nil, err
	}
	applied, err := s.appliedMigrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	known := map[int64]bool{}
	for i := range list {
		known[list[i].Version] = true
		list[i].Applied = applied[list[i].Version]
	}
	for version, done := range applied {
		if done && version > 0 && !known[version] {
			list = append(list, Migration{Version: version, Applied: true})
		}
	}
	return list, nil
}

// knownMigrations lists the migrations of the program by ascending number.
func (s *Store) knownMigrations() ([]Migration, error) {
	files, err := fs.ReadDir(s.schemas(), "migrations/"+string(s.engine))
	if err != nil {
		return nil, err
	}
	list := make([]Migration, len(files))
	for i, file := range files {
		number, _, _ := strings.Cut(file.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the migration %s has no number", file.Name())
		}
		list[i] = Migration{Version: version, Name: file.Name()}
	}
	return list, nil
}

// appliedMigrations reads the table of goose. Of several rows of one version the last one counts. A
// database without the table has no schema yet.
func (s *Store) appliedMigrations(ctx context.Context) (map[int64]bool, error) {
	var rows []struct {
		VersionID int64
		IsApplied bool
	}
	err := s.read.WithContext(ctx).Raw("SELECT version_id, is_applied FROM goose_db_version ORDER BY id").Scan(&rows).
		Error
	if isNoTable(err) {
		return nil, nil
	}
	applied := map[int64]bool{}
	for _, row := range rows {
		applied[row.VersionID] = row.IsApplied
	}
	return applied, err
}

// pgUndefinedTable is the SQLSTATE of a table that does not exist.
const pgUndefinedTable = "42P01"

func isNoTable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == pgUndefinedTable
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && strings.Contains(lite.Error(), "no such table")
}
