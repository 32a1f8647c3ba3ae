package pki_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestCRLs_Current(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	t.Run("the first list has the time for a number, is empty, and lives as configured", func(t *testing.T) {
		list := w.Current(t, authority.ID)
		WantSame(t, list.Number.Int64(), Noon.Unix())
		WantSame(t, Serials(list), []string{})
		WantSame(t, list.ThisUpdate, Noon.Add(-ca.CRLBackdate))
		WantSame(t, list.NextUpdate, Noon.Add(CRLLife))
	})
	t.Run("a list without news is signed once", func(t *testing.T) {
		WantSame(
			t, Must(w.CRLs.Current(t.Context(), authority.ID))(t), Must(w.CRLs.Current(t.Context(), authority.ID))(t),
		)
	})
	t.Run("a revocation is on the next list, revoking again changes nothing", func(t *testing.T) {
		var want []string
		for i := range int64(5) {
			number := Noon.Unix() + 1 + i
			client := w.NewClient(t, authority.ID)
			w.Revoke(t, client.ID)
			want = append(want, w.Serial(t, client.ID))
			list := w.Current(t, authority.ID)
			WantSame(t, Serials(list), want)
			WantSame(t, list.Number.Int64(), number)
			WantSame(t, list.RevokedCertificateEntries[i].RevocationTime, Noon)
			w.Revoke(t, client.ID)
			WantSame(t, w.Current(t, authority.ID).Number.Int64(), number)
		}
	})
	t.Run("lists carry number and key identifier and no other extension", func(t *testing.T) {
		var oids []string
		for _, extension := range w.Current(t, authority.ID).Extensions {
			oids = append(oids, extension.Id.String())
		}
		WantSame(t, oids, []string{"2.5.29.35", "2.5.29.20"})
	})
	t.Run("the tag changes with the list", func(t *testing.T) {
		before := Must(w.CRLs.Current(t.Context(), authority.ID))(t).Tag
		WantSame(t, Must(w.Replica(t).CRLs.Current(t.Context(), authority.ID))(t).Tag, before)
		w.Revoke(t, w.NewClient(t, authority.ID).ID)
		if Must(w.CRLs.Current(t.Context(), authority.ID))(t).Tag == before {
			t.Error("the tag is the same")
		}
	})
	t.Run("CAs have lists of their own", func(t *testing.T) {
		WantSame(t, Serials(w.Current(t, w.NewCA(t).ID)), []string{})
	})
	t.Run("a CA that does not exist has none", func(t *testing.T) {
		_, err := w.CRLs.Current(t.Context(), 1<<40)
		WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	})
}

func TestCRLs_Current_Coalesces(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	clients := make([]domain.Client, 20)
	for i := range clients {
		clients[i] = w.NewClient(t, authority.ID)
	}
	before := w.Current(t, authority.ID).Number.Int64()
	Check(t, Together(len(clients), func(i int) error { return w.RevokeClient(t.Context(), clients[i].ID) }))
	Check(t, Together(50, func(int) error {
		crl, err := w.CRLs.Current(t.Context(), authority.ID)
		if err == nil && crl.Number != before+1 {
			err = fmt.Errorf("list %d was served", crl.Number)
		}
		return err
	}))
	list := w.Current(t, authority.ID)
	WantSame(t, list.Number.Int64(), before+1)
	WantSame(t, len(list.RevokedCertificateEntries), len(clients))
}

// TestCRLs_Current_ThisUpdate: OpenVPN keeps the old list if the new one has a thisUpdate in the
// same second.
func TestCRLs_Current_ThisUpdate(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	last := w.Current(t, authority.ID).ThisUpdate
	for range 5 {
		w.Revoke(t, w.NewClient(t, authority.ID).ID)
		list := w.Current(t, authority.ID)
		if list.ThisUpdate.Before(last.Add(time.Second)) || list.ThisUpdate.After(w.Clock.Now()) {
			t.Errorf("thisUpdate is %v after %v", list.ThisUpdate, last)
		}
		last = list.ThisUpdate
	}
	w.Clock.Pass(-2 * time.Hour) // no list begins in the future after the clock was set back
	w.Revoke(t, w.NewClient(t, authority.ID).ID)
	if list := w.Current(t, authority.ID); list.ThisUpdate.After(w.Clock.Now()) {
		t.Errorf("thisUpdate is %v at %v", list.ThisUpdate, w.Clock.Now())
	}
}

func TestCRLs_Current_Renewal(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	w.Current(t, authority.ID)
	due := (CRLLife + ca.CRLBackdate) * 2 / 3
	w.Clock.Pass(due - ca.CRLBackdate - time.Second)
	WantSame(t, w.Current(t, authority.ID).Number.Int64(), Noon.Unix())
	w.Clock.Pass(time.Second)
	list := w.Current(t, authority.ID)
	WantSame(t, list.Number.Int64(), w.Clock.Now().Unix())
	WantSame(t, list.NextUpdate, w.Clock.Now().Add(CRLLife))

	t.Run("refreshing renews every list that is due and no other", func(t *testing.T) {
		young := w.NewCA(t)
		w.Clock.Pass(due - ca.CRLBackdate)
		young2 := w.NewCA(t)
		w.Current(t, young2.ID)
		Check(t, w.CRLs.Refresh(t.Context()))
		for id, want := range map[int64]int64{
			authority.ID: w.Clock.Now().Unix(), young.ID: w.Clock.Now().Unix(), young2.ID: w.Clock.Now().Unix(),
		} {
			WantSame(t, Must(w.Store.CRLs().LastNumber(t.Context(), id))(t), want)
		}
		expiry, _, err := w.Store.CRLs().FirstExpiry(t.Context())
		Check(t, err)
		WantSame(t, expiry, w.Clock.Now().Add(CRLLife))
	})
}

