package store

import (
	"cmp"
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
	for again := s.seen.firstTry(); ; {
		t := try{Store: s, rehearsal: s.rehearsed && again.count == 1}
		err = t.run(ctx, fn)
		if err == nil {
			s.cachedNames.put(t.names)
			return nil
		}
		if !again.after(ctx, t.retryReason(err)) {
			return err
		}
	}
}

// try is one try at a transaction.
type try struct {
	*Store
	rehearsal bool       // it fails at its end
	begun     bool       // the transaction has begun
	done      bool       // all but the commit is done
	failed    error      // of the first statement that has failed
	names     namesFound // that were respelled
}

func (t *try) run(ctx context.Context, fn func(tx domain.Store) error) error {
	err := t.write.WithContext(ctx).Transaction(func(db *gorm.DB) (err error) {
		t.begun = true
		err = t.inside(ctx, db.Set(failureKey, &t.failed), fn)
		t.done = err == nil
		return err
	})
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // database/sql has rolled back before the commit
		err = errors.Join(ctx.Err(), err)
	}
	return untried(err)
}

// inside runs fn in a transaction that has begun.
func (t *try) inside(ctx context.Context, db *gorm.DB, fn func(tx domain.Store) error) error {
	tx := *t.Store
	tx.write, tx.read, tx.inTx, tx.madeNames = db, db, true, namesFound{}
	if err := tx.checkLease(ctx); err != nil {
		return err
	}
	if err := fn(&tx); err != nil {
		return err
	}
	if t.failed != nil {
		return fmt.Errorf("store: a statement of the transaction had failed: %w", t.failed)
	}
	t.names = tx.respelledNames()
	err := errors.Join(tx.respell(ctx, t.names), t.Replaced())
	if err == nil && t.rehearsal {
		err = errRehearsed
	}
	return err
}

// retryReason is why a try that has failed with err may be repeated; "": it may not. fn may have
// replaced the error of the statement that has doomed its transaction.
func (t *try) retryReason(err error) RetryReason {
	switch {
	case t.done:
		return rolledBack(err)
	case t.begun:
		return cmp.Or(rolledBack(t.failed), rolledBack(err), lostBefore(t.failed), lostBefore(err))
	}
	return ""
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
		if first := kept.(*error); *first == nil { // those after it fail because of it
			*first = err
		}
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
