package store_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestPostgres_TakesTooLong: a statement that takes longer than the session lets it, or waits that
// long for a lock, can be repeated.
func TestPostgres_TakesTooLong(t *testing.T) {
	t.Parallel()
	location := postgresURL(t)
	other := writer(t, open(t, location))
	for _, limit := range []string{"statement_timeout", "lock_timeout"} {
		s := open(t, location+"&"+limit+"=200ms")
		held, err := other.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := held.ExecContext(t.Context(), "LOCK TABLE throttles, access_control, cas"); err != nil {
			t.Fatal(err)
		}
		_, writing := s.Throttles().Take(t.Context(), "x", time.Now(), time.Second, 3)
		_, reading := s.CAs().IDs(t.Context())
		inside := s.Transact(t.Context(), func(tx domain.Store) error {
			_, err := tx.Throttles().Take(t.Context(), "y", time.Now(), time.Second, 3)
			return err
		})
		for what, err := range map[string]error{"writing": writing, "reading": reading, "in a transaction": inside} {
			if domain.RetryAfter(err) == 0 {
				t.Errorf("%s, %s: %v", limit, what, err)
			}
		}
		if err := held.Rollback(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Throttles().Take(t.Context(), "x", time.Now(), time.Second, 3); err != nil {
			t.Errorf("%s, afterwards: %v", limit, err)
		}
	}
}
