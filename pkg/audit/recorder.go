package audit

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Recorder writes the audit. Its events take who and from where from the context.
type Recorder struct {
	Notary  *auth.Notary
	Now     func() time.Time
	Callers Callers2
}

// Callers2 reads again who makes a request.
type Callers2 interface {
	// Reread returns a context with the caller as the database has it, which is looked at through tx. Errors: *domain.Error with Unauthenticated or
	// Forbidden when the caller may not do any more what it was let in for.
	Reread(ctx context.Context, tx domain.Store) (context.Context, error)
}

// Facts is what an event tells of a resource, by the names of its fields. Secrets are never among them.
type Facts map[string]any

// Change is what was done to what.
type Change struct {
	Action        domain.Action
	Resource      domain.Scope
	ID            int64 // 0: none, or not known before the database gives it
	Name          string
	Before, After Facts // nil: there was, or is, none
}

// Event makes the event of a change. Of an update it keeps the fields that differ.
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

// complete adds who, from where and when, and the digest.
func (r *Recorder) complete(ctx context.Context, e domain.Event) *domain.Event {
	principal, origin := domain.PrincipalOf(ctx), domain.OriginOf(ctx)
	e.At = r.Now().Truncate(time.Microsecond)
	e.ActorKind, e.ActorID, e.ActorName = principal.Kind, principal.ID, principal.Name
	e.RequestID, e.Operation = origin.RequestID, origin.Operation
	e.Address = origin.AddressText()
	e.Digest = r.Notary.Digest(e)
	return &e
}

// Record appends the event of a change to the transaction of the change, as its last statement.
func (r *Recorder) Record(ctx context.Context, tx domain.Store, c Change) error {
	e, err := r.Event(ctx, c)
	if err != nil {
		return err
	}
	return r.WhileAllowed(ctx, tx, func(tx domain.Store) error { return tx.Audit().Append(ctx, e) }, e)
}

// RecordAll is record for many events that were made before.
func (r *Recorder) RecordAll(ctx context.Context, tx domain.Store, events []*domain.Event) error {
	return r.WhileAllowed(ctx, tx, func(tx domain.Store) error { return tx.Audit().AppendAll(ctx, events) }, events...)
}

func differing(before, after Facts) (Facts, Facts) {
	was, is := Facts{}, Facts{}
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) {
			was[name], is[name] = before[name], value
		}
	}
	return was, is
}

func (f Facts) text() (string, error) {
	if f == nil {
		return "", nil
	}
	text, err := json.Marshal(f)
	return string(text), err
}
