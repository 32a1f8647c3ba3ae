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
)

// failing makes the first changes of replicas fail with a code, when the statement ends or at the
// commit. A sequence counts them: what is rolled back does not take its numbers back.
func failing(t *testing.T, s *store.Store, code string, times int, when string) {
	t.Helper()
	db := writer(t, s)
	execute(t, db, "DROP TRIGGER IF EXISTS fails ON replicas")
	execute(t, db, "DROP SEQUENCE IF EXISTS failures")
	execute(t, db, "CREATE SEQUENCE failures")
	execute(t, db, fmt.Sprintf(`CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('failures') <= %d THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '%s'; END IF; RETURN NULL; END $$`,
		times, code))
	execute(t, db, "CREATE CONSTRAINT TRIGGER fails AFTER INSERT OR UPDATE ON replicas DEFERRABLE INITIALLY "+when+
		" FOR EACH ROW EXECUTE FUNCTION fails()")
}

// TestPostgres_Retry: what the server has certainly rolled back runs again and is done once, what
// it may have committed or will refuse again does not.
func TestPostgres_Retry(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	const atOnce, atCommit = "IMMEDIATE", "DEFERRED"
	for i, test := range []struct {
		code  string
		times int
		when  string
		runs  int // 0: it fails, after one
	}{
		{"40001", 1, atOnce, 2},
		{"40001", 1, atCommit, 2},
		{"40001", 5, atCommit, 6},
		{"40P01", 2, atOnce, 3},
		{"57P01", 1, atOnce, 2},
		{"57P01", 1, atCommit, 0}, // it is not known what became of it
		{"40003", 1, atCommit, 0}, // nor here, says the server
		{"25006", 1, atOnce, 0},
		{"53200", 1, atOnce, 0},
		{"23505", 1, atCommit, 0},
	} {
		t.Run(fmt.Sprint(test.code, " ", test.when, " ", test.times), func(t *testing.T) {
			failing(t, s, test.code, test.times, test.when)
			name, runs := fmt.Sprint("transaction ", i), 0
			err := s.Transact(t.Context(), func(tx domain.Store) error {
				runs++
				return live(t.Context(), tx, name)
			})
			if runs != max(test.runs, 1) || (err == nil) != (test.runs > 0) {
				t.Errorf("%d runs: %v", runs, err)
			}
			if unknown := test.when == atCommit && test.code != "23505"; err != nil && unknown && domain.RetryAfter(err) == 0 {
				t.Errorf("%v does not say to try again", err)
			}
			if n := beats(t, s)[name]; n != min(int64(test.runs), 1) {
				t.Errorf("it was done %d times", n)
			}
		})
	}
}

// TestPostgres_Retry_Statement: a statement outside a transaction is one, for the server.
func TestPostgres_Retry_Statement(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	for _, when := range []string{"IMMEDIATE", "DEFERRED"} {
		failing(t, s, "40001", 3, when)
		if err := live(t.Context(), s, when); err != nil || beats(t, s)[when] != 1 {
			t.Errorf("%s: %v, %v", when, err, beats(t, s))
		}
	}
	if n := s.Retried(store.RetryOrder); n != 6 {
		t.Errorf("%d were counted", n)
	}
}

// TestPostgres_Retry_Bounds: what never succeeds ends, with an error that says to try again.
func TestPostgres_Retry_Bounds(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	failing(t, s, "40001", 1000000, "DEFERRED")
	transact := func(ctx context.Context) error {
		return s.Transact(ctx, func(tx domain.Store) error { return live(ctx, tx, "x") })
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := transact(short); domain.RetryAfter(err) == 0 || time.Since(begun) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
	for _, err := range []error{transact(t.Context()), live(t.Context(), s, "x")} {
		if _, ok := errors.AsType[*domain.Unavailable](err); !ok {
			t.Errorf("%v", err)
		}
	}
	if len(beats(t, s)) > 0 {
		t.Errorf("it was done: %v", beats(t, s))
	}
}

// TestPostgres_Retry_Lost: a transaction whose connection is lost before its commit runs again, on
// another one; where connections go on being lost, three times.
func TestPostgres_Retry_Lost(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.Postgres)](t))
	for name, test := range map[string]struct{ lost, runs int }{"once": {1, 2}, "always": {100, 3}} {
		runs := 0
		err := s.Transact(t.Context(), func(tx domain.Store) error {
			if runs++; runs <= test.lost {
				cut(t, s, tx.(*store.Store))
			}
			return live(t.Context(), tx, name)
		})
		if done := test.lost < test.runs; runs != test.runs || (err == nil) != done ||
			(beats(t, s)[name] == 1) != done {
			t.Errorf("%s: %d runs: %v", name, runs, err)
		}
		if err != nil && domain.RetryAfter(err) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// cut ends the connection of a transaction.
func cut(t *testing.T, s, tx *store.Store) {
	t.Helper()
	var pid int
	if err := tx.TxRow(t.Context(), &pid, "SELECT pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	execute(t, writer(t, s), fmt.Sprintf("SELECT pg_terminate_backend(%d, 5000)", pid))
}

// TestPostgres_Serializable_Skew: of transactions that each read what another changes, and so fit
// into no order, none fails.
func TestPostgres_Serializable_Skew(t *testing.T) {
	t.Parallel()
	s := open(t, serializableURL(t))
	const writers = 8
	var both sync.WaitGroup
	both.Add(writers)
	var group sync.WaitGroup
	faults, seen := make([]error, writers), make([]int, writers)
	for i := range writers {
		arrive := sync.OnceFunc(func() { both.Done(); both.Wait() })
		group.Go(func() {
			faults[i] = s.Transact(t.Context(), func(tx domain.Store) error {
				list, err := tx.Leases().Replicas(t.Context())
				if err != nil {
					return err
				}
				seen[i] = len(list)
				arrive()
				return live(t.Context(), tx, fmt.Sprint(i))
			})
		})
	}
	group.Wait()
	if err := errors.Join(faults...); err != nil {
		t.Error(err)
	}
	at := map[int]bool{}
	for _, n := range seen { // in whatever order: each has seen those before it
		at[n] = true
	}
	if len(at) != writers || s.Retried(store.RetryOrder) == 0 {
		t.Errorf("they have seen %v, %d tries were repeated", seen, s.Retried(store.RetryOrder))
	}
}

// beats are how often replicas have said that they live.
func beats(t *testing.T, s *store.Store) map[string]int64 {
	t.Helper()
	list, err := s.Leases().Replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for _, one := range list {
		found[one.ID] = one.Beat
	}
	return found
}
