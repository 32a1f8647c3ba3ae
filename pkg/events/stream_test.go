package events_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// told returns all events of the stream.
func told(t testing.TB, w *World) []domain.StreamEvent {
	t.Helper()
	Must(w.Stream.Page(t.Context(), domain.StreamFilter{}, domain.PageRequest{Size: 1}, 0))(t) // publishes
	return Must(w.Store.Events().After(t.Context(), 0, 100_000))(t)
}

// keep runs the background work of the stream until the test ends.
func keep(t testing.TB, w *World) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var worker sync.WaitGroup
	worker.Go(func() { w.Stream.Keep(ctx) })
	t.Cleanup(func() { stop(); worker.Wait() })
}

// updates changes the description of a role n times.
func updates(t testing.TB, w *World, id int64, n int) {
	for i := range n {
		name := fmt.Sprintf("role %d, change %d", id, i)
		if _, err := w.Roles.Update(Operator(t), id, domain.RoleUpdate{Name: &name}); err != nil {
			t.Error(err)
		}
	}
}

// TestStream_Order: while two replicas change and publish at the same time, a reader who asks again
// and again sees every change once, in an order that never changes, and the changes of a resource
// in the order in which they were made.
func TestStream_Order(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t)}
			const roles, changes = 4, 15
			var workers sync.WaitGroup
			for i := range roles {
				role := domain.Role{Name: Fresh("role")}
				made := Must(w.Roles.Create(Operator(t), role))(t)
				workers.Go(func() { updates(t, replicas[i%2], made.ID, changes) })
			}
			for _, one := range replicas {
				keep(t, one)
			}
			done := make(chan struct{})
			go func() { workers.Wait(); close(done) }()
			seen := followUntil(t, w, done)
			wantOrder(t, w, seen)
			WantSame(t, len(ofType(seen, domain.EventRoleUpdated)), roles*changes)
		})
	}
}

// followUntil reads the stream as a caller does who asks for what comes after the last id.
func followUntil(t testing.TB, w *World, done <-chan struct{}) (seen []domain.StreamEvent) {
	t.Helper()
	for ended := false; ; {
		last := int64(0)
		if len(seen) > 0 {
			last = seen[len(seen)-1].ID
		}
		list := Must(w.Store.Events().After(t.Context(), last, 7))(t)
		if seen = append(seen, list...); len(list) == 0 && ended {
			return seen
		}
		select {
		case <-done:
			if !ended {
				told(t, w)
			}
			ended = true
		default:
		}
	}
}

// wantOrder compares what a reader has seen with the stream and with the audit.
func wantOrder(t testing.TB, w *World, seen []domain.StreamEvent) {
	t.Helper()
	WantSame(t, seen, told(t, w))
	type key struct {
		resource domain.Scope
		id       int64
	}
	want, got := map[key][]string{}, map[key][]string{}
	for i, e := range seen {
		WantSame(t, e.ID, int64(i)+1)
		k := key{e.Resource, e.ResourceID}
		got[k] = append(got[k], e.ResourceName)
	}
	audited := w.Events(t)
	for _, e := range audited {
		k := key{e.Resource, e.ResourceID}
		want[k] = append(want[k], e.ResourceName)
	}
	WantSame(t, got, want)
	WantSame(t, len(seen), len(audited))
}

func ofType(list []domain.StreamEvent, kind domain.EventType) []domain.StreamEvent {
	return slices.DeleteFunc(slices.Clone(list), func(e domain.StreamEvent) bool { return e.Type != kind })
}

// TestStream_Batches: more events than one transaction publishes are in the order of the audit.
func TestStream_Batches(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	for chunk := range 3 {
		list := make([]*domain.Event, 700)
		for i := range list {
			list[i] = &domain.Event{
				At: Noon.Add(time.Duration(chunk*1000+i) * time.Second), Action: domain.ActionUpdate,
				Resource: domain.ScopeRoles, ResourceID: 1,
			}
		}
		Check(t, w.Store.Audit().AppendAll(t.Context(), list))
	}
	all := ofType(told(t, w), domain.EventRoleUpdated)
	WantSame(t, len(all), 2100)
	for i := range all[1:] {
		if !all[i+1].At.After(all[i].At) || all[i+1].ID != all[i].ID+1 {
			t.Fatalf("%d at %s, then %d at %s", all[i].ID, all[i].At, all[i+1].ID, all[i+1].At)
		}
	}
}

// TestStream_Rollback: what was rolled back is not told.
func TestStream_Rollback(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	before := told(t, w)
	failure := errors.New("no")
	err := w.Store.Transact(t.Context(), func(tx domain.Store) error {
		e := domain.Event{At: Noon, Action: domain.ActionCreate, Resource: domain.ScopeRoles, ResourceID: 9}
		return errors.Join(tx.Audit().Append(t.Context(), &e), failure)
	})
	WantSame(t, errors.Is(err, failure), true)
	WantSame(t, told(t, w), before)
}

// TestStream_Unreadable: facts that can't be read don't hold up the stream.
func TestStream_Unreadable(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	before := len(told(t, w))
	e := domain.Event{
		At: Noon, Action: domain.ActionUpdate, Resource: domain.ScopeClients, ResourceID: 9, Before: "{", After: "no JSON",
	}
	Check(t, w.Store.Audit().Append(t.Context(), &e))
	WantSame(t, len(told(t, w)), before+1)
}

