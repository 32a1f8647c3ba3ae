package domain

import (
	"context"
	"errors"
	"time"
)

// Lease is the right of one process to do a background task: until another one takes it, which
// counts Token up.
type Lease struct {
	Task   string
	Holder string // id of a Replica; empty: nobody
	Token  int64
}

// ErrLeaseLost says that another process has taken the lease of a transaction: nothing of it is
// stored.
var ErrLeaseLost = errors.New("another process does this task now")

type leaseKey struct{}

// WithLease bounds the transactions that begin with the context, as a deadline does: they commit
// only while the lease holds. A statement outside Transact is not bounded.
func WithLease(ctx context.Context, lease Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, lease)
}

// LeaseOf returns the lease of the context, and whether it has one.
func LeaseOf(ctx context.Context) (Lease, bool) {
	lease, ok := ctx.Value(leaseKey{}).(Lease)
	return lease, ok
}

// Replica is a server that runs.
type Replica struct {
	ID      string
	Version string    // of the program
	Schema  int64     // the newest that the program knows
	Beat    int64     // moves while the server lives
	SeenAt  time.Time // when it moved last, by the clock of that server
}

// TaskLease is what is known of a task.
type TaskLease struct {
	Lease
	Beat   int64     // of the holder; 0: the holder is not there
	DoneAt time.Time // when it was last done without a fault, to a minute; zero: never
}

// Leases say which server does which background task. A server joins by Live, and moves its beat by
// it. Whoever has seen the beat of a holder stand still for long enough may Take its leases: clocks
// of machines are not compared.
//
// Transact checks the lease of its context first, and holds it until it ends: Take waits for such a
// transaction. On PostgreSQL a server that stands still loses its transaction when that has been
// idle for 10 s.
//
// The group Leases of the suite tests it.
type Leases interface {
	// Live stores that a server lives. It moves the beat, and ignores that of its argument.
	Live(ctx context.Context, r Replica) error
	// Replicas lists the servers by their ids.
	Replicas(ctx context.Context) ([]Replica, error)
	// Remove removes a server that has ended, unless its beat has moved.
	Remove(ctx context.Context, id string, beat int64) error
	// List returns all tasks by their names.
	List(ctx context.Context) ([]TaskLease, error)
	// Add adds tasks that nobody does. Those that are there stay as they are.
	Add(ctx context.Context, tasks []string) error
	// Take gives the lease to a holder, if it is still as seen. It returns the new lease; ok is
	// false when another process was first.
	Take(ctx context.Context, seen Lease, holder string) (lease Lease, ok bool, err error)
	// Release ends all leases of a holder, and removes it from the servers.
	Release(ctx context.Context, holder string) error
	// Done stores when tasks of a holder were done.
	Done(ctx context.Context, holder string, tasks []string, at time.Time) error
}
