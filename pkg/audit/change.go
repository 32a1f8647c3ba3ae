package audit

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Facts are what an event says about a resource, by the names of its fields. Secrets are never
// among them.
type Facts map[string]any

// Change is what was done, and to which resource. The zero value means that nothing was done.
type Change struct {
	Action        domain.Action
	Resource      domain.Scope
	ID            int64 // 0: none, or unknown before the database assigns it
	Name          string
	Before, After Facts       // nil: it did not exist before, or does not exist after
	Details       []slog.Attr // for the log alone
	// Result is kept for repeats of the request: what the use case returns.
	Result any
}

func (c Change) none() bool { return c.Action == "" }

// Resource says how the audit and the log describe one kind of records. It is the only place that
// does.
type Resource[T any] struct {
	Scope domain.Scope
	// Facts has every field that a change can change. A difference in any other field is not a
	// change: a record that differs in nothing else is not stored.
	Facts func(T) Facts
	Name  func(T) (id int64, name string)
}

// Same reports whether nothing has changed.
func (r Resource[T]) Same(before, after T) bool {
	return reflect.DeepEqual(r.Facts(before), r.Facts(after))
}

// Created is the change that makes a record.
func (r Resource[T]) Created(after T) Change {
	c := Change{Action: domain.ActionCreate, Resource: r.Scope, After: r.Facts(after), Result: after}
	c.ID, c.Name = r.Name(after)
	return c
}

// Changed is a change of a record.
func (r Resource[T]) Changed(action domain.Action, before, after T) Change {
	c := Change{
		Action: action, Resource: r.Scope, Before: r.Facts(before), After: r.Facts(after), Result: after,
	}
	c.ID, c.Name = r.Name(after)
	return c
}

// Deleted is the change that removes a record.
func (r Resource[T]) Deleted(before T) Change {
	c := Change{Action: domain.ActionDelete, Resource: r.Scope, Before: r.Facts(before)}
	c.ID, c.Name = r.Name(before)
	return c
}

// Edit reads the record of an id, changes it, and stores it unless nothing has changed: then the
// record is as it was and the change is the zero one. lock and update are methods of its repository
// in the transaction; what lock reads must stay as it is until the end of that. edit gets a copy:
// it replaces lists, and writes into none.
func (r Resource[T]) Edit(
	ctx context.Context, id int64, lock func(context.Context, int64) (T, error),
	update func(context.Context, T) error, edit func(*T) error,
) (record T, done Change, err error) {
	before, err := lock(ctx, id)
	if err != nil {
		return record, done, err
	}
	record = before
	if err := edit(&record); err != nil || r.Same(before, record) {
		return before, done, err
	}
	if err := update(ctx, record); err != nil {
		return before, done, err
	}
	return record, r.Changed(domain.ActionUpdate, before, record), nil
}

// Remove reads the record of an id and deletes it. lock and remove are as for Edit.
func (r Resource[T]) Remove(
	ctx context.Context, id int64, lock func(context.Context, int64) (T, error),
	remove func(context.Context, int64) error,
) (done Change, err error) {
	before, err := lock(ctx, id)
	if err != nil {
		return done, err
	}
	if err := remove(ctx, id); err != nil {
		return done, err
	}
	return r.Deleted(before), nil
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
