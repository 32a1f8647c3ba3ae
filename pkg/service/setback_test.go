package service_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestSetBack_CRLs: the number of revocations falls and rises again, to less than, as many as and
// more than a replica has on its list.
func TestSetBack_CRLs(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		authority := w.NewCA(t)
		var clients []domain.Client
		for range 5 {
			clients = append(clients, w.NewClient(t, authority.ID))
		}
		serialOf := func(i int) string { return w.Serial(t, clients[i].ID) }
		w.Revoke(t, clients[0].ID)
		w.Current(t, authority.ID)
		restore := keep()
		other := w.Replica(t)
		for _, again := range [][]int{{}, {2}, {2, 3}, {2, 3, 4}} {
			w.Revoke(t, clients[1].ID)
			w.Revoke(t, clients[4].ID)
			wantListed(t, w.Current(t, authority.ID), serialOf(0), serialOf(1), serialOf(4))
			w.Clock.Pass(2 * time.Second)
			restore()
			want := []string{serialOf(0)}
			for _, i := range again {
				other.Revoke(t, clients[i].ID)
				want = append(want, serialOf(i))
			}
			wantListed(t, w.Current(t, authority.ID), want...)
			w.Revoke(t, clients[3].ID)
			if !slices.Contains(want, serialOf(3)) {
				want = append(want, serialOf(3))
			}
			wantListed(t, w.Current(t, authority.ID), want...)
			restore()
		}
	})
}

// TestSetBack_CA: whatever is requested for the id of a CA is signed by the CA that the database
// has, or refused.
func TestSetBack_CA(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		restore := keep()
		gone := w.NewCA(t)
		w.NewClient(t, gone.ID)
		w.Current(t, gone.ID)
		restore()
		_, err := w.Clients.Create(t.Context(), Spec(gone.ID))
		WantFaults(t, err, NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound))
		if _, err := w.CRLs.Current(t.Context(), gone.ID); !domain.IsKind(err, domain.Missing) {
			t.Errorf("the list of a CA that is gone: %v", err)
		}

		kept := w.NewCA(t)
		w.NewClient(t, kept.ID)
		w.Current(t, kept.ID)
		restore()
		other := w.Replica(t)
		taken := other.NewCA(t)
		WantSame(t, taken.ID, kept.ID) // otherwise the test proves nothing
		client := w.NewClient(t, taken.ID)
		cert := Must(x509.ParseCertificate(Must(w.Store.Certificates().OfClient(t.Context(), client.ID))(t).DER))(t)
		Check(t, cert.CheckSignatureFrom(Must(other.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate))
		w.Current(t, taken.ID) // checks the signature against the cached authority
		Check(
			t, Must(w.CAs.Authorities.Get(t.Context(), taken.ID))(t).
				Certificate.CheckSignatureFrom(Must(other.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate),
		)
	})
}

// TestSetBack_CRLOfAnotherCA: two CAs that had the same id, neither with any revocations, have
// different lists.
func TestSetBack_CRLOfAnotherCA(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		restore := keep()
		gone := w.NewCA(t)
		w.Current(t, gone.ID)
		restore()
		other := w.Replica(t)
		taken := other.NewCA(t)
		WantSame(t, taken.ID, gone.ID)
		list := w.Current(t, taken.ID)
		Check(t, list.CheckSignatureFrom(Must(other.CAs.Authorities.Get(t.Context(), taken.ID))(t).Certificate))
	})
}

// TestSetBack_Rights: an apikey that is gone is refused within a second, even if another apikey has
// its id and generation after the same number of changes.
func TestSetBack_Rights(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		stays := w.NewAPIKey(t)
		w.Authenticate(t, stays.Token)
		restore := keep()
		gone := w.NewAPIKey(t)
		w.Authenticate(t, gone.Token)
		before := Must(w.Store.Histories().Incarnation(t.Context()))(t)
		restore()
		other := w.Replica(t)
		other.NewAPIKey(t, Weak)
		w.Clock.Pass(time.Second)
		if who, err := w.Access.Authenticate(t.Context(), gone.Token, auth.Refresh); err == nil && who.Superuser {
			t.Error("a superuser that is gone is let in")
		}
		w.Authenticate(t, stays.Token)
		if after := Must(w.Store.Histories().Incarnation(t.Context()))(t); after.Value == before.Value {
			t.Error("the incarnation is the same")
		}
	})
}

// TestSetBack_Devices: names and devices that have the ids of cached ones are not taken for them.
func TestSetBack_Devices(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		put(t, w, "first", "kept", "")
		restore := keep()
		put(t, w, "second", "lost", "old")
		put(t, w, "third", "lost too", "")
		restore()
		other := w.Replica(t)
		w.Clock.Pass(time.Microsecond)
		put(t, other, "second", "another", "new")
		put(t, w, "second", "another", "")
		put(t, w, "fifth", "lost", "")
		put(t, w, "third", "lost too", "")
		got := map[string]string{}
		for _, d := range Must(w.Devices.Page(t.Context(), domain.DeviceFilter{}, domain.PageRequest{Size: 100}))(t).
			Items {
			got[d.Hostname] = d.Model + strings.Join(d.Tags, "")
		}
		WantSame(
			t, got, map[string]string{"first": "kept", "second": "anothernew", "fifth": "lost", "third": "lost too"},
		)
		lost := Must(w.Devices.Page(t.Context(), domain.DeviceFilter{Model: "lost"}, domain.PageRequest{Size: 100}))(t).
			Items
		if len(lost) != 1 || lost[0].Hostname != "fifth" {
			t.Errorf("of the model there are %v", lost)
		}
	})
}

// TestSetBack_Import: an import, too, does not take cached names for those of the database.
func TestSetBack_Import(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		file := func(model string) string {
			return "hostname,ip,site,model,vendor,type\na,192.0.2.1,s," + model + ",v,t\nb,192.0.2.2,s,other,v,t\n"
		}
		restore := keep()
		Must(w.Devices.Import(Operator(t), strings.NewReader(file("lost")), true))(t)
		restore()
		put(t, w.Replica(t), "first", "another", "")
		result := Must(w.Devices.Import(Operator(t), strings.NewReader(file("lost")), true))(t)
		WantSame(t, len(result.Faults), 0)
		got := Must(w.Store.Devices().Named(t.Context(), "a"))(t)
		WantSame(t, got.Model, "lost")
	})
}

// put upserts a device. Empty tags leave its tags as they are.
func put(t testing.TB, w *World, hostname, model, tags string) {
	t.Helper()
	s := domain.DeviceSpec{Hostname: hostname, IP: "192.0.2.7", Model: model, Type: "t", Vendor: "v", Site: "s"}
	if tags != "" {
		s.Tags = &tags
	}
	Must(w.Devices.Upsert(Operator(t), s, nil))(t)
}

func wantListed(t testing.TB, list *x509.RevocationList, want ...string) {
	t.Helper()
	got := Serials(list)
	slices.Sort(got)
	slices.Sort(want)
	WantSame(t, got, want)
}
