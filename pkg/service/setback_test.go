package service_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/store/setbacktest"
)

// setBack runs a test on each engine, with what keeps the state of the database and what brings that back.
func setBack(t *testing.T, run func(t *testing.T, w *world, keep func() (restore func()))) {
	setBackLogged(t, func(t *testing.T, w *world, _ *lockedBuffer, keep func() func()) { run(t, w, keep) })
}

func setBackLogged(t *testing.T, run func(t *testing.T, w *world, log *lockedBuffer, keep func() (restore func()))) {
	for engine, locate := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return filepath.Join(t.TempDir(), "chaveiro.db") },
		"postgres": func(t *testing.T) string {
			return pgtest.URL(t, func(ctx context.Context, url string) error {
				s, err := store.Open(ctx, url)
				if err != nil {
					return err
				}
				_, err = s.MigrateUp(ctx)
				return errors.Join(err, s.Close())
			})
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			location := locate(t)
			s := openStore(t, location)
			must(s.MigrateUp(t.Context()))(t)
			log := &lockedBuffer{}
			w := worldOn(t, s, slog.NewJSONHandler(log, nil))
			run(t, w, log, func() func() { return setbacktest.Take(t, location) })
		})
	}
}

// TestSetBack_CRLs: the number of revocations falls and rises again, to less, to the same and to more than what a replica has on its list.
func TestSetBack_CRLs(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		authority := w.newCA(t)
		var clients []domain.Client
		for range 5 {
			clients = append(clients, w.newClient(t, authority.ID))
		}
		serialOf := func(i int) string { return w.serial(t, clients[i].ID) }
		w.revoke(t, clients[0].ID)
		w.current(t, authority.ID)
		restore := keep()
		other := w.replica(t)
		for _, again := range [][]int{{}, {2}, {2, 3}, {2, 3, 4}} {
			w.revoke(t, clients[1].ID)
			w.revoke(t, clients[4].ID)
			wantListed(t, w.current(t, authority.ID), serialOf(0), serialOf(1), serialOf(4))
			w.clock.pass(2 * time.Second)
			restore()
			want := []string{serialOf(0)}
			for _, i := range again {
				other.revoke(t, clients[i].ID)
				want = append(want, serialOf(i))
			}
			wantListed(t, w.current(t, authority.ID), want...)
			w.revoke(t, clients[3].ID)
			if !slices.Contains(want, serialOf(3)) {
				want = append(want, serialOf(3))
			}
			wantListed(t, w.current(t, authority.ID), want...)
			restore()
		}
	})
}

// TestSetBack_CA: what is asked of a CA's id is signed by the CA that the database has, or by none.
func TestSetBack_CA(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		restore := keep()
		gone := w.newCA(t)
		w.newClient(t, gone.ID)
		w.current(t, gone.ID)
		restore()
		_, err := w.Clients.Create(t.Context(), spec(gone.ID))
		wantFaults(t, err, fault{domain.NotFound, "ca_id", domain.ReasonNotFound})
		if _, err := w.CRLs.Current(t.Context(), gone.ID); !domain.IsKind(err, domain.Missing) {
			t.Errorf("the list of a CA that is gone: %v", err)
		}

		kept := w.newCA(t)
		w.newClient(t, kept.ID)
		w.current(t, kept.ID)
		restore()
		other := w.replica(t)
		taken := other.newCA(t)
		wantSame(t, taken.ID, kept.ID) // otherwise this tests nothing
		client := w.newClient(t, taken.ID)
		cert := must(x509.ParseCertificate(must(w.store.Certificates().OfClient(t.Context(), client.ID))(t).DER))(t)
		check(t, cert.CheckSignatureFrom(must(other.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate))
		w.current(t, taken.ID) // checks the signature against what Authorities has
		check(t, must(w.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate.CheckSignatureFrom(must(other.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate))
	})
}

// TestSetBack_CRLOfAnotherCA: two CAs of one id, of which neither has revoked anything, have different lists.
func TestSetBack_CRLOfAnotherCA(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		restore := keep()
		gone := w.newCA(t)
		w.current(t, gone.ID)
		restore()
		other := w.replica(t)
		taken := other.newCA(t)
		wantSame(t, taken.ID, gone.ID)
		list := w.current(t, taken.ID)
		check(t, list.CheckSignatureFrom(must(other.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate))
	})
}

