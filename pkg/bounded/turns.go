package bounded

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// TurnBounds say how many do something costly at once, and how many wait for it.
type TurnBounds struct {
	Workers int // at once
	Each    int // at once for one caller
	Queue   int // that wait of one caller
	Total   int // that wait of all
}

// ErrFull says that too many wait for a turn already.
var ErrFull = errors.New("bounded: too many wait for a turn")

// Turns lets callers do something costly in turns: the next free worker is for the caller who has the fewest at work, and among those for the one whose
// last work ended first. So however many one caller asks for, another waits for one job at most.
type Turns struct {
	bounds TurnBounds

	// mu guards all that follows, and what the callers point to. It is held for a pass over the
	// callers, never while one waits or works.
	mu               sync.Mutex
	running, waiting int
	callers          []*turnCaller // who has something at work or waiting; whose work ended last is the last
}

type turnCaller struct {
	name    string
	running int
	waiting []chan error // each gets one: nil is a turn
}

// NewTurns returns Turns with these bounds.
func NewTurns(bounds TurnBounds) *Turns { return &Turns{bounds: bounds} }

// Enter waits for a turn of a caller, which lasts until leave is called, once. Before it waits it calls wait: what is free at once needs no waiting.
// Errors: [ErrFull]; that of ctx if it ends before.
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

// serve gives out turns while there are workers and somebody who may have one.
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

// leave ends a turn: its caller is the last from now on.
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

// quit gives a place back, or the turn that has come meanwhile.
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
