package service

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

// facts is what an event tells of a resource, by the names of its fields. Secrets are never among them.
type facts map[string]any

// change is what was done to what.
type change struct {
	action        domain.Action
	resource      domain.Scope
	id            int64 // 0: none, or not known before the database gives it
	name          string
	before, after facts // nil: there was, or is, none
}

// event makes the event of a change. Of an update it keeps the fields that differ.
func (r *Recorder) event(ctx context.Context, c change) (*domain.Event, error) {
	if c.before != nil && c.after != nil {
		c.before, c.after = differing(c.before, c.after)
	}
	before, err := c.before.text()
	if err != nil {
		return nil, err
	}
	after, err := c.after.text()
	if err != nil {
		return nil, err
	}
	e := r.complete(ctx, domain.Event{
		Action: c.action, Resource: c.resource, ResourceID: c.id, ResourceName: c.name, Before: before, After: after,
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

// record appends the event of a change to the transaction of the change, as its last statement.
func (r *Recorder) record(ctx context.Context, tx domain.Store, c change) error {
	e, err := r.event(ctx, c)
	if err != nil {
		return err
	}
	return r.whileAllowed(ctx, tx, func(tx domain.Store) error { return tx.Audit().Append(ctx, e) }, e)
}

// recordAll is record for many events that were made before.
func (r *Recorder) recordAll(ctx context.Context, tx domain.Store, events []*domain.Event) error {
	return r.whileAllowed(ctx, tx, func(tx domain.Store) error { return tx.Audit().AppendAll(ctx, events) }, events...)
}

func differing(before, after facts) (facts, facts) {
	was, is := facts{}, facts{}
	for name, value := range after {
		if !reflect.DeepEqual(before[name], value) {
			was[name], is[name] = before[name], value
		}
	}
	return was, is
}

func (f facts) text() (string, error) {
	if f == nil {
		return "", nil
	}
	text, err := json.Marshal(f)
	return string(text), err
}
