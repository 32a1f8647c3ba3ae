package tasks

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Pace is how often a server looks at the leases, and how long it trusts them.
type Pace struct {
	Look  time.Duration // between two looks
	Live  time.Duration // between two beats
	Doubt time.Duration // after this time without a beat a holder stops; less than Life
	Life  time.Duration // after this time without a beat another server takes over
	Note  time.Duration // between two notes of what was done, and two looks for servers that are gone
}

// DefaultPace makes another server take over within 15 s.
var DefaultPace = Pace{
	Look: time.Second, Live: 3 * time.Second, Doubt: 8 * time.Second, Life: 10 * time.Second, Note: time.Minute,
}

// queryTimeout bounds the questions of one look, takeTimeout the taking of one lease: a transaction
// of a holder that stands still may be in its way.
const (
	queryTimeout = 4 * time.Second
	takeTimeout  = time.Second
)

// Runner does the tasks of this process.
type Runner struct {
	Store   domain.Store
	Now     func() time.Time
	Log     *slog.Logger
	Version string // of the program
	Schema  int64  // the newest that the program knows
	Pace    Pace   // zero: DefaultPace

	id      string
	workers []*worker

	// For lead alone.
	held    map[string]*holding // by task
	seen    map[string]sighting // by holder
	live    time.Time           // when this server has moved its beat last; zero: never
	failing bool

	mu  sync.Mutex // guards cut
	cut map[string]context.CancelFunc
}

// holding is a task that this server does.
type holding struct {
	lease domain.Lease
	done  chan struct{} // closed when its worker has ended
}

// sighting is when this server has seen a beat move.
type sighting struct {
	beat int64
	at   time.Time
}

// New completes a Runner of tasks.
func New(r *Runner, tasks []Task) *Runner {
	r.id, r.held, r.seen = rand.Text(), map[string]*holding{}, map[string]sighting{}
	r.cut = map[string]context.CancelFunc{}
	r.Pace = cmp.Or(r.Pace, DefaultPace)
	for _, t := range tasks {
		r.workers = append(r.workers, newWorker(t, r.Now, r.Log))
	}
	return r
}

// Status tells of all tasks. It asks nobody.
func (r *Runner) Status() []Status {
	all := make([]Status, len(r.workers))
	for i, w := range r.workers {
		all[i] = w.snapshot()
	}
	return all
}

// Keep does the tasks until ctx ends. Then it gives its leases to others.
func (r *Runner) Keep(ctx context.Context) {
	var group sync.WaitGroup
	for _, w := range r.workers {
		if w.Everywhere {
			group.Go(func() { w.run(ctx) })
		}
	}
	group.Go(func() { r.note(ctx) })
	r.lead(ctx)
	group.Wait()
}

// lead looks at the leases until ctx ends.
func (r *Runner) lead(ctx context.Context) {
	doubt := time.AfterFunc(r.Pace.Doubt, r.drop)
	defer doubt.Stop()
	for ctx.Err() == nil {
		began := time.Now()
		err := r.look(ctx, began)
		if failed := err != nil && ctx.Err() == nil; failed != r.failing {
			if r.failing = failed; failed {
				r.Log.ErrorContext(ctx, "the leases of tasks could not be looked at", "error", err)
			}
		}
		if r.live.Equal(began) {
			doubt.Reset(r.Pace.Doubt - time.Since(began))
		}
		sleep(ctx, r.Pace.Look)
	}
	r.end(ctx)
}

func sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// drop stops all that this server does by a lease, because it does not know whether it still has
// it.
func (r *Runner) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cut := range r.cut {
		cut()
	}
}

// endTimeout bounds the last word.
const endTimeout = 4 * time.Second

// end waits for the tasks, and gives the leases to others.
func (r *Runner) end(ctx context.Context) {
	r.drop()
	for task, h := range r.held {
		<-h.done
		r.forget(task)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := r.Store.Leases().Release(ctx, r.id); err != nil {
		r.Log.WarnContext(ctx, "the leases of tasks were not given back", "error", err)
	}
}
