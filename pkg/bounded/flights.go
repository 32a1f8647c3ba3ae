package bounded

import (
	"context"
	"fmt"
	"sync"
)

// Flights lets concurrent callers with the same key share the result of one call. A caller that
// arrives while a call is running waits for the next one, because the running call may return a
// state older than what the caller has seen. So there are at most two calls for a key, one running
// and one waiting, however many callers there are.
type Flights[K comparable, V any] struct {
	// mu guards flying and the routes in it. It is held for a look-up, never while a call is
	// running.
	mu     sync.Mutex
	flying map[K]*route[V]
}

// route is the running call, and the one after it.
type route[V any] struct{ now, next *flight[V] }

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// Do returns the result of a call of ask that began after Do was called, or the error of ctx. ask
// runs in a goroutine of its own. It must have its own timeout, and must not depend on the caller's
// context.
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

// fly calls ask. Before that, it makes its flight the running one.
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

// ask turns a panic into an error: in its goroutine no caller recovers, so a panic would end the
// process.
func (f *flight[V]) ask(ask func() (V, error)) {
	defer func() {
		if cause := recover(); cause != nil {
			f.err = fmt.Errorf("bounded: panic: %v", cause)
		}
	}()
	f.value, f.err = ask()
}
