package pki_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestClients_Renew: a client in any state gets another certificate, and is in force with it.
func TestClients_Renew(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	none, week := time.Duration(0), 7*Day
	for _, test := range []struct {
		sentence string
		before   func(t *testing.T, id int64)
		asked    domain.ClientRenewal
		want     []string
		until    time.Duration // of the one before, from now; 0: it is not superseded later
	}{
		{"in force, the one before stays for the default", nil, domain.ClientRenewal{}, []string{"valid", "valid"}, 30 * Day},
		{"in force, the one before stays for a week", nil, domain.ClientRenewal{Overlap: &week}, []string{"valid", "valid"}, week},
		{"in force, without an overlap", nil, domain.ClientRenewal{Overlap: &none}, []string{"superseded", "valid"}, 0},
		{"revoked", func(t *testing.T, id int64) { revokeFor(t, w, id, domain.KeyCompromise) },
			domain.ClientRenewal{}, []string{"keyCompromise", "valid"}, 0},
		{"ended", func(*testing.T, int64) { w.Clock.Pass(31 * Day) }, domain.ClientRenewal{}, []string{"valid", "valid"}, 30 * Day},
		{"suspended, which then is for good", func(t *testing.T, id int64) { suspend(t, w, id) },
			domain.ClientRenewal{}, []string{"superseded", "valid"}, 0},
		{"with an RSA key and a password", nil,
			domain.ClientRenewal{KeyAlgorithm: "rsa-2048", Password: "segredo", Expiration: new(40)}, []string{"valid", "valid"}, 30 * Day},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			spec := Spec(authority.ID)
			spec.Expiration, spec.Description, spec.Subject.City = new(30), "Rio", "São Paulo"
			client := Must(w.Clients.Create(t.Context(), spec))(t)
			if test.before != nil {
				test.before(t, client.ID)
			}
			w.Clock.Pass(time.Hour)
			got := Must(w.Clients.Renew(t.Context(), client.ID, test.asked))(t)
			wantLife(t, []*World{w, w.Replica(t)}, client.ID, test.want...)
			first := Must(w.Store.Certificates().OfSerial(t.Context(), authority.ID, client.Serial))(t)
			if until := first.SupersededAt; test.until == 0 && !until.IsZero() ||
				test.until != 0 && !until.Equal(w.Clock.Now().Add(test.until)) {
				t.Errorf("the one before is superseded at %v, now it is %v", until, w.Clock.Now())
			}
			WantSame(t, got.CreatedAt, client.CreatedAt)
			got.CreatedAt, spec.Password = w.Clock.Now(), test.asked.Password
			wantRenewed(t, w, spec, got, test.asked)
		})
	}
}

// wantRenewed is wantIssued, but for the time at which the record was made.
func wantRenewed(t *testing.T, w *World, spec domain.ClientSpec, got domain.Client, asked domain.ClientRenewal) {
	t.Helper()
	w.Exec(t, "UPDATE clients SET created_at = updated_at WHERE id = ?", got.ID)
	algorithm := ca.ECDSAP256
	if asked.KeyAlgorithm != "" {
		algorithm = ca.KeyAlgorithm(asked.KeyAlgorithm)
	}
	wantIssued(t, w, spec, got, algorithm)
}

// TestClients_Renew_Again: an earlier end of an overlap stays, and one without an overlap ends all.
func TestClients_Renew_Again(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	client := w.NewClient(t, w.NewCA(t).ID)
	renew := func(overlap time.Duration) {
		t.Helper()
		Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: &overlap}))(t)
	}
	ends := func() (all []time.Duration) {
		for _, cert := range Must(w.Store.Certificates().Standing(t.Context(), client.ID))(t) {
			if !cert.SupersededAt.IsZero() {
				all = append(all, cert.SupersededAt.Sub(Noon))
			}
		}
		return all
	}
	renew(10 * Day)
	renew(20 * Day)
	WantSame(t, ends(), []time.Duration{10 * Day, 20 * Day})
	renew(5 * Day)
	WantSame(t, ends(), []time.Duration{5 * Day, 5 * Day, 5 * Day})
	renew(domain.MaxRenewalOverlap)
	WantSame(t, ends(), []time.Duration{5 * Day, 5 * Day, 5 * Day, domain.MaxRenewalOverlap})
	wantLife(t, []*World{w}, client.ID, "valid", "valid", "valid", "valid", "valid")
	renew(0)
	wantLife(t, []*World{w}, client.ID, "superseded", "superseded", "superseded", "superseded", "superseded", "valid")
	t.Run("a revocation ends all that stand", func(t *testing.T) {
		renew(time.Hour)
		revokeFor(t, w, client.ID, domain.CessationOfOperation)
		list := slices.Repeat([]string{"superseded"}, 5)
		wantLife(t, []*World{w}, client.ID, append(list, "cessationOfOperation", "cessationOfOperation")...)
	})
}