func open(t testing.TB, w *World, cursor *int64, f domain.StreamFilter) *events.Reader {
	t.Helper()
	r := Must(w.Stream.Open(t.Context(), cursor, f))(t)
	t.Cleanup(r.Close)
	return r
}

// next waits at most 5 s for events.
func next(t testing.TB, r *events.Reader) ([]domain.StreamEvent, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return r.Next(ctx)
}

// TestReader: readers get what happens after they have begun, on this replica at once and on others
// too, those who resume get what they have missed, and filters leave out the rest.
func TestReader(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	keep(t, w)
	first := Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	missed := told(t, w)
	zero := int64(0)
	now, behind := open(t, w, nil, domain.StreamFilter{}), open(t, w, &zero, domain.StreamFilter{})
	picky := open(t, w, &zero, domain.StreamFilter{Types: []domain.EventType{domain.EventRoleDeleted}})
	WantSame(t, Must(next(t, behind))(t), missed)
	updates(t, w, first.ID, 1)
	got := Must(next(t, now))(t)
	WantSame(t, len(got), 1)
	WantSame(t, got[0].Type, domain.EventRoleUpdated)
	WantSame(t, Must(next(t, behind))(t), got)
	Check(t, w.Replica(t).Roles.Delete(Operator(t), first.ID))
	gone := Must(next(t, now))(t)
	WantSame(t, gone[0].Type, domain.EventRoleDeleted)
	WantSame(t, Must(next(t, picky))(t), gone)
	WantSame(t, picky.Cursor(), gone[0].ID)
}

// TestReader_Lost: a reader is told when events after its cursor are gone.
func TestReader_Lost(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	all := told(t, w)
	last := all[len(all)-1].ID
	beyond, old := last+1, all[0].ID
	gone := NewFault(domain.Rule, "cursor", domain.ReasonEventsGone)
	WantFaults(t, Second(w.Stream.Open(t.Context(), &beyond, domain.StreamFilter{})), gone)
	r := open(t, w, &old, domain.StreamFilter{})
	w.Clock.Pass(events.DefaultRetention + time.Second)
	Check(t, w.Stream.Prune(t.Context()))
	WantSame(t, told(t, w), []domain.StreamEvent{})
	WantFaults(t, Second(w.Stream.Open(t.Context(), &old, domain.StreamFilter{})), gone)
	from := domain.PageRequest{Cursor: old, Size: 9}
	WantFaults(t, Second(w.Stream.Page(t.Context(), domain.StreamFilter{}, from, 0)), gone)
	at := open(t, w, &last, domain.StreamFilter{}) // who has seen all goes on
	w.Stream.Forget()                              // as when the database has another history
	keep(t, w)
	WantFaults(t, Second(next(t, r)), gone)
	made := Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	WantSame(t, Must(next(t, at))(t)[0].ResourceID, made.ID)
}

// TestReader_Bounds: one caller can't take all places, and nobody begins while the server stops.
func TestReader_Bounds(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	of := func(id int64) context.Context {
		return domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: id})
	}
	var readers []*events.Reader
	for {
		r, err := w.Stream.Open(of(1), nil, domain.StreamFilter{})
		if err != nil {
			WantFault(t, err, domain.Forbidden)
			break
		}
		readers = append(readers, r)
	}
	WantSame(t, len(readers), 512)
	WantSame(t, w.Stream.Health().Readers, int64(512))
	Must(w.Stream.Open(of(2), nil, domain.StreamFilter{}))(t).Close()
	readers[0].Close()
	readers[0] = Must(w.Stream.Open(of(1), nil, domain.StreamFilter{}))(t)
	w.Stream.Drain()
	_, err := readers[0].Next(t.Context())
	WantSame(t, errors.Is(err, events.ErrDraining), true)
	_, err = w.Stream.Open(of(3), nil, domain.StreamFilter{})
	WantSame(t, domain.RetryAfter(err) > 0, true)
	for _, r := range readers {
		r.Close()
	}
	WantSame(t, w.Stream.Health().Readers, int64(0))
}

// TestStream_Page_Wait: a page that would be empty waits for its first event, and for no other.
func TestStream_Page_Wait(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	keep(t, w)
	role := Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	from := domain.PageRequest{Cursor: told(t, w)[0].ID, Size: 10}
	from.Cursor = Must(w.Stream.Page(t.Context(), domain.StreamFilter{}, from, 0))(t).Newest
	picky := domain.StreamFilter{Types: []domain.EventType{domain.EventRoleDeleted}}
	short := Must(w.Stream.Page(t.Context(), picky, from, 50*time.Millisecond))(t)
	WantSame(t, len(short.Items), 0)
	begun := time.Now()
	time.AfterFunc(100*time.Millisecond, func() {
		updates(t, w, role.ID, 1)
		if err := w.Roles.Delete(Operator(t), role.ID); err != nil {
			t.Error(err)
		}
	})
	found := Must(w.Stream.Page(t.Context(), picky, from, 20*time.Second))(t)
	WantSame(t, len(found.Items), 1)
	WantSame(t, found.Items[0].Type, domain.EventRoleDeleted)
	if took := time.Since(begun); took < 100*time.Millisecond || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}
