package pki_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestClients_RevokeSuperseded: at the end of the overlap, and not before, one of several replicas
// revokes, once; also if one has crashed at it.
func TestClients_RevokeSuperseded(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			authority := w.NewCA(t)
			const n = 4
			var clients []domain.Client
			for range n {
				client := w.NewClient(t, authority.ID)
				Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: new(Day)}))(t)
				clients = append(clients, client)
			}
			replicas := []*World{w, w.Replica(t), w.Replica(t)}
			want := func(state string) {
				t.Helper()
				for _, client := range clients {
					wantLife(t, replicas, client.ID, state, "valid")
				}
			}
			together := func() error {
				return Together(2*len(replicas), func(i int) error {
					return replicas[i%len(replicas)].Clients.RevokeSuperseded(t.Context())
				})
			}
			events := w.CountEvents(t)
			w.Clock.Pass(Day - time.Microsecond)
			Check(t, together())
			want("valid")
			WantSame(t, w.CountEvents(t), events)

			w.Clock.Pass(time.Microsecond)
			crashing := w.Replica(t)
			crashing.Clients.Store = &Hooked{Store: w.Store, AfterTransact: func() error { return errDown }}
			if err := crashing.Clients.RevokeSuperseded(t.Context()); err == nil {
				t.Error("the crash went unnoticed")
			}
			want("valid")
			WantSame(t, w.CountEvents(t), events)

			replicas = append(replicas, w.Replica(t))
			Check(t, together())
			want("superseded")
			WantSame(t, w.CountEvents(t), events+n)
			WantSame(t, Must(w.Store.Revocations().Epoch(t.Context(), authority.ID))(t), n)
			w.Clock.Pass(time.Hour)
			Check(t, together())
			WantSame(t, w.CountEvents(t), events+n)
		})
	}
}

// TestClients_RevokeSuperseded_Between: what happens between the question and the revocation
// counts: nothing is revoked twice, or for another reason than it was.
func TestClients_RevokeSuperseded_Between(t *testing.T) {
	t.Parallel()
	for want, between := range map[string]func(w *World, id int64) error{
		"superseded":    func(w *World, _ int64) error { return w.Clients.RevokeSuperseded(t.Context()) },
		"keyCompromise": func(w *World, id int64) error { return revoking(t, id, domain.KeyCompromise)(w) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			client := w.NewClient(t, w.NewCA(t).ID)
			Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: new(Day)}))(t)
			w.Clock.Pass(Day)
			slow := w.Replica(t)
			slow.Clients.Store = &Hooked{Store: w.Store, BeforeTransact: func() { Check(t, between(w, client.ID)) }}
			events := w.CountEvents(t)
			Check(t, slow.Clients.RevokeSuperseded(t.Context()))
			last := "valid"
			if want == "keyCompromise" {
				last = want
			}
			wantLife(t, []*World{w, slow}, client.ID, want, last)
			WantSame(t, w.CountEvents(t), events+1)
		})
	}
}

// TestClients_RevokeSuperseded_OneFails: a certificate that can't be revoked keeps none of the
// others from it.
func TestClients_RevokeSuperseded_OneFails(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	first, second := w.NewClient(t, caID), w.NewClient(t, caID)
	for _, client := range []domain.Client{first, second} {
		Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: new(Day)}))(t)
	}
	w.Clock.Pass(2 * Day)
	failures := 1
	w.Clients.Store = &Hooked{Store: w.Store, AfterTransact: func() error {
		if failures--; failures < 0 {
			return nil
		}
		return errDown
	}}
	if err := w.Clients.RevokeSuperseded(t.Context()); err == nil {
		t.Error("the failure went unnoticed")
	}
	wantLife(t, []*World{w}, first.ID, "valid", "valid")
	wantLife(t, []*World{w}, second.ID, "superseded", "valid")
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
	wantLife(t, []*World{w}, first.ID, "superseded", "valid")
}

// TestClients_RevokeSuperseded_ManyFail: as many that can't be revoked as are read at once keep
// none of the others from it, and are told.
func TestClients_RevokeSuperseded_ManyFail(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.Store.Rehearse(false) // the commits are counted
	caID := w.NewCA(t).ID
	const failing, others = 100, 3
	for range failing + others {
		Must(w.Clients.Renew(t.Context(), w.NewClient(t, caID).ID, domain.ClientRenewal{Overlap: new(Day)}))(t)
	}
	w.Clock.Pass(2 * Day)
	tried := 0
	w.Clients.Store = &Hooked{Store: w.Store, AfterTransact: func() error {
		if tried++; tried <= failing {
			return errDown
		}
		return nil
	}}
	err := w.Clients.RevokeSuperseded(t.Context())
	if told, ok := err.(interface{ Unwrap() []error }); !ok || len(told.Unwrap()) != failing {
		t.Errorf("told: %v", err)
	}
	WantSame(t, tried, failing+others)
	due := func() int {
		return len(Must(w.Store.Certificates().Superseded(t.Context(), w.Clock.Now(), 1000))(t))
	}
	WantSame(t, due(), failing)
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
	WantSame(t, due(), 0)
}

// TestClients_RevokeSuperseded_Told: what can't be revoked is told at once, and then once a minute,
// each with its certificate.
func TestClients_RevokeSuperseded_Told(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	var serials []string
	for range 2 {
		client := w.NewClient(t, caID)
		Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: new(Day)}))(t)
		serials = append(serials, client.Serial)
	}
	w.Clock.Pass(2 * Day)
	store := w.Clients.Store
	w.Clients.Store = &Hooked{Store: w.Store, AfterTransact: func() error { return errDown }}
	told := 0
	for range 150 {
		if err := w.Clients.RevokeSuperseded(t.Context()); err != nil {
			told++
			if text := err.Error(); !strings.Contains(text, serials[0]) || !strings.Contains(text, serials[1]) {
				t.Error(text)
			}
		}
		w.Clock.Pass(time.Second)
	}
	if told != 3 {
		t.Errorf("told %d times in 150 seconds", told)
	}
	w.Clients.Store = store
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
	if due := Must(w.Store.Certificates().Superseded(t.Context(), w.Clock.Now(), 9))(t); len(due) != 0 {
		t.Errorf("%+v are still due", due)
	}
}
