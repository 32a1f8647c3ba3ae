package service_test

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
	"github.com/chaveiro/chaveiro/pkg/service"
)

func TestCRLs_Current(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	t.Run("the first list has the time for a number, is empty, and lives as configured", func(t *testing.T) {
		list := w.current(t, authority.ID)
		wantSame(t, list.Number.Int64(), noon.Unix())
		wantSame(t, serials(list), []string{})
		wantSame(t, list.ThisUpdate, noon.Add(-ca.CRLBackdate))
		wantSame(t, list.NextUpdate, noon.Add(crlLife))
	})
	t.Run("a list without news is signed once", func(t *testing.T) {
		wantSame(t, must(w.CRLs.Current(t.Context(), authority.ID))(t), must(w.CRLs.Current(t.Context(), authority.ID))(t))
	})
	t.Run("a revocation is on the next list, revoking again changes nothing", func(t *testing.T) {
		var want []string
		for i := range int64(5) {
			number := noon.Unix() + 1 + i
			client := w.newClient(t, authority.ID)
			w.revoke(t, client.ID)
			want = append(want, w.serial(t, client.ID))
			list := w.current(t, authority.ID)
			wantSame(t, serials(list), want)
			wantSame(t, list.Number.Int64(), number)
			wantSame(t, list.RevokedCertificateEntries[i].RevocationTime, noon)
			w.revoke(t, client.ID)
			wantSame(t, w.current(t, authority.ID).Number.Int64(), number)
		}
	})
	t.Run("lists carry number and key identifier and no other extension", func(t *testing.T) {
		var oids []string
		for _, extension := range w.current(t, authority.ID).Extensions {
			oids = append(oids, extension.Id.String())
		}
		wantSame(t, oids, []string{"2.5.29.35", "2.5.29.20"})
	})
	t.Run("the tag changes with the list", func(t *testing.T) {
		before := must(w.CRLs.Current(t.Context(), authority.ID))(t).Tag
		wantSame(t, must(w.replica(t).CRLs.Current(t.Context(), authority.ID))(t).Tag, before)
		w.revoke(t, w.newClient(t, authority.ID).ID)
		if must(w.CRLs.Current(t.Context(), authority.ID))(t).Tag == before {
			t.Error("the tag is the same")
		}
	})
	t.Run("CAs have lists of their own", func(t *testing.T) {
		wantSame(t, serials(w.current(t, w.newCA(t).ID)), []string{})
	})
	t.Run("a CA that does not exist has none", func(t *testing.T) {
		_, err := w.CRLs.Current(t.Context(), 1<<40)
		wantFaults(t, err, fault{domain.Missing, "id", domain.ReasonNotFound})
	})
}

func TestCRLs_Current_Coalesces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	clients := make([]domain.Client, 20)
	for i := range clients {
		clients[i] = w.newClient(t, authority.ID)
	}
	before := w.current(t, authority.ID).Number.Int64()
	check(t, together(len(clients), func(i int) error { return w.Clients.Revoke(t.Context(), clients[i].ID) }))
	check(t, together(50, func(int) error {
		crl, err := w.CRLs.Current(t.Context(), authority.ID)
		if err == nil && crl.Number != before+1 {
			err = fmt.Errorf("list %d was served", crl.Number)
		}
		return err
	}))
	list := w.current(t, authority.ID)
	wantSame(t, list.Number.Int64(), before+1)
	wantSame(t, len(list.RevokedCertificateEntries), len(clients))
}

// TestCRLs_Current_ThisUpdate: OpenVPN keeps an old list whose thisUpdate is the same second as that of the new one.
func TestCRLs_Current_ThisUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	last := w.current(t, authority.ID).ThisUpdate
	for range 5 {
		w.revoke(t, w.newClient(t, authority.ID).ID)
		list := w.current(t, authority.ID)
		if list.ThisUpdate.Before(last.Add(time.Second)) || list.ThisUpdate.After(w.clock.Now()) {
			t.Errorf("thisUpdate is %v after %v", list.ThisUpdate, last)
		}
		last = list.ThisUpdate
	}
	w.clock.pass(-2 * time.Hour) // a clock that was set back makes no list of the future
	w.revoke(t, w.newClient(t, authority.ID).ID)
	if list := w.current(t, authority.ID); list.ThisUpdate.After(w.clock.Now()) {
		t.Errorf("thisUpdate is %v at %v", list.ThisUpdate, w.clock.Now())
	}
}

func TestCRLs_Current_Renewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	w.current(t, authority.ID)
	due := (crlLife + ca.CRLBackdate) * 2 / 3
	w.clock.pass(due - ca.CRLBackdate - time.Second)
	wantSame(t, w.current(t, authority.ID).Number.Int64(), noon.Unix())
	w.clock.pass(time.Second)
	list := w.current(t, authority.ID)
	wantSame(t, list.Number.Int64(), w.clock.Now().Unix())
	wantSame(t, list.NextUpdate, w.clock.Now().Add(crlLife))

	t.Run("refreshing renews every list that is due and no other", func(t *testing.T) {
		young := w.newCA(t)
		w.clock.pass(due - ca.CRLBackdate)
		young2 := w.newCA(t)
		w.current(t, young2.ID)
		check(t, w.CRLs.Refresh(t.Context()))
		for id, want := range map[int64]int64{authority.ID: w.clock.Now().Unix(), young.ID: w.clock.Now().Unix(), young2.ID: w.clock.Now().Unix()} {
			wantSame(t, must(w.store.CRLs().LastNumber(t.Context(), id))(t), want)
		}
		expiry, _, err := w.store.CRLs().FirstExpiry(t.Context())
		check(t, err)
		wantSame(t, expiry, w.clock.Now().Add(crlLife))
	})
}

