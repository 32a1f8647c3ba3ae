package servicetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Events returns all events of the audit, the oldest first.
func (w *World) Events(t testing.TB) []domain.Event {
	t.Helper()
	var all []domain.Event
	for cursor := new(int64); cursor != nil; {
		page := Must(w.Audit.Page(t.Context(), domain.AuditFilter{}, domain.PageRequest{Cursor: *cursor, Size: 100}))(t)
		all, cursor = append(all, page.Items...), page.Next
	}
	return all
}

// CountEvents returns the number of events.
func (w *World) CountEvents(t testing.TB) (n int) {
	t.Helper()
	Check(t, Must(w.Store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM audit_events").Scan(&n))
	return n
}

// WantEvent compares an event without its id, link and time, which the database and the clock set.
func WantEvent(t testing.TB, got, want domain.Event) {
	t.Helper()
	got.ID, got.Link, got.At = 0, domain.Link{}, time.Time{}
	WantSame(t, got, want)
}