func TestCRLs_Keep(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.CRLs.Keep(ctx, time.Millisecond) }()
	client := w.NewClient(t, authority.ID)
	w.Revoke(t, client.ID)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		crl, found, err := w.Store.CRLs().Latest(t.Context(), authority.ID)
		Check(t, err)
		if found && crl.Epoch == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no list within ten seconds")
		}
	}
	stop()
	<-ended
}

// TestCRLs_Current_DropsEnded: a revocation is dropped after it was on one list that was made after
// the end of its certificate (RFC 5280, section 3.3).
func TestCRLs_Current_DropsEnded(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	short := func() domain.Client {
		asked := Spec(authority.ID)
		asked.Expiration = new(1)
		return Must(w.Clients.Create(t.Context(), asked))(t)
	}
	news := func() string { // makes the next list differ
		client := w.NewClient(t, authority.ID)
		w.Revoke(t, client.ID)
		return w.Serial(t, client.ID)
	}
	inTime, late := short(), short()
	w.Revoke(t, inTime.ID)
	WantSame(t, Serials(w.Current(t, authority.ID)), []string{w.Serial(t, inTime.ID)})

	w.Clock.Pass(2 * Day)
	first := news()
	WantSame(t, Serials(w.Current(t, authority.ID)), []string{w.Serial(t, inTime.ID), first})
	second := news()
	WantSame(t, Serials(w.Current(t, authority.ID)), []string{first, second})

	w.Revoke(t, late.ID) // revoked after its end, it is on one list all the same
	WantSame(t, Serials(w.Current(t, authority.ID)), []string{first, second, w.Serial(t, late.ID)})
	third := news()
	WantSame(t, Serials(w.Current(t, authority.ID)), []string{first, second, third})
	t.Run("a replica that starts now drops the same entries", func(t *testing.T) {
		fourth := news()
		WantSame(t, Serials(w.Replica(t).Current(t, authority.ID)), []string{first, second, third, fourth})
	})
}

// published records the numbers of the lists that a replica published.
type published struct {
	domain.Store
	mu      sync.Mutex
	numbers []int64
}

type publishedCRLs struct {
	domain.CRLs
	p *published
}

func (p *published) CRLs() domain.CRLs { return publishedCRLs{p.Store.CRLs(), p} }

func (c publishedCRLs) Publish(ctx context.Context, crl domain.CRL) (bool, error) {
	ok, err := c.CRLs.Publish(ctx, crl)
	if ok {
		c.p.mu.Lock()
		defer c.p.mu.Unlock()
		c.p.numbers = append(c.p.numbers, crl.Number)
	}
	return ok, err
}

// TestCRLs_Replicas lets two replicas revoke and serve concurrently.
func TestCRLs_Replicas(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := WorldOn(t, open(t), slog.DiscardHandler)
			two := one.Replica(t)
			record := &published{Store: one.Store}
			one.CRLs.Store, two.CRLs.Store = record, record
			authority := one.NewCA(t)
			const workers, rounds = 6, 5
			clients := make([]domain.Client, workers*rounds)
			for i := range clients {
				clients[i] = one.NewClient(t, authority.ID)
			}
			Check(t, Together(workers, func(i int) error {
				mine, other := one, two
				if i%2 == 1 {
					mine, other = two, one
				}
				last := int64(0)
				for _, client := range clients[i*rounds : (i+1)*rounds] {
					if err := mine.RevokeClient(t.Context(), client.ID); err != nil {
						return err
					}
					for _, w := range []*World{mine, other} {
						crl, err := w.CRLs.Current(t.Context(), authority.ID)
						if err != nil {
							return err
						}
						list := parse(t, w, crl)
						if crl.Number < last || !slices.Contains(list, w.Serial(t, client.ID)) {
							return fmt.Errorf("list %d after %d lacks client %d", crl.Number, last, client.ID)
						}
						last = crl.Number
					}
				}
				return nil
			}))
			WantSame(t, len(Serials(one.Current(t, authority.ID))), len(clients))
			WantSame(t, one.Current(t, authority.ID).Raw, two.Current(t, authority.ID).Raw)
			slices.Sort(record.numbers) // they are recorded after publication, perhaps in another order
			for i, number := range record.numbers {
				if number != Noon.Unix()+int64(i) {
					t.Fatalf("published were %v", record.numbers)
				}
			}
			if len(record.numbers) > len(clients)+1 {
				t.Errorf("%d lists for %d revocations", len(record.numbers), len(clients))
			}
		})
	}
}

func parse(t testing.TB, w *World, crl *pki.SignedCRL) []string {
	t.Helper()
	return Serials(Must(x509.ParseRevocationList(crl.DER))(t))
}

// TestCRLs_Current_Contention: a replica that always publishes too late gives up, and says that its
// list is stale.
func TestCRLs_Current_Contention(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	w.CRLs.Store = alwaysLate{w.Store}
	if _, err := w.CRLs.Current(t.Context(), authority.ID); err == nil ||
		!strings.Contains(err.Error(), "another replica") {
		t.Errorf("error is %v", err)
	}
	w.CRLs.Store = w.Store
	w.Current(t, authority.ID)
	w.Revoke(t, w.NewClient(t, authority.ID).ID)
	w.CRLs.Store = alwaysLate{w.Store}
	WantSame(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t).Stale, true)
}

type alwaysLate struct{ domain.Store }

type lateCRLs struct{ domain.CRLs }

func (s alwaysLate) CRLs() domain.CRLs { return lateCRLs{s.Store.CRLs()} }

func (lateCRLs) Publish(context.Context, domain.CRL) (bool, error) { return false, nil }
