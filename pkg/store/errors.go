package store

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The SQLSTATE codes of PostgreSQL that are the caller's fault.
const (
	pgUniqueViolation     = "23505"
	pgForeignKeyViolation = "23503"
)

// faults says what the violations of one statement mean. Each table has one unique index beside its primary key, so that a
// statement is enough to know which it was; SQLite does not name foreign keys.
type faults struct {
	duplicated, foreign *domain.Error
}

// translate turns the errors of GORM and of the drivers into the domain's.
func translate(err error, as faults) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	case as.duplicated != nil && isUniqueViolation(err):
		return as.duplicated
	case as.foreign != nil && isForeignKeyViolation(err):
		return as.foreign
	}
	return err
}

func isUniqueViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == pgUniqueViolation
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func isForeignKeyViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == pgForeignKeyViolation
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

func duplicated(field string) faults {
	return faults{duplicated: domain.Fault(domain.Duplicated, field, domain.ReasonDuplicated)}
}

func (f faults) orForeign(kind domain.Kind, field string, reason domain.Reason) faults {
	f.foreign = domain.Fault(kind, field, reason)
	return f
}
