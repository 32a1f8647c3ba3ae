package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			user := domain.Principal{Kind: domain.PrincipalUser, ID: 7, Name: "ana"}
			cause := &domain.Error{
				Kind: domain.Forbidden, Field: "authorization", Reason: domain.ReasonScope,
				Err: errors.New("\"quoted\" \x00\xff <text>"),
			}
			want := domain.Event{
				Address: "192.0.2.1", RequestID: "request-1", Operation: "test", Action: domain.ActionAccess,
				Refused: true, Resource: domain.ScopeCAs, ResourceID: 9,
				After: `{"cause":"authorization: right missing: \"quoted\" \u0000\ufffd \u003ctext\u003e","field":"authorization"}`,
			}
			ctx := From(t.Context(), "192.0.2.1")
			WantSame(t, w.Refusals.Record(ctx, domain.ScopeCAs, 9, cause), 0)
			WantSame(t, w.Refusals.Record(domain.WithPrincipal(ctx, user), domain.ScopeCAs, 9, cause), 0)
			events := w.Events(t)
			WantEvent(t, events[0], want)
			want.ActorKind, want.ActorID, want.ActorName = user.Kind, user.ID, user.Name
			WantEvent(t, events[1], want)
			WantSame(t, Must(w.Audit.Verify(t.Context()))(t).Events, 2)
			w.Refusals.Record(ctx, domain.ResourceTokens, 0, cause)
			logins, others := w.Refusals.Refused()
			WantSame(t, [2]int64{logins, others}, [2]int64{1, 2})
		})
	}
}

func TestRefusals_Limit(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	wantRecorded := func(t *testing.T, ctx func(i int) context.Context, n int, wait time.Duration) {
		t.Helper()
		wantRefusalsRecorded(t, w, ctx, n, wait)
	}
	stranger := func(format string) func(int) context.Context {
		return func(i int) context.Context {
			if strings.Contains(format, "%") {
				return From(t.Context(), fmt.Sprintf(format, i+1))
			}
			return From(t.Context(), format)
		}
	}
	known := func(p domain.Principal) func(int) context.Context {
		return func(i int) context.Context {
			return domain.WithPrincipal(From(t.Context(), fmt.Sprintf("10.0.0.%d", i%250)), p)
		}
	}
	t.Run("twenty of an address, then one in two seconds", func(t *testing.T) {
		wantRecorded(t, stranger("192.0.2.1"), 20, 2*time.Second)
		wantRecorded(t, stranger("::ffff:192.0.2.1"), 0, 2*time.Second)
		w.Clock.Pass(2 * time.Second)
		wantRecorded(t, stranger("192.0.2.1"), 1, 2*time.Second)
		wantRecorded(t, stranger("192.0.2.2"), 20, 2*time.Second)
	})
	t.Run("a network of IPv6 is one address", func(t *testing.T) {
		wantRecorded(t, stranger("2001:db8:0:1::%x"), 20, 2*time.Second)
		wantRecorded(t, stranger("2001:db8:0:2::%x"), 20, 2*time.Second)
	})
	t.Run(
		"callers without an address share one rate",
		func(t *testing.T) { wantRecorded(t, stranger(""), 20, 2*time.Second) },
	)
	t.Run("a principal has a higher rate, from any address", func(t *testing.T) {
		wantRecorded(t, known(domain.Principal{Kind: domain.PrincipalUser, ID: 7}), 200, time.Second/20)
		wantRecorded(t, known(domain.Principal{Kind: domain.PrincipalUser, ID: 8}), 200, time.Second/20)
		wantRecorded(t, known(domain.Principal{Kind: domain.PrincipalAPIKey, ID: 7}), 200, time.Second/20)
		w.Clock.Pass(time.Second)
		wantRecorded(t, known(domain.Principal{Kind: domain.PrincipalUser, ID: 7}), 20, time.Second/20)
	})
}

// wantRefusalsRecorded checks that n refusals are recorded, and how long the next ones have to
// wait.
func wantRefusalsRecorded(t *testing.T, w *World, ctx func(i int) context.Context, n int, wait time.Duration) {
	t.Helper()
	refused := domain.Fault(domain.Unauthenticated, "authorization", domain.ReasonCredential)
	before := w.CountEvents(t)
	for i := range n {
		WantSame(t, w.Refusals.Record(ctx(i), domain.ScopeCAs, 0, refused), 0)
	}
	for i := range 3 {
		WantSame(t, w.Refusals.Record(ctx(n+i), domain.ScopeCAs, 0, refused), wait)
	}
	WantSame(t, w.CountEvents(t), before+n)
}

// TestRefusals_Failure: an attempt is refused also when the refusal can't be recorded. The failure
// is logged, unless the caller has gone away.
func TestRefusals_Failure(t *testing.T) {
	t.Parallel()
	log := &LockedBuffer{}
	w := WorldOn(t, NewSQLite(t), slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	Check(t, w.Store.Close())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	fault := domain.Fault(domain.Forbidden, "authorization", domain.ReasonScope)
	WantSame(t, w.Refusals.Record(gone, domain.ScopeCAs, 0, fault), 0)
	WantSame(t, log.String(), "")
	WantSame(t, w.Refusals.Record(t.Context(), domain.ScopeCAs, 0, fault), 0)
	if !strings.Contains(log.String(), "a refusal could not be recorded") {
		t.Errorf("the log is %q", log.String())
	}
}