func TestCRLs_Keep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.CRLs.Keep(ctx, time.Millisecond) }()
	client := w.newClient(t, authority.ID)
	w.revoke(t, client.ID)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		crl, found, err := w.store.CRLs().Latest(t.Context(), authority.ID)
		check(t, err)
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

// TestCRLs_Current_DropsEnded: a revocation leaves the list after it was on one that was made after its certificate's end (RFC 5280, 3.3).
func TestCRLs_Current_DropsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	short := func() domain.Client {
		asked := spec(authority.ID)
		asked.Expiration = new(1)
		return must(w.Clients.Create(t.Context(), asked))(t)
	}
	news := func() string { // makes the next list differ
		client := w.newClient(t, authority.ID)
		w.revoke(t, client.ID)
		return w.serial(t, client.ID)
	}
	inTime, late := short(), short()
	w.revoke(t, inTime.ID)
	wantSame(t, serials(w.current(t, authority.ID)), []string{w.serial(t, inTime.ID)})

	w.clock.pass(2 * day)
	first := news()
	wantSame(t, serials(w.current(t, authority.ID)), []string{w.serial(t, inTime.ID), first})
	second := news()
	wantSame(t, serials(w.current(t, authority.ID)), []string{first, second})

	w.revoke(t, late.ID) // after its end: it is on one list nevertheless
	wantSame(t, serials(w.current(t, authority.ID)), []string{first, second, w.serial(t, late.ID)})
	third := news()
	wantSame(t, serials(w.current(t, authority.ID)), []string{first, second, third})
	t.Run("a replica that begins now drops the same", func(t *testing.T) {
		fourth := news()
		wantSame(t, serials(w.replica(t).current(t, authority.ID)), []string{first, second, third, fourth})
	})
}

// published records the lists that a replica published.
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

// TestCRLs_Replicas lets two replicas revoke and serve at once.
func TestCRLs_Replicas(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := worldOn(t, open(t), slog.DiscardHandler)
			two := one.replica(t)
			record := &published{Store: one.store}
			one.CRLs.Store, two.CRLs.Store = record, record
			authority := one.newCA(t)
			const workers, rounds = 6, 5
			clients := make([]domain.Client, workers*rounds)
			for i := range clients {
				clients[i] = one.newClient(t, authority.ID)
			}
			check(t, together(workers, func(i int) error {
				mine, other := one, two
				if i%2 == 1 {
					mine, other = two, one
				}
				last := int64(0)
				for _, client := range clients[i*rounds : (i+1)*rounds] {
					if err := mine.Clients.Revoke(t.Context(), client.ID); err != nil {
						return err
					}
					for _, w := range []*world{mine, other} {
						crl, err := w.CRLs.Current(t.Context(), authority.ID)
						if err != nil {
							return err
						}
						list := w.parse(t, crl)
						if crl.Number < last || !slices.Contains(list, w.serial(t, client.ID)) {
							return fmt.Errorf("list %d after %d lacks client %d", crl.Number, last, client.ID)
						}
						last = crl.Number
					}
				}
				return nil
			}))
			wantSame(t, len(serials(one.current(t, authority.ID))), len(clients))
			wantSame(t, one.current(t, authority.ID).Raw, two.current(t, authority.ID).Raw)
			slices.Sort(record.numbers) // they are noted after they were published, maybe in another order
			for i, number := range record.numbers {
				if number != noon.Unix()+int64(i) {
					t.Fatalf("published were %v", record.numbers)
				}
			}
			if len(record.numbers) > len(clients)+1 {
				t.Errorf("%d lists for %d revocations", len(record.numbers), len(clients))
			}
		})
	}
}

func (w *world) parse(t testing.TB, crl *service.SignedCRL) []string {
	t.Helper()
	return serials(must(x509.ParseRevocationList(crl.DER))(t))
}

// TestCRLs_Current_Contention: a replica that is always late does not go on for ever, and says that its list is an old one.
func TestCRLs_Current_Contention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	w.CRLs.Store = alwaysLate{w.store}
	if _, err := w.CRLs.Current(t.Context(), authority.ID); err == nil || !strings.Contains(err.Error(), "another replica") {
		t.Errorf("error is %v", err)
	}
	w.CRLs.Store = w.store
	w.current(t, authority.ID)
	w.revoke(t, w.newClient(t, authority.ID).ID)
	w.CRLs.Store = alwaysLate{w.store}
	wantSame(t, must(w.CRLs.Current(t.Context(), authority.ID))(t).Stale, true)
}

type alwaysLate struct{ domain.Store }

type lateCRLs struct{ domain.CRLs }

func (s alwaysLate) CRLs() domain.CRLs { return lateCRLs{s.Store.CRLs()} }

func (lateCRLs) Publish(context.Context, domain.CRL) (bool, error) { return false, nil }
