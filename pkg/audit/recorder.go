package audit

import (
	"context"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Recorder writes the audit. It takes the actor and the origin of an event from the context.
type Recorder struct {
	Notary  *auth.Notary
	Now     func() time.Time
	Callers Callers
	Results *idempotency.Results
	Log     *slog.Logger
	// Committed is called after changes and refusals that were stored, so that those who follow
	// learn of them at once; nil: nobody does.
	Committed func()
}

func (r *Recorder) committed() {
	if r.Committed != nil {
		r.Committed()
	}
}

// Callers reads the rights of the caller again.
type Callers interface {
	// Reread returns a context with the caller as the database has it, which is read through tx.
	// Errors: *domain.Error with Unauthenticated or Forbidden when the caller may no longer do what
	// it was admitted for.
	Reread(ctx context.Context, tx domain.Store) (context.Context, error)
}

// Event makes the event of a change. Of an update it keeps only the fields that differ.
func (r *Recorder) Event(ctx context.Context, c Change) (*domain.Event, error) {
	if c.Before != nil && c.After != nil {
		c.Before, c.After = differing(c.Before, c.After)
	}
	before, err := c.Before.text()
	if err != nil {
		return nil, err
	}
	after, err := c.After.text()
	if err != nil {
		return nil, err
	}
	e := r.complete(ctx, domain.Event{
		Action: c.Action, Resource: c.Resource, ResourceID: c.ID, ResourceName: c.Name, Before: before, After: after,
	})
	e.Point = domain.PrincipalOf(ctx).Proof.Point
	return e, nil
}

// complete adds the actor, the origin, the time and the digest.
func (r *Recorder) complete(ctx context.Context, e domain.Event) *domain.Event {
	principal, origin := domain.PrincipalOf(ctx), domain.OriginOf(ctx)
	e.At = r.Now().Truncate(time.Microsecond)
	e.ActorKind, e.ActorID, e.ActorName = principal.Kind, principal.ID, principal.Name
	e.RequestID, e.Operation = origin.RequestID, origin.Operation
	e.Address, e.TraceID = origin.AddressText(), origin.TraceID
	e.Digest = r.Notary.Digest(e)
	return &e
}

// Apply runs fn in a transaction, records the change that it returns, and logs it after the commit.
// A zero change is neither recorded nor logged. In a dry run the transaction is rolled back, and
// the error is a [DryRun].
func (r *Recorder) Apply(ctx context.Context, store domain.Store, fn func(tx domain.Store) (Change, error)) error {
	var done Change
	err := store.Transact(ctx, func(tx domain.Store) (err error) {
		if done, err = fn(tx); err != nil {
			return err
		}
		return r.Record(ctx, tx, done)
	})
	if err == nil {
		r.Tell(ctx, done)
	}
	return err
}

// Tell logs a change that was stored, and says that it was.
func (r *Recorder) Tell(ctx context.Context, c Change) {
	if c.none() {
		return
	}
	r.committed()
	if !r.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := append([]slog.Attr{
		slog.String("action", string(c.Action)), slog.String("resource", string(c.Resource)), slog.Int64("id", c.ID),
		slog.String("name", c.Name),
		slog.Any("principal", domain.PrincipalOf(ctx)),
	}, c.Details...)
	r.Log.LogAttrs(ctx, slog.LevelInfo, "changed", attrs...)
}

// Record keeps the result of a change for repeats of the request, and appends the event of the
// change, as the last statement of its transaction. A zero change has neither. In a dry run it does
// neither, and returns a [DryRun].
func (r *Recorder) Record(ctx context.Context, tx domain.Store, c Change) error {
	if domain.OriginOf(ctx).DryRun {
		return r.WouldDo(ctx, tx, c)
	}
	if c.none() {
		return nil
	}
	e, err := r.Event(ctx, c)
	if err != nil {
		return err
	}
	if err := r.Results.Keep(ctx, tx, c.Result); err != nil {
		return err
	}
	return r.WhileAllowed(ctx, tx, func(tx domain.Store) error { return tx.Audit().Append(ctx, e) }, e)
}

// RecordAll is Record for many events, which the caller has made before.
func (r *Recorder) RecordAll(ctx context.Context, tx domain.Store, events []*domain.Event) error {
	return r.WhileAllowed(ctx, tx, func(tx domain.Store) error { return tx.Audit().AppendAll(ctx, events) }, events...)
}
