package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// table says how records T of one kind are kept as rows R.
type table[R, T any] struct {
	list    listing
	id      func(*T) *int64
	row     func(T) R
	updated []string       // the columns that Update stores
	stored  faults         // what a violation by Create or Update means
	deleted faults         // what a violation by Delete means
	lock    clause.Locking // of Lock
}

// records are the repository of one kind of records. Each method is what the interface of that kind
// in domain says; where a kind differs, its repository embeds records and has a method of its own.
type records[R, T any, P record[R, T]] struct {
	s    *Store
	kept *table[R, T]
}

// of is the repository of one kind.
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

// Lock is a Get after which nobody else can change the record until the transaction ends.
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

// take reads the one row of an id.
func take[R, T any, P record[R, T]](ctx context.Context, db *gorm.DB, l listing, id int64) (T, error) {
	var found R
	query := "SELECT " + l.columns + " FROM " + l.table + " WHERE " + l.idColumn() + " = ?"
	if err := scan(ctx, db, P(&found).fields(), query, id); err != nil {
		var none T
		return none, translate(err, faults{})
	}
	return P(&found).entity(), nil
}

// create inserts a row, and sets id to what the database gives it.
func create[R any, P interface {
	*R
	key() *int64
}](ctx context.Context, db *gorm.DB, row R, id *int64, as faults) error {
	key := P(&row).key()
	*key = 0 // it may have one, when this is tried again
	if err := db.WithContext(ctx).Create(&row).Error; err != nil {
		return translate(err, as)
	}
	*id = *key
	return nil
}

// Locks that keep a row from being changed by others until the transaction ends. SQLite needs none:
// it has one writer. Behind forUpdate the row may be deleted: the checks of foreign keys that lead to
// it wait. Behind forChange they don't: deleting a CA looks at its clients while it holds the CA, so
// who has locked a client and then waits for the CA must not keep it from that.
var (
	forUpdate = clause.Locking{Strength: "UPDATE"}
	forChange = clause.Locking{Strength: "NO KEY UPDATE"}
)

// changedOne says Missing when a statement by id met no row, and translates its error.
func changedOne(done *gorm.DB, as faults) error {
	if done.Error == nil && done.RowsAffected == 0 {
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return translate(done.Error, as)
}