// TestSetBack_Rights: a key that is gone is nobody's within a second, though another of its number and generation has as many changes behind it.
func TestSetBack_Rights(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		stays := w.newAPIKey(t)
		w.authenticate(t, stays.Token)
		restore := keep()
		gone := w.newAPIKey(t)
		w.authenticate(t, gone.Token)
		before := must(w.store.Histories().Incarnation(t.Context()))(t)
		restore()
		other := w.replica(t)
		other.newAPIKey(t, weak)
		w.clock.pass(time.Second)
		if who, err := w.Access.Authenticate(t.Context(), gone.Token, auth.Refresh); err == nil && who.Superuser {
			t.Error("a superuser that is gone is let in")
		}
		w.authenticate(t, stays.Token)
		if after := must(w.store.Histories().Incarnation(t.Context()))(t); after.Value == before.Value {
			t.Error("the incarnation is the same")
		}
	})
}

// TestSetBack_Devices: names and devices of the same ids as those that are remembered are others.
func TestSetBack_Devices(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		w.put(t, "first", "kept", "")
		restore := keep()
		w.put(t, "second", "lost", "old")
		w.put(t, "third", "lost too", "")
		restore()
		other := w.replica(t)
		w.clock.pass(time.Microsecond)
		other.put(t, "second", "another", "new")
		w.put(t, "second", "another", "")
		w.put(t, "fifth", "lost", "")
		w.put(t, "third", "lost too", "")
		got := map[string]string{}
		for _, d := range must(w.Devices.Page(t.Context(), domain.DeviceFilter{}, domain.PageRequest{Size: 100}))(t).Items {
			got[d.Hostname] = d.Model + strings.Join(d.Tags, "")
		}
		wantSame(t, got, map[string]string{"first": "kept", "second": "anothernew", "fifth": "lost", "third": "lost too"})
		lost := must(w.Devices.Page(t.Context(), domain.DeviceFilter{Model: "lost"}, domain.PageRequest{Size: 100}))(t).Items
		if len(lost) != 1 || lost[0].Hostname != "fifth" {
			t.Errorf("of the model there are %v", lost)
		}
	})
}

// TestSetBack_Import: the names of many devices that are stored in one transaction are those of the database, too.
func TestSetBack_Import(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		file := func(model string) string {
			return "hostname,ip,site,model,vendor,type\na,192.0.2.1,s," + model + ",v,t\nb,192.0.2.2,s,other,v,t\n"
		}
		restore := keep()
		must(w.Devices.Import(operator(t), strings.NewReader(file("lost")), true))(t)
		restore()
		w.replica(t).put(t, "first", "another", "")
		result := must(w.Devices.Import(operator(t), strings.NewReader(file("lost")), true))(t)
		wantSame(t, len(result.Faults), 0)
		got := must(w.store.Devices().Named(t.Context(), "a"))(t)
		wantSame(t, got.Model, "lost")
	})
}

// put upserts a device; tags that are empty stay.
func (w *world) put(t testing.TB, hostname, model, tags string) {
	t.Helper()
	s := domain.DeviceSpec{Hostname: hostname, IP: "192.0.2.7", Model: model, Type: "t", Vendor: "v", Site: "s"}
	if tags != "" {
		s.Tags = &tags
	}
	must(w.Devices.Upsert(operator(t), s))(t)
}

func wantListed(t testing.TB, list *x509.RevocationList, want ...string) {
	t.Helper()
	got := serials(list)
	slices.Sort(got)
	slices.Sort(want)
	wantSame(t, got, want)
}
