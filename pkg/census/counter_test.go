package census_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/census"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestCounter: a count has what there was at its time, and stays when the next one fails.
func TestCounter(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	if count := w.Census.Last(); count != nil {
		t.Fatalf("before the first count there is %+v", count)
	}
	one, two := w.NewCA(t), w.NewCA(t)
	first, second := w.NewClient(t, one.ID), w.NewClient(t, one.ID)
	w.Revoke(t, second.ID)
	key := w.NewAPIKey(t, func(k *domain.APIKey) { k.ExpiresAt = Noon.Add(Day) })
	Check(t, w.Census.Count(t.Context()))
	count := w.Census.Last()
	want := []domain.CertificateCount{{CAID: one.ID, Active: 1, Revoked: 1, NextExpiry: first.ExpiresAt}}
	if diff := cmp.Diff(want, count.Certificates); diff != "" {
		t.Error(diff)
	}
	if !count.At.Equal(Noon) || count.Took <= 0 || !count.APIKeyEnd.Equal(key.ExpiresAt) || len(count.CAs) != 2 ||
		count.CAs[1].ID != two.ID {
		t.Errorf("the count is %+v", count)
	}
	w.Clock.Pass(2 * Day)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Census.Count(gone); err == nil || w.Census.Last() != count {
		t.Errorf("a count that fails: %v, %+v", err, w.Census.Last())
	}
	Check(t, w.Census.Count(t.Context()))
	if now := w.Census.Last(); !now.APIKeyEnd.IsZero() || now.At.Equal(count.At) {
		t.Errorf("two days later: %+v", now)
	}
}

// TestRest: a count takes a hundredth of the time at most, and there is one each hour at least.
func TestRest(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond: 10 * time.Second, time.Second: 100 * time.Second, time.Minute: time.Hour,
	} {
		if got := census.Rest(took); got != want {
			t.Errorf("after %s the next count comes in %s", took, got)
		}
	}
}

// TestCounter_Continued: while nothing changes a count is continued, also by another server; a
// change is counted when the server has rested, or a day later; then all are read again.
func TestCounter_Continued(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ca := w.NewCA(t)
			days := 1
			spec := Spec(ca.ID)
			spec.Expiration = &days
			short := Must(w.Clients.Create(Operator(t), spec))(t)
			long := w.NewClient(t, ca.ID)
			want := func(w *World, c domain.CertificateCount) {
				t.Helper()
				Check(t, w.Census.Count(t.Context()))
				WantSame(t, w.Census.Last().Certificates, []domain.CertificateCount{c})
			}
			both := domain.CertificateCount{CAID: ca.ID, Active: 2, Expiring: 1, NextExpiry: short.ExpiresAt}
			want(w, both)
			w.Exec(t, "UPDATE certificates SET revoked_at = created_at") // nothing in the audit: it is not seen
			want(w, both)
			w.Exec(t, "UPDATE certificates SET revoked_at = NULL")
			w.Clock.Pass(23 * time.Hour)
			want(w.Replica(t), both)
			w.NewClient(t, ca.ID)
			w.Clock.Pass(time.Hour)
			one := domain.CertificateCount{CAID: ca.ID, Active: 2, Expired: 1, NextExpiry: long.ExpiresAt}
			want(w, one)
			w.Clock.Pass(time.Hour)
			w.Revoke(t, long.ID)
			Check(t, w.Census.Count(t.Context()))
			WantSame(t, w.Census.Last().Certificates[0].Revoked, 1)
		})
	}
}
