package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// CopiedTable describes a table that was copied. Digest covers its rows in any order: equal rows
// give the same digest on both engines.
type CopiedTable struct {
	Name   string
	Rows   int64
	Digest string
}

// Copy copies all rows of one database to another; each may be on either engine. Both must have the
// schema of this program, and the target must have only the rows that the migrations insert. Copy
// reads one snapshot of the source and writes one transaction, so a copy that fails leaves the
// target as it was. Before it commits, it reads back what it has written and compares. The target
// gets an incarnation of its own. It keeps few rows in memory, whatever their number. show is told
// now and then how far it is; nil: nobody is. Errors: ErrNotEmpty.
func Copy(ctx context.Context, from, to string, now time.Time, show func(CopyProgress)) ([]CopiedTable, error) {
	source, err := openSide(ctx, from, true)
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	defer source.close()
	target, err := openSide(ctx, to, false)
	if err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	defer target.close()
	tables, err := commonTables(ctx, source, target)
	if err != nil {
		return nil, err
	}
	if err := target.begin(ctx, tables); err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	if err := empty(ctx, target, tables); err != nil {
		return nil, err
	}
	meter, err := newCopyMeter(ctx, source, tables, show)
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	return copyTables(ctx, source, target, tables, now, meter)
}

func copyTables(
	ctx context.Context, source, target side, tables []copyTable, now time.Time, meter *copyMeter,
) ([]CopiedTable, error) {
	var copied []CopiedTable
	for _, t := range tables {
		one, err := copyRows(ctx, source, target, t, meter)
		if err != nil {
			return nil, fmt.Errorf("copy the table %s: %w", t.name, err)
		}
		copied = append(copied, one)
	}
	for i, t := range tables {
		found, err := digestOf(t, meter.rows("checking", t, target.read(ctx, t)))
		if err != nil {
			return nil, fmt.Errorf("read back the table %s: %w", t.name, err)
		}
		if found != copied[i] {
			return nil,
				fmt.Errorf("the table %s is not the same: %d rows with the digest %s, and %d with %s in the copy",
					t.name, copied[i].Rows, copied[i].Digest, found.Rows, found.Digest)
		}
	}
	err := target.exec(ctx, "UPDATE incarnation SET value = $1, since = $2, server = ''", rand.Text(), micro(now))
	if err == nil {
		err = target.commit(ctx)
	}
	return copied, err
}

// copyRows copies the rows of one table, and the last id that was given: an id is never given
// twice.
func copyRows(ctx context.Context, source, target side, t copyTable, meter *copyMeter) (CopiedTable, error) {
	digest := tableDigest{}
	err := target.write(ctx, t, func(yield func([]any, error) bool) {
		for row, err := range meter.rows("copying", t, source.read(ctx, t)) {
			if err == nil {
				err = digest.add(row)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	})
	if err != nil || t.identity == "" {
		return digest.of(t), err
	}
	last, err := source.lastID(ctx, t)
	if err == nil {
		err = target.setLastID(ctx, t, last)
	}
	return digest.of(t), err
}

// side is one database of a copy. All that happens to it is one transaction.
type side interface {
	// tables lists the tables, each with its columns by ascending name.
	tables(ctx context.Context) ([]copyTable, error)
	// begin locks the tables against other writers.
	begin(ctx context.Context, tables []copyTable) error
	// read yields all rows of a table. Values are nil, int64, bool, string, []byte or time.Time in
	// UTC.
	read(ctx context.Context, t copyTable) iter.Seq2[[]any, error]
	write(ctx context.Context, t copyTable, rows iter.Seq2[[]any, error]) error
	count(ctx context.Context, t copyTable) (int64, error)
	// lastID is the highest id that was ever given. Its row may have been deleted.
	lastID(ctx context.Context, t copyTable) (int64, error)
	setLastID(ctx context.Context, t copyTable, last int64) error
	exec(ctx context.Context, statement string, args ...any) error
	commit(ctx context.Context) error
	close() // without commit it rolls back
}

// copyTable is a table that is copied. The table of goose and that of a backup's manifest are not.
type copyTable struct {
	name     string
	columns  []copyColumn
	parents  []string // tables that its rows refer to
	identity string   // the column whose values the database generates; empty: none
}

type copyColumn struct {
	name string
	kind copyKind
}

// copyKind is the type of a column, the same for both engines.
type copyKind string

const (
	kindInteger copyKind = "integer"
	kindBoolean copyKind = "boolean"
	kindText    copyKind = "text"
	kindBytes   copyKind = "bytes"
	kindTime    copyKind = "time"
)

func (t copyTable) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

func openSide(ctx context.Context, location string, source bool) (side, error) {
	if EngineOf(location) == Postgres {
		return openPostgresSide(ctx, location, source)
	}
	return openSQLiteSide(ctx, location, source)
}

// commonTables returns the tables, parents before children. It fails when the two databases do not
// have the same tables and columns.
func commonTables(ctx context.Context, source, target side) ([]copyTable, error) {
	list, err := source.tables(ctx)
	if err != nil {
		return nil, fmt.Errorf("the source: %w", err)
	}
	other, err := target.tables(ctx)
	if err != nil {
		return nil, fmt.Errorf("the target: %w", err)
	}
	for _, t := range list {
		at := slices.IndexFunc(other, func(o copyTable) bool { return o.name == t.name })
		if at < 0 || !slices.Equal(other[at].columns, t.columns) {
			return nil,
				fmt.Errorf(
					"the table %s is not the same in both databases: both need the schema of this program", t.name,
				)
		}
	}
	if len(list) != len(other) {
		return nil, errors.New("the target has tables that the source has not: both need the schema of this program")
	}
	return parentsFirst(list)
}

// parentsFirst sorts tables so that each comes after the tables that its rows refer to.
func parentsFirst(tables []copyTable) ([]copyTable, error) {
	var sorted []copyTable
	done := map[string]bool{}
	for len(sorted) < len(tables) {
		before := len(sorted)
		for _, t := range tables {
			ready := !slices.ContainsFunc(
				t.parents, func(parent string) bool { return parent != t.name && !done[parent] },
			)
			if ready && !done[t.name] {
				done[t.name] = true
				sorted = append(sorted, t)
			}
		}
		if len(sorted) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return sorted, nil
}

// ErrNotEmpty says that the target of a copy has other rows than a new database.
var ErrNotEmpty = errors.New("the target is not empty: a copy needs a new database")

// empty checks that a database has only the rows that the migrations insert, and deletes them. To
// know how many rows that is, it creates a new database and counts.
func empty(ctx context.Context, target side, tables []copyTable) error {
	dir, err := os.MkdirTemp("", "chaveiro-copy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fresh, err := newDatabase(ctx, filepath.Join(dir, "new.db"))
	if err != nil {
		return err
	}
	defer fresh.close()
	for _, t := range slices.Backward(tables) {
		want, err := fresh.count(ctx, t)
		if err != nil {
			return err
		}
		found, err := target.count(ctx, t)
		if err != nil {
			return err
		}
		if found != want {
			return fmt.Errorf("%w: the table %s has %d rows", ErrNotEmpty, t.name, found)
		}
		if err := target.exec(ctx, "DELETE FROM "+t.name); err != nil {
			return err
		}
	}
	return nil
}

// newDatabase creates an SQLite database with the schema of this program.
func newDatabase(ctx context.Context, path string) (side, error) {
	s, err := openSQLite(ctx, path)
	if err != nil {
		return nil, err
	}
	_, err = s.MigrateUp(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	return openSQLiteSide(ctx, path, true)
}
