package tasks

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Task is work that is done again and again.
type Task struct {
	Name  string        // of its lease and its metrics; constant, in lower case with underscores
	What  string        // as the log says it: "removing old events"
	Every time.Duration // between two beginnings; 0: Do runs until its context ends
	Do    func(context.Context) error
	// AtOnce says that Do is also called when this server begins to do the task, because much may
	// wait: nobody did it for a while.
	AtOnce bool
	// Everywhere says that each server does the task: what it does is of that process, as what it
	// keeps in memory.
	Everywhere bool
	Limit      time.Duration // of one call of Do; 0: DefaultLimit
}

// DefaultLimit bounds one call of a task.
const DefaultLimit = 30 * time.Second

// Status is what this process knows of a task.
type Status struct {
	Name       string
	Every      time.Duration
	Everywhere bool
	Held       bool      // this server does it
	DoneAt     time.Time // when it was last done here without a fault; zero: never
	Failing    bool      // the last call has failed
}

// worker is a task in this process. mu guards the fields of status that change.
type worker struct {
	Task
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	status Status
	unsaid bool // it was done since said was asked
}

func newWorker(t Task, now func() time.Time, log *slog.Logger) *worker {
	return &worker{
		Task: t, now: now, log: log,
		status: Status{Name: t.Name, Every: t.Every, Everywhere: t.Everywhere, Held: t.Everywhere},
	}
}

// run does the task until ctx ends.
func (w *worker) run(ctx context.Context) {
	if w.Every == 0 {
		w.tell(ctx, w.Do(ctx))
		return
	}
	if w.AtOnce {
		w.once(ctx)
	}
	ticker := time.NewTicker(w.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.once(ctx)
	}
}

// once does the task, for so long as it may take.
func (w *worker) once(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(w.Limit, DefaultLimit))
	defer cancel()
	w.tell(ctx, w.Do(bounded))
}

// tell keeps what has come of a call, and logs what has failed. What ends because the server stops,
// or because another one does the task now, has not failed.
func (w *worker) tell(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, domain.ErrLeaseLost) {
		return
	}
	w.mu.Lock()
	w.status.Failing = err != nil
	if err == nil {
		w.status.DoneAt, w.unsaid = w.now(), true
	}
	w.mu.Unlock()
	if err != nil {
		w.log.ErrorContext(ctx, w.What+" failed", "error", err)
	}
}

func (w *worker) hold(held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status.Held = held
	if !held {
		w.status.Failing = false
	}
}

func (w *worker) snapshot() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// said reports whether the task was done since the last call.
func (w *worker) said() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := w.unsaid || w.Every == 0 && w.status.Held
	w.unsaid = false
	return done
}
