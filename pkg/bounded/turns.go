package bounded

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// TurnBounds limit how many jobs run at once, and how many callers wait for a turn.
type TurnBounds struct {
	Workers int // jobs that run at once
	Each    int // jobs of one caller that run at once
	Queue   int // waiting jobs of one caller
	Total   int // waiting jobs of all callers
}

// ErrFull says that too many jobs wait for a turn already.
var ErrFull = errors.New("bounded: too many wait for a turn")

// Turns lets callers do something costly in turns: the next free worker goes to the caller with the
// fewest running jobs, and among those to the one whose last job ended first. So however many jobs
// one caller asks for, another caller waits for the end of one job at most.
type Turns struct {
	bounds TurnBounds

	// mu guards all that follows, and what the callers point to. It is held for a pass over the
	// callers, never while a caller waits or works.
	mu               sync.Mutex
	running, waiting int
	callers          []*turnCaller // with jobs that run or wait; the caller whose job ended last is the last
}

type turnCaller struct {
	name    string
	running int
	waiting []chan error // each receives once: nil is a turn
}

// NewTurns returns Turns with these bounds.
func NewTurns(bounds TurnBounds) *Turns { return &Turns{bounds: bounds} }

// Enter waits for a turn of a caller. The turn lasts until leave is called, which must happen
// exactly once. If no worker is free at once, Enter calls wait before it waits. Errors: [ErrFull];
// that of ctx if it ends before.
func (t *Turns) Enter(ctx context.Context, caller string, wait func()) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entered, place := t.join(caller)
	select {
	case err = <-place:
	default:
		wait()
		select {
		case err = <-place:
		case <-ctx.Done():
			t.quit(entered, place)
			err = ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return func() { t.leave(entered) }, nil
}

// Load is how many jobs run, and how many wait for a turn.
func (t *Turns) Load() (running, waiting int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running, t.waiting
}

func (t *Turns) join(name string) (*turnCaller, chan error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.IndexFunc(t.callers, func(c *turnCaller) bool { return c.name == name })
	if at < 0 {
		at, t.callers = len(t.callers), append(t.callers, &turnCaller{name: name})
	}
	caller, place := t.callers[at], make(chan error, 1)
	if len(caller.waiting) >= t.bounds.Queue || t.waiting >= t.bounds.Total {
		place <- ErrFull
		t.forget(caller)
		return caller, place
	}
	caller.waiting = append(caller.waiting, place)
	t.waiting++
	t.serve()
	return caller, place
}

// serve gives out turns while there are free workers and a caller that may have one.
func (t *Turns) serve() {
	for t.running < t.bounds.Workers {
		var next *turnCaller
		for _, c := range t.callers {
			if len(c.waiting) > 0 && c.running < t.bounds.Each && (next == nil || c.running < next.running) {
				next = c
			}
		}
		if next == nil {
			return
		}
		next.waiting[0] <- nil
		next.waiting = slices.Delete(next.waiting, 0, 1)
		next.running, t.running, t.waiting = next.running+1, t.running+1, t.waiting-1
	}
}

// leave ends a turn and moves its caller to the end of the order.
func (t *Turns) leave(caller *turnCaller) {
	t.mu.Lock()
	defer t.mu.Unlock()
	caller.running--
	t.running--
	at := slices.Index(t.callers, caller)
	t.callers = append(slices.Delete(t.callers, at, at+1), caller)
	t.serve()
	t.forget(caller)
}

// quit gives up a waiting place, or ends the turn that was given meanwhile.
func (t *Turns) quit(caller *turnCaller, place chan error) {
	t.mu.Lock()
	at := slices.Index(caller.waiting, place)
	if at >= 0 {
		caller.waiting = slices.Delete(caller.waiting, at, at+1)
		t.waiting--
		t.forget(caller)
	}
	t.mu.Unlock()
	if at < 0 && <-place == nil {
		t.leave(caller)
	}
}

func (t *Turns) forget(caller *turnCaller) {
	if caller.running == 0 && len(caller.waiting) == 0 {
		t.callers = slices.DeleteFunc(t.callers, func(c *turnCaller) bool { return c == caller })
	}
}
