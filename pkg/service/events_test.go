package service_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// events are all that the audit has, the oldest first.
func (w *world) events(t testing.TB) []domain.Event {
	t.Helper()
	var all []domain.Event
	for cursor := new(int64); cursor != nil; {
		page := must(w.Audit.Page(t.Context(), domain.AuditFilter{}, domain.PageRequest{Cursor: *cursor, Size: 100}))(t)
		all, cursor = append(all, page.Items...), page.Next
	}
	return all
}

// countEvents is how many events there are.
func (w *world) countEvents(t testing.TB) (n int) {
	t.Helper()
	check(t, must(w.store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM audit_events").Scan(&n))
	return n
}

// wantEvent compares what an event says; its id, place and time are the database's and the clock's.
func wantEvent(t testing.TB, got, want domain.Event) {
	t.Helper()
	got.ID, got.Link, got.At = 0, domain.Link{}, time.Time{}
	wantSame(t, got, want)
}
