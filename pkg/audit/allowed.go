package audit

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// rereads bounds how often who may do what can change between a look at the caller and the change that was to be allowed by it.
const rereads = 100

var errRestless = errors.New("audit: who may do what was changed too many times meanwhile")

// WhileAllowed runs do, which appends events that the caller of ctx is the actor of. When who may do what has changed since the rights of the caller
// were read, they are read again, and do runs again with them, or the caller is refused. It is the only place that does so: whatever stores an event
// goes through here.
func (r *Recorder) WhileAllowed(ctx context.Context, tx domain.Store, do func(tx domain.Store) error, events ...*domain.Event) error {
	again := func(tx domain.Store) error {
		ctx, err := r.Callers.Reread(ctx, tx)
		if err != nil {
			return err
		}
		for _, e := range events {
			e.Point = domain.PrincipalOf(ctx).Proof.Point
		}
		return do(tx)
	}
	err := do(tx)
	for attempt := 1; attempt < rereads && errors.Is(err, domain.ErrRightsMoved); attempt++ {
		err = Quietly(ctx, tx, attempt, again)
	}
	if errors.Is(err, domain.ErrRightsMoved) {
		return &domain.Unavailable{Err: errRestless}
	}
	return err
}

// quietAttempt is the first attempt at a change that is made in a transaction.
const quietAttempt = 5

// Quietly makes one attempt at a change that others may have been ahead of before. Those who never pause must not keep anybody from it for good, so the
// later attempts look and change in one transaction: SQLite lets nobody else change anything meanwhile. PostgreSQL looks and changes in one statement.
func Quietly(ctx context.Context, tx domain.Store, attempt int, fn func(tx domain.Store) error) error {
	if attempt < quietAttempt {
		return fn(tx)
	}
	return tx.Atomic(ctx, fn)
}

// Again is a context with the rights that the caller has by now, for those who have to decide anew with them.
func (r *Recorder) Again(ctx context.Context, tx domain.Store) (context.Context, error) {
	before := domain.PrincipalOf(ctx).Proof.Point
	if before == (domain.AccessPoint{}) {
		return ctx, nil
	}
	point, err := tx.AccessControl().Point(ctx)
	if err != nil || point == before {
		return ctx, err
	}
	return r.Callers.Reread(ctx, tx)
}