func TestClients_Renew_Faults(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, nil)
	ctx, long := t.Context(), domain.MaxRenewalOverlap+1
	client := w.NewClient(t, authority.ID)
	for sentence, test := range map[string]struct {
		asked domain.ClientRenewal
		want  Fault
	}{
		"an overlap that is negative": {
			domain.ClientRenewal{Overlap: new(time.Duration(-1))}, NewFault(domain.Invalid, "overlap", domain.ReasonDuration),
		},
		"an overlap that is too long": {
			domain.ClientRenewal{Overlap: &long}, NewFault(domain.Invalid, "overlap", domain.ReasonDuration),
		},
		"another name for one that is good": {
			domain.ClientRenewal{Name: new("other")}, NewFault(domain.Invalid, "name", domain.ReasonNotEditable),
		},
		"an algorithm that there is not": {
			domain.ClientRenewal{KeyAlgorithm: "dsa"}, NewFault(domain.Invalid, "key_algorithm", domain.ReasonChoice),
		},
		"an end after that of the CA": {
			domain.ClientRenewal{Expiration: new(1001)}, NewFault(domain.Rule, "expiration", domain.ReasonBeyondCA),
		},
		"no day": {domain.ClientRenewal{Expiration: new(0)}, NewFault(domain.Invalid, "expiration", domain.ReasonTooSmall)},
	} {
		t.Run(sentence, func(t *testing.T) {
			before := w.CountEvents(t)
			_, err := w.Clients.Renew(ctx, client.ID, test.asked)
			WantFaults(t, err, test.want)
			wantLife(t, []*World{w}, client.ID, "valid")
			WantSame(t, w.CountEvents(t), before)
		})
	}
	_, err := w.Clients.Renew(ctx, 1<<40, domain.ClientRenewal{})
	WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNotFound))
	t.Run("a name that no new certificate may have has to be replaced", func(t *testing.T) {
		odd := importNamed(t, w, old, authority.ID, "filial Ação_1", nil)
		_, err := w.Clients.Renew(ctx, odd.ID, domain.ClientRenewal{})
		WantFaults(t, err, NewFault(domain.Invalid, "name", domain.ReasonCharset))
		_, err = w.Clients.Renew(ctx, odd.ID, domain.ClientRenewal{Name: &client.Name})
		WantFaults(t, err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
		named := Fresh("filial")
		WantSame(t, Must(w.Clients.Renew(ctx, odd.ID, domain.ClientRenewal{Name: &named}))(t).Name, named)
		wantLife(t, []*World{w}, odd.ID, "valid", "valid")
		again := importNamed(t, w, old, authority.ID, "FILIAL Ação_1", nil) // the name has come free
		WantSame(t, again.Name, "FILIAL Ação_1")
	})
}

// TestClients_Renew_Together: of many renewals at once each is recorded, and one is in force.
func TestClients_Renew_Together(t *testing.T) {
	t.Parallel()
	const n = 8
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{one, one.Replica(t)}
			authority := one.NewCA(t)
			for name, overlap := range map[string]time.Duration{"without an overlap": 0, "with one": Day} {
				t.Run(name, func(t *testing.T) {
					client := one.NewClient(t, authority.ID)
					before := one.CountEvents(t)
					due := func() int {
						return len(Must(one.Store.Certificates().Superseded(t.Context(), Noon.Add(Day), 100))(t))
					}
					dueBefore := due()
					Check(t, Together(n, func(i int) error {
						asked := domain.ClientRenewal{Overlap: &overlap}
						return Second(replicas[i%2].Clients.Renew(t.Context(), client.ID, asked))
					}))
					want := slices.Repeat([]string{"superseded"}, n)
					if overlap != 0 {
						want = slices.Repeat([]string{"valid"}, n)
					}
					wantLife(t, replicas, client.ID, append(want, "valid")...)
					WantSame(t, one.CountEvents(t), before+n)
					WantSame(t, due()-dueBefore, n*int(overlap/Day))
				})
			}
			t.Run("beside a revocation", func(t *testing.T) { testRenewBesideRevoke(t, replicas, authority.ID) })
		})
	}
}

// testRenewBesideRevoke: a renewal and a revocation come one after the other. All certificates from
// before the revocation are revoked.
func testRenewBesideRevoke(t *testing.T, replicas []*World, caID int64) {
	for range 4 {
		client := replicas[0].NewClient(t, caID)
		Check(t, Together(2, func(i int) error {
			if i == 0 {
				return Second(replicas[0].Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{}))
			}
			return replicas[1].RevokeClient(t.Context(), client.ID)
		}))
		last := "valid"
		if Must(replicas[0].Clients.Get(t.Context(), client.ID))(t).Revoked() {
			last = "unspecified"
		}
		wantLife(t, replicas, client.ID, "unspecified", last)
	}
}
