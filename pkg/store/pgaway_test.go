package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// ownCluster starts a server that only this test uses, and opens a migrated store on it.
func ownCluster(t *testing.T) (*pgtest.Cluster, *store.Store) {
	t.Helper()
	pgtest.Long(t)
	cluster, err := pgtest.Start(t.Context(), pgtest.Config{})
	if err != nil {
		pgtest.GiveUp(t, err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster, openMigrated(t, cluster.URL("postgres"))
}

func storedThrottles(t *testing.T, s *store.Store) int {
	t.Helper()
	var n int
	if err := writer(t, s).QueryRowContext(t.Context(), "SELECT count(*) FROM throttles").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPostgres_NothingIsCommittedLate freezes the server in the middle of transactions and
// statements. They end with their deadlines, and when the server continues, nothing of them is
// committed.
func TestPostgres_NothingIsCommittedLate(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	const transactions = 4
	var group, ready sync.WaitGroup
	frozen := make(chan struct{})
	errs := make([]error, transactions)
	ready.Add(transactions)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for i := range transactions {
		group.Go(func() {
			errs[i] = s.Transact(ctx, func(tx domain.Store) error {
				_, err := tx.Throttles().Take(ctx, fmt.Sprint("late ", i), time.Now(), time.Minute, 5)
				ready.Done()
				<-frozen // only the commit is left
				return err
			})
		})
	}
	ready.Wait()
	for range 4 { // so that connections are open for the event below
		if err := s.Audit().Append(ctx, &domain.Event{At: time.Now(), Action: domain.ActionCreate}); err != nil {
			t.Fatal(err)
		}
	}
	events := func() (n int) {
		if err := writer(t, s).QueryRowContext(t.Context(), "SELECT count(*) FROM audit_events").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := events()
	thaw := freeze(t, cluster)
	close(frozen)
	appended := s.Audit().Append(ctx, &domain.Event{At: time.Now(), Action: domain.ActionCreate})
	group.Wait()
	if !errors.Is(appended, context.DeadlineExceeded) {
		t.Errorf("the event: %v", appended)
	}
	for _, err := range errs {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a transaction: %v", err)
		}
	}
	time.Sleep(1500 * time.Millisecond) // longer than lateSlack
	thaw()
	awaitQuiet(t, s)
	if n := storedThrottles(t, s); n != 0 {
		t.Errorf("%d of %d transactions were committed", n, transactions)
	}
	if n := events() - before; n != 0 {
		t.Errorf("%d events were stored late", n)
	}
}

// freeze stops all processes of the server. thaw lets them continue.
func freeze(t *testing.T, cluster *pgtest.Cluster) (thaw func()) {
	t.Helper()
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	thaw = sync.OnceFunc(func() {
		if err := cluster.Thaw(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(thaw)
	return thaw
}

// awaitQuiet waits until the server executes nothing for other connections.
func awaitQuiet(t *testing.T, s *store.Store) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		var busy int
		err := writer(t, s).QueryRowContext(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'").Scan(
			&busy,
		)
		if err == nil && busy == 0 {
			return
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("%d are busy (%v)", busy, err)
		}
	}
}

// TestPostgres_DeadConnections: after the server has ended all connections no caller gets an error,
// whether the connections were idle or had just been used.
func TestPostgres_DeadConnections(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	work := func() error {
		var group sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			group.Go(func() {
				_, err := s.CAs().IDs(t.Context())
				errs[i] = errors.Join(err, s.Transact(t.Context(), func(tx domain.Store) error {
					_, err := tx.Throttles().Take(t.Context(), fmt.Sprint(i), time.Now(), time.Nanosecond, 1000)
					return err
				}), s.Audit().Append(t.Context(), &domain.Event{At: time.Now(), Action: domain.ActionCreate}))
			})
		}
		group.Wait()
		return errors.Join(errs...)
	}
	other := open(t, cluster.URL("postgres"))
	for round := range 5 {
		if err := work(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		execute(t, writer(t, other), `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	}
}

// TestPostgres_WaitsForARestart: a call waits until the server has restarted, or until its
// deadline.
func TestPostgres_WaitsForARestart(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	if err := cluster.Down(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := s.CAs().IDs(short); domain.RetryAfter(err) == 0 || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
	asked := make(chan error, 3)
	go func() { _, err := s.CAs().IDs(t.Context()); asked <- err }()
	go func() {
		asked <- s.Audit().Append(t.Context(), &domain.Event{At: time.Now(), Action: domain.ActionCreate})
	}()
	go func() {
		asked <- s.Transact(t.Context(), func(tx domain.Store) error {
			_, err := tx.Throttles().Take(t.Context(), "x", time.Now(), time.Minute, 1)
			return err
		})
	}()
	if err := cluster.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range cap(asked) {
		if err := <-asked; err != nil {
			t.Error(err)
		}
	}
}

// TestPostgres_ClockIsSet: a deadline that is computed from an outdated comparison of clocks
// refuses no statement that is in time.
func TestPostgres_ClockIsSet(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	s.SetServerClock(time.Now().Add(-time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Audit().Append(ctx, &domain.Event{At: time.Now(), Action: domain.ActionCreate}); err != nil {
		t.Error(err)
	}
}
