package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestRights_Waiting: a change that has waited for its chain for more than a second is not stored
// when the rights have changed meanwhile.
func TestRights_Waiting(t *testing.T) {
	t.Parallel()
	s := open(t, postgresURL(t))
	ctx := t.Context()
	point, err := s.AccessControl().Point(ctx)
	if err != nil {
		t.Fatal(err)
	}
	event := func() *domain.Event { return &domain.Event{At: time.Unix(0, 0), Point: point} }
	release := holdChains(t, s)
	results := map[string]chan error{}
	for what, change := range map[string]func() error{
		"by itself": func() error { return s.Audit().Append(ctx, event()) },
		"in a transaction": func() error {
			return s.Transact(ctx, func(tx domain.Store) error { return tx.Audit().Append(ctx, event()) })
		},
		"many": func() error { return s.Audit().AppendAll(ctx, []*domain.Event{event(), event()}) },
	} {
		result := make(chan error, 1)
		results[what] = result
		go func() { result <- change() }()
	}
	begin := time.Now()
	waitForLocks(t, s, len(results))
	statement(t, s, "UPDATE access_control SET epoch = epoch + 1")
	time.Sleep(time.Until(begin.Add(1500 * time.Millisecond)))
	release()
	for what, result := range results {
		err := <-result
		passes := domain.RetryAfter(err) > 0 && !errors.Is(err, context.DeadlineExceeded)
		if what == "in a transaction" && !passes || what != "in a transaction" &&
			!errors.Is(err, domain.ErrRightsMoved) {
			t.Errorf("%s: %v", what, err)
		}
	}
	page, err := s.Audit().Page(ctx, domain.AuditFilter{}, domain.PageRequest{Size: 10})
	if err != nil || len(page.Items) > 0 {
		t.Errorf("%d events, %v", len(page.Items), err)
	}
}

// holdChains locks all chains until release is called.
func holdChains(t *testing.T, s *store.Store) (release func()) {
	t.Helper()
	db, err := s.SQL()
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("SELECT FROM audit_chains FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// waitForLocks returns when n statements wait for a lock.
func waitForLocks(t *testing.T, s *store.Store, n int) {
	t.Helper()
	db, err := s.SQL()
	if err != nil {
		t.Fatal(err)
	}
	for waiting := 0; waiting < n; time.Sleep(10 * time.Millisecond) {
		query := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		if err := db.QueryRowContext(t.Context(), query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}

func statement(t *testing.T, s *store.Store, text string) {
	t.Helper()
	db, err := s.SQL()
	if err == nil {
		_, err = db.ExecContext(t.Context(), text)
	}
	if err != nil {
		t.Fatal(err)
	}
}
