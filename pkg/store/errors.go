package store

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The SQLSTATE codes that translate and Save distinguish.
const (
	pgUniqueViolation     = "23505"
	pgForeignKeyViolation = "23503"
	pgNotNullViolation    = "23502"
)

// faults says what the violations of a statement mean: which field is at fault when a unique column
// has the value already, and what a violated foreign key is. It has one meaning for all foreign
// keys, since SQLite does not name them.
type faults struct {
	duplicated map[string]string
	foreign    *domain.Error
}

// translate turns a missing row, and the violations that as lists, into a *domain.Error. It returns
// other errors as they are.
func translate(err error, as faults) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	for column, field := range as.duplicated {
		if isUniqueViolation(err, column) {
			return domain.Fault(domain.Duplicated, field, domain.ReasonDuplicated)
		}
	}
	if as.foreign != nil && isForeignKeyViolation(err) {
		return as.foreign
	}
	return err
}

// isUniqueViolation reports whether a row has the value of the column already. PostgreSQL names the
// index, whose name ends with that of the column; SQLite names the column in the text of the error.
func isUniqueViolation(err error, column string) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == pgUniqueViolation && strings.HasSuffix(pg.ConstraintName, "_"+column)
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE && strings.Contains(lite.Error(), "."+column)
}

// isDuplicate reports whether a table of PostgreSQL has the row already.
func isDuplicate(err error, table string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == pgUniqueViolation && pg.TableName == table
}

// isBusy reports whether another process holds a lock of the SQLite file.
func isBusy(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// isFull reports whether SQLite could not write because the disk is full, or a limit is reached.
// The index of the log, which readers extend too, has errors of its own, and so have file systems
// that find room only when they sync.
func isFull(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && (lite.Code()&0xff == sqlite3.SQLITE_FULL || slices.Contains(noRoom, lite.Code()))
}

// noRoom are the other codes of SQLite for a file that can't become larger.
var noRoom = []int{
	sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_FSYNC,
}

func isForeignKeyViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == pgForeignKeyViolation
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// isNull reports whether a NOT NULL column would have become NULL.
func isNull(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == pgNotNullViolation
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code() == sqlite3.SQLITE_CONSTRAINT_NOTNULL
}

func duplicated(column, field string) faults {
	return faults{duplicated: map[string]string{column: field}}
}

func (f faults) orForeign(kind domain.Kind, field string, reason domain.Reason) faults {
	f.foreign = domain.Fault(kind, field, reason)
	return f
}
