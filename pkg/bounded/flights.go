package bounded

import (
	"context"
	"fmt"
	"sync"
)

// Flights lets all who ask the same question at once share its answer. Who asks while a question is on its way waits for the next one, for
// the answer on its way may be older than what they have seen. So there are at most two questions a key, however many ask.
type Flights[K comparable, V any] struct {
	// mu guards flying and the routes in it, for a look-up; never while a question is on its way.
	mu     sync.Mutex
	flying map[K]*route[V]
}

// route is the question that is on its way, and the one after it.
type route[V any] struct{ now, next *flight[V] }

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// Do returns an answer of ask that was asked for after Do was called, or the context's error. ask runs in a goroutine of its own, bounds itself,
// and must not depend on the caller's context.
func (f *Flights[K, V]) Do(ctx context.Context, key K, ask func() (V, error)) (V, error) {
	mine := f.board(key, ask)
	select {
	case <-mine.done:
		return mine.value, mine.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (f *Flights[K, V]) board(key K, ask func() (V, error)) *flight[V] {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.flying[key]
	if !ok {
		if f.flying == nil {
			f.flying = map[K]*route[V]{}
		}
		r = &route[V]{now: &flight[V]{done: make(chan struct{})}}
		f.flying[key] = r
		go f.fly(key, r, r.now, ask)
		return r.now
	}
	if r.next == nil {
		r.next = &flight[V]{done: make(chan struct{})}
		go func(before, mine *flight[V]) {
			<-before.done
			f.fly(key, r, mine, ask)
		}(r.now, r.next)
	}
	return r.next
}

// fly asks. Before it does, its flight is the one on its way.
func (f *Flights[K, V]) fly(key K, r *route[V], mine *flight[V], ask func() (V, error)) {
	f.mu.Lock()
	if r.next == mine {
		r.now, r.next = mine, nil
	}
	f.mu.Unlock()
	mine.ask(ask)
	f.mu.Lock()
	if r.next == nil {
		delete(f.flying, key)
	}
	f.mu.Unlock()
	close(mine.done)
}

// ask does not let a panic end the process: there is nobody above who would recover.
func (f *flight[V]) ask(ask func() (V, error)) {
	defer func() {
		if cause := recover(); cause != nil {
			f.err = fmt.Errorf("bounded: panic: %v", cause)
		}
	}()
	f.value, f.err = ask()
}
