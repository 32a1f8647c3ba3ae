package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestPostgres_Deadlock: of two transactions that wait for each other one is told to try again, and
// the other goes on.
func TestPostgres_Deadlock(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	for _, name := range []string{"a", "b"} {
		if err := s.Leases().Live(t.Context(), domain.Replica{ID: name, SeenAt: storeNoon}); err != nil {
			t.Fatal(err)
		}
	}
	var both, group sync.WaitGroup
	both.Add(2)
	faults := make([]error, 2)
	for i, names := range [][]string{{"a", "b"}, {"b", "a"}} {
		group.Go(func() {
			faults[i] = s.Transact(t.Context(), func(tx domain.Store) error {
				if err := live(t.Context(), tx, names[0]); err != nil {
					return err
				}
				both.Done()
				both.Wait()
				return live(t.Context(), tx, names[1])
			})
		})
	}
	group.Wait()
	away, isAway := errors.AsType[*domain.Unavailable](errors.Join(faults...))
	if (faults[0] == nil) == (faults[1] == nil) || !isAway {
		t.Errorf("%v (%v)", faults, away)
	}
}

func live(ctx context.Context, s domain.Store, name string) error {
	return s.Leases().Live(ctx, domain.Replica{ID: name, SeenAt: storeNoon})
}
