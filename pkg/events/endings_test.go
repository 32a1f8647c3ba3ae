package events_test

import (
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// endingTold is an event of something that ends.
type endingTold struct {
	Type domain.EventType
	ID   int64
	Days int
}

// endings are the events of what ends, after an id, and the id of the last event.
func endings(t testing.TB, w *World, after int64) (list []endingTold, last int64) {
	t.Helper()
	told(t, w)
	last = after
	for _, e := range Must(w.Store.Events().After(t.Context(), after, 100_000))(t) {
		last = e.ID
		var data domain.EventData
		Check(t, json.Unmarshal([]byte(e.Data), &data))
		if data.Days != 0 {
			list = append(list, endingTold{e.Type, e.ResourceID, data.Days})
		}
	}
	return list, last
}

// lookFrom looks from replicas at once.
func lookFrom(t testing.TB, replicas ...*World) {
	t.Helper()
	var workers sync.WaitGroup
	for _, w := range replicas {
		workers.Go(func() {
			if err := w.Endings.Look(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
}

// TestEndings: that a certificate ends is told 90, 30, 14, 7 and 1 days ahead, once, although two
// replicas look all the time; of several days that have passed unnoticed only the last is told; and
// of a certificate that was renewed or revoked nothing.
func TestEndings(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replica := w.Replica(t)
			ca := w.NewCA(t)
			days := 100
			spec := func() domain.ClientSpec {
				s := Spec(ca.ID)
				s.Expiration = &days
				return s
			}
			c := Must(w.Clients.Create(Operator(t), spec()))(t)
			renewed := Must(w.Clients.Create(Operator(t), spec()))(t)
			revoked := Must(w.Clients.Create(Operator(t), spec()))(t)
			var last int64
			want := func(list ...endingTold) {
				t.Helper()
				for range 3 {
					lookFrom(t, w, replica)
				}
				var got []endingTold
				got, last = endings(t, w, last)
				WantSame(t, got, list)
			}
			at := func(left int) endingTold { return endingTold{domain.EventCertificateExpiring, c.ID, left} }
			want()
			Must(w.Clients.Renew(Operator(t), renewed.ID, domain.ClientRenewal{}))(t)
			Must(w.Clients.Revoke(Operator(t), revoked.ID, domain.RevocationSpec{}))(t)
			w.Clock.Pass(10*Day - time.Minute)
			want()
			w.Clock.Pass(time.Minute)
			want(at(90))
			w.Clock.Pass(60 * Day)
			want(at(30))
			w.Clock.Pass(25 * Day) // 5 are left
			want(at(7))
			w.Clock.Pass(4 * Day)
			want(at(1))
			w.Clock.Pass(2 * Day)
			want()
		})
	}
}

// TestEndings_Kinds: CAs, apikeys, authorizations and the server's own certificate are told too;
// those that are disabled are not, and a later end is another one.
func TestEndings_Kinds(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ca := Must(w.CAs.Create(Operator(t), domain.CASpec{
				Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, Expiration: new(25),
			}))(t)
			soon := Noon.Add(10 * Day)
			key := w.NewAPIKey(t, func(k *domain.APIKey) { k.ExpiresAt = soon })
			w.NewAPIKey(t, func(k *domain.APIKey) { k.ExpiresAt, k.Enabled = soon, false })
			granted := w.NewAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) {
				a.ExpiresAt = soon.Add(10 * Day)
			})
			look := func() (list []endingTold) {
				lookFrom(t, w)
				Check(t, w.Endings.TLS(t.Context(), Noon.Add(90*Day)))
				Check(t, w.Endings.TLS(t.Context(), Noon.Add(91*Day)))
				list, _ = endings(t, w, 0)
				return list
			}
			got := map[endingTold]int{}
			look()
			for _, one := range look() {
				got[one]++
			}
			WantSame(t, got, map[endingTold]int{
				{domain.EventCAExpiring, ca.ID, 30}: 1, {domain.EventAPIKeyExpiring, key.ID, 14}: 1,
				{domain.EventAuthorizationExpiring, granted.ID, 30}: 1, {domain.EventTLSExpiring, 0, 90}: 1,
			})
			later := soon.Add(time.Hour)
			Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{ExpiresAt: &later}))(t)
			WantSame(t, len(look()), 5)
		})
	}
}

// TestEndings_Further: within a day after all were looked through, a look tells of those whose time
// has come, of those with a new certificate, and of one that is in force again.
func TestEndings_Further(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			ca := w.NewCA(t)
			newClient := func(days int) domain.Client {
				spec := Spec(ca.ID)
				spec.Expiration = &days
				return Must(w.Clients.Create(Operator(t), spec))(t)
			}
			first, held, renewed := newClient(100), newClient(20), newClient(100)
			Must(w.Clients.Suspend(Operator(t), held.ID))(t)
			var last int64
			want := func(list ...endingTold) {
				t.Helper()
				for range 2 {
					lookFrom(t, w)
				}
				var got []endingTold
				got, last = endings(t, w, last)
				WantSame(t, got, list)
			}
			told := func(c domain.Client, days int) endingTold {
				return endingTold{domain.EventCertificateExpiring, c.ID, days}
			}
			w.Clock.Pass(10*Day - time.Hour)
			want()
			Must(w.Clients.Resume(Operator(t), held.ID))(t)
			Must(w.Clients.Renew(Operator(t), renewed.ID, domain.ClientRenewal{Expiration: new(7)}))(t)
			want(told(renewed, 7), told(held, 14))
			w.Clock.Pass(time.Hour)
			want(told(first, 90))
			short := newClient(3)
			want(told(short, 7))
			w.Clock.Pass(20 * time.Minute)
			next := newClient(4)
			want(told(next, 7))
			w.Clock.Pass(Day - time.Hour)
			want()
		})
	}
}
