package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestPostgres_NoConnectionLasts: while the server ends each connection as soon as it sees it,
// callers are told to try again, whatever they ask for.
func TestPostgres_NoConnectionLasts(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	other := writer(t, open(t, cluster.URL("postgres")))
	asking, end := context.WithTimeout(t.Context(), 3*time.Second)
	defer end()
	var group sync.WaitGroup
	for caller := range 8 {
		group.Go(func() {
			for asking.Err() == nil {
				_, reading := s.CAs().IDs(t.Context())
				writing := s.Transact(t.Context(), func(tx domain.Store) error {
					_, err := tx.Throttles().Take(t.Context(), fmt.Sprint(caller), time.Now(), time.Nanosecond, 1000)
					return err
				})
				_, looking := s.Histories().Incarnation(t.Context())
				for _, err := range []error{reading, writing, looking} {
					if err != nil && domain.RetryAfter(err) == 0 {
						t.Errorf("%v", err)
					}
				}
			}
		})
	}
	for asking.Err() == nil {
		execute(t, other, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	}
	group.Wait()
}

// TestPostgres_NoRoom: a statement for which the server has no disk or memory can be repeated, and
// its connection is used further.
func TestPostgres_NoRoom(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	other := writer(t, open(t, cluster.URL("postgres")))
	take := func() error {
		return s.Transact(t.Context(), func(tx domain.Store) error {
			_, err := tx.Throttles().Take(t.Context(), "x", time.Now(), time.Nanosecond, 1000)
			return err
		})
	}
	for code, temporary := range map[string]bool{"53100": true, "53200": true, "XX000": false} {
		execute(t, other, fmt.Sprintf(`CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '%s'; END $$`, code))
		execute(t, other, `CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON throttles FOR EACH ROW EXECUTE FUNCTION no_room()`)
		if err := take(); err == nil || (domain.RetryAfter(err) > 0) != temporary {
			t.Errorf("%s: %v", code, err)
		}
		execute(t, other, "DROP FUNCTION no_room CASCADE")
		if err := take(); err != nil {
			t.Errorf("after %s: %v", code, err)
		}
	}
}

// TestPostgres_LateCommit: a transaction whose deadline is over before its commit says so.
func TestPostgres_LateCommit(t *testing.T) {
	t.Parallel()
	_, s := ownCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.Transact(ctx, func(domain.Store) error {
		<-ctx.Done()
		time.Sleep(200 * time.Millisecond) // meanwhile it is rolled back
		return nil
	})
	if domain.RetryAfter(err) == 0 {
		t.Errorf("%v", err)
	}
}

// TestPostgres_LostInTheMiddle: a connection that is lost while rows are read says to try again.
func TestPostgres_LostInTheMiddle(t *testing.T) {
	t.Parallel()
	cluster, s := ownCluster(t)
	other := writer(t, open(t, cluster.URL("postgres")))
	rows, err := writer(t, s).QueryContext(t.Context(), "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	rows.Next()
	execute(t, other, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	for rows.Next() {
	}
	if err := rows.Err(); domain.RetryAfter(err) == 0 {
		t.Errorf("%v", err)
	}
}
