package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestPostgres_Deadlock: of two transactions that wait for each other one is rolled back. It runs
// again, and both succeed.
func TestPostgres_Deadlock(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	for _, name := range []string{"a", "b"} {
		if err := live(t.Context(), s, name); err != nil {
			t.Fatal(err)
		}
	}
	var both, group sync.WaitGroup
	both.Add(2)
	faults := make([]error, 2)
	var runs atomic.Int64
	for i, names := range [][]string{{"a", "b"}, {"b", "a"}} {
		arrive := sync.OnceFunc(func() { both.Done(); both.Wait() })
		group.Go(func() {
			faults[i] = s.Transact(t.Context(), func(tx domain.Store) error {
				runs.Add(1)
				if err := live(t.Context(), tx, names[0]); err != nil {
					return err
				}
				arrive()
				return live(t.Context(), tx, names[1])
			})
		})
	}
	group.Wait()
	if err := errors.Join(faults...); err != nil || runs.Load() < 3 {
		t.Errorf("%d runs: %v", runs.Load(), err)
	}
	if n := s.Retried(store.RetryDeadlock); n != runs.Load()-2 {
		t.Errorf("%d tries were counted as repeated, of %d", n, runs.Load()-2)
	}
	if got := beats(t, s); got["a"] != 3 || got["b"] != 3 {
		t.Errorf("each was to change twice: %v", got)
	}
}

func live(ctx context.Context, s domain.Store, name string) error {
	return s.Leases().Live(ctx, domain.Replica{ID: name, SeenAt: storeNoon})
}
