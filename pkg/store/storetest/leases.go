package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// leaseRules is the contract of domain.Leases.
var leaseRules = rules{
	{"Live", testReplicas},
	{"Take", testTake},
	{"Transact", testUnderLease},
	{locks, testTakeWaits},
}

func testReplicas(t *testing.T, s domain.Store) {
	ctx, l := t.Context(), s.Leases()
	one := domain.Replica{ID: "live 1", Version: "v1", Schema: 45, SeenAt: noon}
	check(t, l.Live(ctx, one))
	check(t, l.Live(ctx, domain.Replica{ID: "live 2", SeenAt: noon}))
	one.SeenAt = noon.Add(time.Second)
	check(t, l.Live(ctx, one))
	one.Beat = 2
	wantSame(t, must(l.Replicas(ctx))(t), []domain.Replica{one, {ID: "live 2", Beat: 1, SeenAt: noon}})
	check(t, l.Remove(ctx, "live 1", 1)) // it has moved
	check(t, l.Remove(ctx, "live 2", 1))
	wantSame(t, must(l.Replicas(ctx))(t), []domain.Replica{one})
	check(t, l.Release(ctx, "live 1"))
	wantSame(t, len(must(l.Replicas(ctx))(t)), 0)
}

// leaseOf is what the store has of a task.
func leaseOf(t *testing.T, s domain.Store, task string) domain.TaskLease {
	t.Helper()
	for _, one := range must(s.Leases().List(t.Context()))(t) {
		if one.Task == task {
			return one
		}
	}
	t.Fatalf("there is no task %s", task)
	return domain.TaskLease{}
}

func wantTaken(t *testing.T, s domain.Store, seen domain.Lease, holder string, want bool) domain.Lease {
	t.Helper()
	lease, ok, err := s.Leases().Take(t.Context(), seen, holder)
	if err != nil || ok != want {
		t.Fatalf("%s takes %+v: %t (%v)", holder, seen, ok, err)
	}
	return lease
}

func testTake(t *testing.T, s domain.Store) {
	ctx, l := t.Context(), s.Leases()
	check(t, l.Add(ctx, []string{"take", "other"}))
	free := leaseOf(t, s, "take")
	wantSame(t, free, domain.TaskLease{Lease: domain.Lease{Task: "take"}})
	first := wantTaken(t, s, free.Lease, "a", true)
	wantSame(t, first, domain.Lease{Task: "take", Holder: "a", Token: 1})
	wantTaken(t, s, free.Lease, "b", false)
	check(t, l.Live(ctx, domain.Replica{ID: "a", SeenAt: noon}))
	check(t, l.Add(ctx, []string{"take"})) // it stays as it is
	check(t, l.Done(ctx, "a", []string{"take", "other"}, noon))
	check(t, l.Done(ctx, "b", []string{"take"}, noon.Add(time.Hour)))
	check(t, l.Done(ctx, "a", nil, noon.Add(time.Hour)))
	wantSame(t, leaseOf(t, s, "take"), domain.TaskLease{Lease: first, Beat: 1, DoneAt: noon})
	wantSame(t, leaseOf(t, s, "other").DoneAt, time.Time{})
	second := wantTaken(t, s, first, "b", true)
	wantSame(t, second.Token, 2)
	check(t, l.Release(ctx, "a")) // what another has is not its own
	wantSame(t, leaseOf(t, s, "take").Holder, "b")
	check(t, l.Release(ctx, "b"))
	wantSame(t, leaseOf(t, s, "take").Lease, domain.Lease{Task: "take", Token: 2})
}

func testUnderLease(t *testing.T, s domain.Store) {
	check(t, s.Leases().Add(t.Context(), []string{"under"}))
	first := wantTaken(t, s, leaseOf(t, s, "under").Lease, "a", true)
	ctx := domain.WithLease(t.Context(), first)
	store := func(name string) error {
		return s.Transact(ctx, func(tx domain.Store) error {
			_, err := tx.Secrets().GetOrCreate(ctx, name, []byte("x"))
			return err
		})
	}
	check(t, store("under one"))
	second := wantTaken(t, s, first, "b", true)
	if err := store("under two"); !errors.Is(err, domain.ErrLeaseLost) {
		t.Errorf("a holder that was: %v", err)
	}
	if _, err := s.Secrets().Get(t.Context(), "under two"); !domain.IsKind(err, domain.Missing) {
		t.Errorf("it has stored (%v)", err)
	}
	// A database that has gone back may give the same token to another holder.
	ctx = domain.WithLease(t.Context(), domain.Lease{Task: "under", Holder: "a", Token: second.Token})
	if err := store("under two"); !errors.Is(err, domain.ErrLeaseLost) {
		t.Errorf("another holder of the same token: %v", err)
	}
}

// testTakeWaits: nobody takes a lease while a transaction is under way that has it; its holder can
// say meanwhile that it lives.
func testTakeWaits(t *testing.T, s domain.Store) {
	once(t, s)
	check(t, s.Leases().Add(t.Context(), []string{"waits"}))
	first := wantTaken(t, s, leaseOf(t, s, "waits").Lease, "a", true)
	taken := make(chan error, 1)
	ctx := domain.WithLease(t.Context(), first)
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		if !s.OneWriter() {
			check(t, s.Leases().Live(t.Context(), domain.Replica{ID: "a", SeenAt: noon}))
		}
		go func() {
			_, ok, err := s.Leases().Take(context.WithoutCancel(ctx), first, "b")
			if err == nil && !ok {
				err = errors.New("it was not taken")
			}
			taken <- err
		}()
		select {
		case err := <-taken:
			t.Errorf("the lease was taken beneath a transaction (%v)", err)
			taken <- err
		case <-time.After(200 * time.Millisecond):
		}
		return nil
	}))
	check(t, <-taken)
	wantSame(t, leaseOf(t, s, "waits").Holder, "b")
}
