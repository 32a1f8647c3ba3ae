package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// table is how records T of one kind are stored as rows R.
type table[R, T any] struct {
	list    listing
	id      func(*T) *int64
	row     func(T) R
	updated []string       // the columns that Update stores
	stored  faults         // what a violation by Create or Update means
	deleted faults         // what a violation by Delete means
	lock    clause.Locking // for Lock
}

// records is the repository of one kind of records. Each method does what the interface of that
// kind in domain says. A repository that needs another method embeds records and has that method of
// its own.
type records[R, T any, P record[R, T]] struct {
	s    *Store
	kept *table[R, T]
}

// of returns the repository of one kind.
func of[R, T any, P record[R, T]](s *Store, kept *table[R, T]) records[R, T, P] {
	return records[R, T, P]{s, kept}
}

// Page returns one page of all records.
func (r records[R, T, P]) Page(ctx context.Context, req domain.PageRequest) (domain.Page[T], error) {
	return page[R, T, P](ctx, r.s.read, r.kept.list, req)
}

// Get returns one record.
func (r records[R, T, P]) Get(ctx context.Context, id int64) (T, error) {
	return take[R, T, P](ctx, r.s.read, r.kept.list, id)
}

// Lock is a Get after which no other transaction can change the record until this one ends.
func (r records[R, T, P]) Lock(ctx context.Context, id int64) (T, error) {
	var found R
	err := r.s.write.WithContext(ctx).Clauses(r.kept.lock).Select(r.kept.list.columns).Take(&found, id).Error
	return P(&found).entity(), translate(err, faults{})
}

// Create stores a record and sets its id.
func (r records[R, T, P]) Create(ctx context.Context, one *T) error {
	return create[R, P](ctx, r.s.write, r.kept.row(*one), r.kept.id(one), r.kept.stored)
}

// Update stores the columns of a record that may change.
func (r records[R, T, P]) Update(ctx context.Context, one T) error {
	row := r.kept.row(one)
	done := r.s.write.WithContext(ctx).Model(&row).Select(r.kept.updated).Updates(&row)
	return changedOne(done, r.kept.stored)
}

// Delete removes a record.
func (r records[R, T, P]) Delete(ctx context.Context, id int64) error {
	return changedOne(r.s.write.WithContext(ctx).Delete(new(R), id), r.kept.deleted)
}

// take reads the row of an id. Errors: Missing.
func take[R, T any, P record[R, T]](ctx context.Context, db *gorm.DB, l listing, id int64) (T, error) {
	var found R
	query := "SELECT " + l.columns + " FROM " + l.table + " WHERE " + l.idColumn() + " = ?"
	if err := scan(ctx, db, P(&found).fields(), query, id); err != nil {
		var none T
		return none, translate(err, faults{})
	}
	return P(&found).entity(), nil
}

// create inserts a row, and sets id to the one that the database has generated.
func create[R any, P interface {
	*R
	key() *int64
}](ctx context.Context, db *gorm.DB, row R, id *int64, as faults) error {
	key := P(&row).key()
	*key = 0 // an attempt that was rolled back may have set it
	if err := db.WithContext(ctx).Create(&row).Error; err != nil {
		return translate(err, as)
	}
	*id = *key
	return nil
}

// The locks of Lock. Until the transaction ends no other can change the row. SQLite ignores them:
// it has one writer.
//
// After forUpdate the row may be deleted: inserts of rows that refer to it wait for the lock. After
// forChange they do not wait. Deleting a CA checks its clients while it holds the CA; a transaction
// that has locked a client by forUpdate and then waits for the CA would deadlock with it.
var (
	forUpdate = clause.Locking{Strength: "UPDATE"}
	forChange = clause.Locking{Strength: "NO KEY UPDATE"}
)

// changedOne is Missing when a statement by id has changed no row; otherwise it translates the
// error.
func changedOne(done *gorm.DB, as faults) error {
	if done.Error == nil && done.RowsAffected == 0 {
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return translate(done.Error, as)
}
