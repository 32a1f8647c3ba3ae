package pki_test

import (
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// skews are by how much the clock of a replica is off.
var skews = []time.Duration{-time.Hour, -time.Minute, -8 * time.Second, 8 * time.Second, time.Minute, time.Hour}

// off returns a replica whose clock is the real one, off by so much.
func off(t testing.TB, w *World, by time.Duration) *World {
	t.Helper()
	return w.With(t, func(s *service.Settings) {
		s.DatabaseClock, s.Wait = true, nil
		s.Now = func() time.Time { return time.Now().Add(by).UTC().Truncate(time.Microsecond) }
	})
}

// began makes the last list of a CA one that began at a time, as it does after many revocations.
func began(t testing.TB, w *World, caID int64, at time.Time) {
	t.Helper()
	number := at.Unix()
	Check(t, w.Store.CRLs().Continue(t.Context(), caID, number, &domain.CRL{
		CAID: caID, Number: number, ThisUpdate: at.Truncate(time.Second), NextUpdate: at.Add(CRLLife), SignedAt: at,
		DER: []byte{1},
	}))
}

// TestCRLs_ClocksOfReplicas lets two replicas revoke and sign by turns, one of them with a clock
// that is off, when the last list has begun a few seconds ago. Each list that either serves begins
// later than the one before and not in the future, so OpenVPN takes it at once.
func TestCRLs_ClocksOfReplicas(t *testing.T) {
	t.Parallel()
	base := WorldOn(t, NewPostgres(t), slog.DiscardHandler)
	for _, skew := range skews {
		for first, names := range []string{"right", "wrong"} {
			t.Run(fmt.Sprintf("%v, the %s one first", skew, names), func(t *testing.T) {
				t.Parallel()
				replicas := []*World{off(t, base, 0), off(t, base, skew)}
				if first == 1 {
					slices.Reverse(replicas)
				}
				authority := replicas[0].NewCA(t)
				last, number := time.Now().Add(-8*time.Second), new(big.Int)
				began(t, base, authority.ID, last)
				for i := range 6 {
					w, other := replicas[i%2], replicas[(i+1)%2]
					client := w.NewClient(t, authority.ID)
					w.Revoke(t, client.ID)
					list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
					if !list.ThisUpdate.After(last.Truncate(time.Second)) || list.ThisUpdate.After(time.Now()) ||
						list.Number.Cmp(number) <= 0 || len(list.Entries) != i+1 {
						t.Errorf("list %d of %d entries begins at %v, after %d of %v, at %v",
							list.Number, len(list.Entries), list.ThisUpdate, number, last, time.Now())
					}
					if !list.NextUpdate.After(time.Now().Add(CRLLife - time.Minute)) {
						t.Errorf("it ends at %v", list.NextUpdate)
					}
					last, number = list.ThisUpdate, list.Number
					WantSame(t, Must(other.CRLs.Current(t.Context(), authority.ID))(t).DER, list.Raw)
				}
			})
		}
	}
}

// TestCRLs_ClockSet: the one clock of a machine with SQLite is set while the last list has just
// begun. What is revoked then is at once on a list that is valid, and the next list begins later
// than all before.
func TestCRLs_ClockSet(t *testing.T) {
	t.Parallel()
	for _, skew := range skews {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			authority := w.NewCA(t)
			began(t, w, authority.ID, w.Clock.Now().Add(-time.Second))
			w.Revoke(t, w.NewClient(t, authority.ID).ID)
			before := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
			w.Clock.Pass(skew)
			w.Revoke(t, w.NewClient(t, authority.ID).ID)
			list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
			if list.ThisUpdate.After(w.Clock.Now()) || list.Number.Cmp(before.Number) <= 0 || len(list.Entries) != 2 {
				t.Errorf("list %d of %d entries begins at %v, at %v", list.Number, len(list.Entries), list.ThisUpdate,
					w.Clock.Now())
			}
			w.Clock.Pass(skew.Abs() + time.Second)
			for _, replica := range []*World{w, w.Replica(t)} {
				later := listOf(t, Must(replica.CRLs.Current(t.Context(), authority.ID))(t))
				if latest(list, before).After(later.ThisUpdate) || later.ThisUpdate.After(w.Clock.Now()) {
					t.Errorf("the list begins at %v, those before at %v and %v", later.ThisUpdate, before.ThisUpdate,
						list.ThisUpdate)
				}
			}
		})
	}
}

func latest(lists ...*ca.CRL) (at time.Time) {
	for _, one := range lists {
		if one.ThisUpdate.After(at) {
			at = one.ThisUpdate
		}
	}
	return at
}

// TestCRLs_AlmostBegun: a list that begins in two seconds, by a clock that was set back a little,
// is waited for: the next one begins later, and is not in the future when it is served.
func TestCRLs_AlmostBegun(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := off(t, WorldOn(t, open(t), slog.DiscardHandler), 0)
			authority := w.NewCA(t)
			soon := time.Now().Add(2 * time.Second)
			began(t, w, authority.ID, soon)
			list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
			WantSame(t, list.ThisUpdate, soon.UTC().Truncate(time.Second).Add(time.Second))
			if list.ThisUpdate.After(time.Now()) {
				t.Errorf("it begins at %v, at %v", list.ThisUpdate, time.Now())
			}
		})
	}
}

// TestCRLs_ClockNeverSet: a database whose clock is years off says nothing about lists.
func TestCRLs_ClockNeverSet(t *testing.T) {
	t.Parallel()
	w := WorldOn(t, NewPostgres(t), slog.DiscardHandler)
	years := off(t, w, -20*365*Day)
	authority := years.NewCA(t)
	list := listOf(t, Must(years.CRLs.Current(t.Context(), authority.ID))(t))
	if age := years.Settings.Now().Sub(list.ThisUpdate); age < ca.CRLBackdate || age > ca.CRLBackdate+time.Minute {
		t.Errorf("it began %v ago", age)
	}
}

// TestOCSP_ClocksOfReplicas: the answers of a replica whose clock is off have begun and last as
// long as those of the others, and are used again all the same.
func TestOCSP_ClocksOfReplicas(t *testing.T) {
	t.Parallel()
	base := WorldOn(t, NewPostgres(t), slog.DiscardHandler)
	right := off(t, base, 0)
	for _, skew := range skews {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			w, authority := off(t, base, skew), right.NewCA(t)
			cert := certOf(t, right, right.NewClient(t, authority.ID).ID)
			ask(t, right, authority.ID, cert) // makes the responder
			got := ask(t, w, authority.ID, cert)
			if now := time.Now(); got.ThisUpdate.After(now) || got.NextUpdate.Before(now.Add(OCSPLife-10*time.Second)) {
				t.Errorf("it lasts from %v to %v, at %v", got.ThisUpdate, got.NextUpdate, now)
			}
			WantSame(t, ask(t, w, authority.ID, cert).Raw, got.Raw)
		})
	}
}
