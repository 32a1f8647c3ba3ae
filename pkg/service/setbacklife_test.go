package service_test

import (
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/setbacktest"
)

// TestSetBack_Suspensions: beneath replicas that have served lists, the database goes back to when
// a client was suspended or resumed, and then goes as far as before, or farther. The lists say what
// the database says. One engine is enough, because what replicas remember does not depend on it.
func TestSetBack_Suspensions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "chaveiro.db")
	db := Must(store.Open(t.Context(), path))(t)
	t.Cleanup(func() { Check(t, db.Close()) })
	Must(db.MigrateUp(t.Context()))(t)
	s := newSuspension(t, WorldOn(t, db, slog.DiscardHandler))
	for _, kept := range []struct {
		before, lost []func()
		next         [][]func()
	}{
		{
			[]func(){s.suspend}, []func(){s.resume, s.suspend, s.resume},
			[][]func(){{}, {s.resume}, {s.resume, s.change}, {s.revoke}},
		},
		{
			[]func(){s.resume, s.suspend, s.resume}, []func(){s.suspend, s.resume, s.suspend},
			[][]func(){{}, {s.change}, {s.suspend, s.change}, {s.revoke}},
		},
	} {
		for _, step := range kept.before {
			step()
			s.want()
		}
		restore := setbacktest.Take(t, path)
		for _, next := range kept.next {
			for _, step := range kept.lost {
				step()
				s.want()
			}
			restore()
			for _, step := range next {
				step()
			}
			s.want()
			restore()
		}
	}
}

// suspension is a client that is suspended and resumed beneath replicas that have served lists.
type suspension struct {
	t                       *testing.T
	w, replica              *World
	client, other           domain.Client
	suspend, resume, revoke func()
}

func newSuspension(t *testing.T, w *World) suspension {
	t.Helper()
	caID := w.NewCA(t).ID
	s := suspension{t: t, w: w, replica: w.Replica(t), client: w.NewClient(t, caID), other: w.NewClient(t, caID)}
	w.Revoke(t, s.other.ID)
	s.suspend = func() { Must(s.replica.Clients.Suspend(t.Context(), s.client.ID))(t) }
	s.resume = func() { Must(s.replica.Clients.Resume(t.Context(), s.client.ID))(t) }
	s.revoke = func() { s.replica.Revoke(t, s.client.ID) }
	return s
}

// change changes the list by another client.
func (s suspension) change() { s.w.Revoke(s.t, s.w.NewClient(s.t, s.client.CAID).ID) }

// want checks the lists of the replicas, and of one that was started now.
func (s suspension) want() {
	s.t.Helper()
	want := -1
	if known := Must(s.w.Clients.Get(s.t.Context(), s.client.ID))(s.t); known.Revoked() {
		want = int(known.Reason)
	}
	for i, served := range []*World{s.w, s.replica, s.w.Replica(s.t)} {
		s.w.Clock.Pass(2 * time.Second) // so that no list has to wait for its thisUpdate
		got, list := -1, served.Current(s.t, s.client.CAID)
		if at := slices.Index(Serials(list), s.client.Serial); at >= 0 {
			got = list.RevokedCertificateEntries[at].ReasonCode
		}
		if got != want || !slices.Contains(Serials(list), s.other.Serial) {
			s.t.Errorf("replica %d: the reason is %d, want %d", i, got, want)
		}
	}
}
