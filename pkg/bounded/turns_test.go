package bounded_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/bounded"
)

// do runs fn in a turn of a caller.
func do(ctx context.Context, turns *bounded.Turns, id int64, fn func() error) error {
	leave, err := turns.Enter(ctx, strconv.FormatInt(id, 10), func() {})
	if err != nil {
		return err
	}
	defer leave()
	return fn()
}

func wantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// queue lets callers ask for turns, and records the order of the turns.
type queue struct {
	turns *bounded.Turns
	group sync.WaitGroup
	mu    sync.Mutex
	order []int64
	most  map[int64]int
	now   map[int64]int
}

func newQueue(bounds bounded.TurnBounds) *queue {
	return &queue{turns: bounded.NewTurns(bounds), most: map[int64]int{}, now: map[int64]int{}}
}

// ask asks for n turns of one caller, each for a job that takes a second; all are in the queue when
// it returns.
func (q *queue) ask(t *testing.T, id int64, n int) {
	t.Helper()
	for range n {
		q.group.Go(func() {
			err := do(t.Context(), q.turns, id, func() error {
				q.note(id, 1)
				time.Sleep(time.Second)
				q.note(id, -1)
				return nil
			})
			if err != nil {
				t.Errorf("caller %d: %v", id, err)
			}
		})
		synctest.Wait()
	}
}

func (q *queue) note(id int64, more int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if more > 0 {
		q.order = append(q.order, id)
	}
	q.now[id] += more
	q.most[id] = max(q.most[id], q.now[id])
}

func TestTurns_Order(t *testing.T) {
	t.Parallel()
	bounds := bounded.TurnBounds{Workers: 1, Each: 1, Queue: 9, Total: 30}
	for sentence, test := range map[string]struct {
		workers, each int
		ask           func(*testing.T, *queue)
		want          []int64
	}{
		"one after the other": {
			1, 1, func(t *testing.T, q *queue) { q.ask(t, 1, 5); q.ask(t, 2, 2); q.ask(t, 3, 1) },
			[]int64{1, 2, 3, 1, 2, 1, 1, 1},
		},
		"who comes later waits for one job": {1, 1, func(t *testing.T, q *queue) {
			q.ask(t, 1, 5)
			time.Sleep(1500 * time.Millisecond)
			q.ask(t, 2, 3)
		}, []int64{1, 1, 2, 1, 2, 1, 2, 1}},
		"who comes again and again takes no more than a share": {1, 1, func(t *testing.T, q *queue) {
			q.ask(t, 1, 4)
			for range 3 {
				q.ask(t, 2, 1)
				time.Sleep(2 * time.Second)
			}
		}, []int64{1, 2, 1, 2, 1, 2, 1}},
		"a worker is left for others": {
			2, 1, func(t *testing.T, q *queue) { q.ask(t, 1, 3); q.ask(t, 2, 1) }, []int64{1, 2, 1, 1},
		},
		"the next is for who has the fewest at work": {
			2, 2, func(t *testing.T, q *queue) { q.ask(t, 1, 5); q.ask(t, 2, 1) }, []int64{1, 1, 2, 1, 1, 1},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bounds := bounds
				bounds.Workers, bounds.Each = test.workers, test.each
				q := newQueue(bounds)
				test.ask(t, q)
				q.group.Wait()
				wantSame(t, q.order, test.want)
				for id, most := range q.most {
					if most > test.each {
						t.Errorf("%d jobs of caller %d at once", most, id)
					}
				}
				wantSame(t, q.turns.Held(), 0)
			})
		})
	}
}

func TestTurns_Bounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(bounded.TurnBounds{Workers: 1, Each: 1, Queue: 2, Total: 3})
		refused := func(id int64) {
			t.Helper()
			err := do(t.Context(), q.turns, id, func() error { return nil })
			if !errors.Is(err, bounded.ErrFull) {
				t.Errorf("caller %d: %v", id, err)
			}
		}
		q.ask(t, 1, 3) // one runs, two wait
		refused(1)
		q.ask(t, 2, 1)
		refused(2) // three wait
		refused(3)
		wantSame(t, q.turns.Held(), 2+1+3)
		q.group.Wait()
		q.ask(t, 3, 1)
		q.group.Wait()
		wantSame(t, q.turns.Held(), 0)
	})
}

// TestTurns_Ends: a caller that goes away, fails or panics leaves no state behind, and no
// goroutine: the synctest bubble would wait for it.
func TestTurns_Ends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(bounded.TurnBounds{Workers: 1, Each: 1, Queue: 20, Total: 20})
		q.ask(t, 1, 2)
		ctx, cancel := context.WithCancel(t.Context())
		var gone sync.WaitGroup
		for range 10 {
			gone.Go(func() {
				if err := do(ctx, q.turns, 2, func() error { t.Error("it ran"); return nil }); !errors.Is(
					err, context.Canceled,
				) {
					t.Errorf("error is %v", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		gone.Wait()
		if err := do(ctx, q.turns, 2, func() error { t.Error("it ran"); return nil }); !errors.Is(
			err, context.Canceled,
		) {
			t.Errorf("who is gone before: %v", err)
		}
		q.group.Wait()
		cause := errors.New("cause")
		if err := do(t.Context(), q.turns, 3, func() error { return cause }); err != cause {
			t.Error(err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = do(t.Context(), q.turns, 3, func() error { panic("help") })
		}()
		q.ask(t, 4, 1)
		q.group.Wait()
		wantSame(t, q.turns.Held(), 0)
	})
}

// TestTurns_Race: a turn that is given to a caller which is going away passes to another caller.
func TestTurns_Race(t *testing.T) {
	t.Parallel()
	turns := bounded.NewTurns(bounded.TurnBounds{Workers: 2, Each: 1, Queue: 50, Total: 100})
	var group sync.WaitGroup
	for id := range 8 {
		group.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%5)*10*time.Microsecond)
				_ = do(ctx, turns, int64(id%4), func() error { return nil })
				cancel()
			}
		})
	}
	group.Wait()
	wantSame(t, turns.Held(), 0)
	if err := do(t.Context(), turns, 1, func() error { return nil }); err != nil {
		t.Error(err)
	}
}
