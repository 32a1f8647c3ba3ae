package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// errNested is the error of Transact inside a transaction.
var errNested = errors.New("store: Transact was called on a store already in a transaction")

// Transact implements domain.Store. A statement that has failed dooms the transaction even if fn
// returns nil: PostgreSQL would not commit it, but SQLite would. One of a background task begins
// only while its lease holds.
func (s *Store) Transact(ctx context.Context, fn func(tx domain.Store) error) (err error) {
	if s.inTx {
		return errNested
	}
	ctx, span := spans.Begin(ctx, "transaction")
	defer func() { span.EndWith(err) }()
	var names namesFound
	err = s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		var failed error
		db = db.Set(failureKey, &failed)
		tx := *s
		tx.write, tx.read, tx.inTx, tx.madeNames = db, db, true, namesFound{}
		if err := tx.checkLease(ctx); err != nil {
			return err
		}
		if err := fn(&tx); err != nil {
			return err
		}
		if failed != nil {
			return fmt.Errorf("store: a statement of the transaction had failed: %w", failed)
		}
		names = tx.respelledNames()
		return errors.Join(tx.respell(ctx, names), s.Replaced())
	})
	if err == nil {
		s.cachedNames.put(names)
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // database/sql has rolled back before the commit
		err = errors.Join(ctx.Err(), err)
	}
	return untried(err)
}

// OneWriter implements domain.Store.
func (s *Store) OneWriter() bool { return s.engine == SQLite }

// Atomic implements domain.Store.
func (s *Store) Atomic(ctx context.Context, fn func(tx domain.Store) error) error {
	if s.inTx {
		return fn(s)
	}
	return s.Transact(ctx, fn)
}

func (s *Store) atomic(ctx context.Context, fn func(tx *Store) error) error {
	return s.Atomic(ctx, func(tx domain.Store) error { return fn(tx.(*Store)) })
}

// failureKey is the setting of GORM in which a transaction keeps the error of a failed statement.
const failureKey = "chaveiro:failure"

// watchFailures makes every statement of GORM record its failure in its transaction.
func watchFailures(db *gorm.DB) error {
	report := func(db *gorm.DB) { db.Error = noteFailure(db, db.Error) }
	on, name := db.Callback(), failureKey
	return errors.Join(
		on.Create().After("gorm:create").Register(name, report),
		on.Query().After("gorm:query").Register(name, report),
		on.Row().After("gorm:row").Register(name, report),
		on.Raw().After("gorm:raw").Register(name, report),
		on.Update().After("gorm:update").Register(name, report),
		on.Delete().After("gorm:delete").Register(name, report),
	)
}

// noteFailure keeps the error of a statement in its transaction. It returns the error as callers
// get it.
func noteFailure(db *gorm.DB, err error) error {
	err = untried(err)
	if kept, ok := db.Get(failureKey); ok && err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		*kept.(*error) = err
	}
	return err
}

// untried turns errors of statements that were not done into ones that say to try again: of a
// connection that was lost before, when database/sql has tried a few others, and of a full disk.
func untried(err error) error {
	if errors.Is(err, driver.ErrBadConn) || isFull(err) {
		return &domain.Unavailable{Err: err}
	}
	return err
}
