package audit

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// rereads bounds how often a change is tried again because access rights have changed since the
// caller's rights were read.
const rereads = 100

var errRestless = errors.New("audit: access rights were changed too many times meanwhile")

// WhileAllowed runs do, which appends events whose actor is the caller of ctx. When access rights
// have changed since the caller's rights were read, they are read again, and do runs again with
// them, or the caller is refused. It is the only place that does so: whatever stores an event of a
// change goes through here.
func (r *Recorder) WhileAllowed(
	ctx context.Context, tx domain.Store, do func(tx domain.Store) error, events ...*domain.Event,
) error {
	if domain.OriginOf(ctx).DryRun {
		return errNoDryRun
	}
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

// quietAttempt is the first attempt at a change that runs in a transaction.
const quietAttempt = 5

// Quietly makes one attempt at a change that other changes may have overtaken before. Callers that
// never pause must not keep it from success for good, so the later attempts read and write in one
// transaction: SQLite admits no other writer meanwhile. PostgreSQL reads and writes in one
// statement.
func Quietly(ctx context.Context, tx domain.Store, attempt int, fn func(tx domain.Store) error) error {
	if attempt < quietAttempt {
		return fn(tx)
	}
	return tx.Atomic(ctx, fn)
}

// Again returns a context with the present rights of the caller, for callers that have to decide
// again with them.
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
