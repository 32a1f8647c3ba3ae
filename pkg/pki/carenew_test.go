package pki_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// endingCA makes a CA that ends after so many days.
func endingCA(t *testing.T, w *World, days int, parent int64) domain.CA {
	t.Helper()
	return Must(w.CAs.Create(t.Context(), domain.CASpec{
		Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, Expiration: &days, ParentID: parent,
	}))(t)
}

// presentOf returns the certificate of a CA, as a process reads it that has just started.
func presentOf(t *testing.T, w *World, id int64) *x509.Certificate {
	t.Helper()
	return Must(w.Replica(t).CAs.Authorities.Get(t.Context(), id))(t).Certificate
}

// onEngines runs a test on both databases.
func onEngines(t *testing.T, test func(t *testing.T, w *World)) {
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, WorldOn(t, open(t), slog.DiscardHandler))
		})
	}
}

// TestCAs_Renew_OnAnotherReplica: what one replica has renewed counts for another one at once,
// which has the certificate of before in memory: for clients, servers, CAs below it, its lists and
// its own next renewal.
func TestCAs_Renew_OnAnotherReplica(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		ctx, other := t.Context(), w.Replica(t)
		root := endingCA(t, w, 30, 0)
		client := other.NewClient(t, root.ID)
		other.Current(t, root.ID)
		renew := func(by *World, days int) domain.CA {
			t.Helper()
			w.Clock.Pass(time.Hour)
			return Must(by.CAs.Renew(ctx, root.ID, domain.CARenewal{Expiration: &days}))(t)
		}
		renew(w, 200)
		spec := Spec(root.ID)
		spec.Expiration = new(190) // which the certificate of before does not allow
		Must(other.Clients.Create(ctx, spec))(t)
		renew(w, 300)
		long := Must(other.Clients.Renew(ctx, client.ID, domain.ClientRenewal{Expiration: new(290)}))(t)
		renew(w, 400)
		server := domain.ServerSpec{CAID: root.ID, Name: "vpn", Expiration: new(390)}
		made := Must(other.Certificates.CreateServer(ctx, server))(t)
		renew(w, 500)
		below := endingCA(t, other, 490, root.ID)
		renew(w, 600)
		other.Revoke(t, client.ID)
		if list := other.Current(t, root.ID); !contains(Serials(list), long.Serial) {
			t.Errorf("the list has %v", Serials(list))
		}
		renew(w, 700)
		Must(other.CAs.Renew(ctx, below.ID, domain.CARenewal{Expiration: new(690)}))(t)
		last := renew(other, 800)
		present := presentOf(t, w, root.ID)
		WantSame(t, present.NotAfter.UTC(), last.ExpiresAt)
		WantSame(t, len(Must(w.CAs.Certificates(ctx, root.ID))(t)), 8)
		leaf := Must(ca.ParseCertificates(Must(w.Certificates.PEM(ctx, made.ID))(t)))(t)[0]
		Check(t, leaf.CheckSignatureFrom(present))
		Check(t, presentOf(t, w, below.ID).CheckSignatureFrom(present))
	})
}

// TestCAs_Renew_Meanwhile: a CA that is renewed on the same replica while it issues goes on to
// issue, under the next certificate.
func TestCAs_Renew_Meanwhile(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		root := endingCA(t, w, 30, 0)
		w.NewClient(t, root.ID)
		renewed := false
		w.Certificates.Store = &Hooked{Store: w.Store, BeforeTransact: func() {
			if !renewed {
				renewed = true
				Must(w.CAs.Renew(t.Context(), root.ID, domain.CARenewal{}))(t)
			}
		}}
		made := Must(w.Certificates.CreateServer(t.Context(), domain.ServerSpec{CAID: root.ID, Name: "vpn"}))(t)
		if !renewed || made.NotAfter.Before(w.Clock.Now().Add(31*Day)) {
			t.Errorf("it ends at %v", made.NotAfter)
		}
	})
}

func contains(list []string, one string) bool {
	for _, text := range list {
		if text == one {
			return true
		}
	}
	return false
}

// TestCAs_Renew_AtOnce: of renewals at the same time each is told, and every certificate is kept.
// Of successors at the same time one is made.
func TestCAs_Renew_AtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		root := endingCA(t, w, 30, 0)
		replicas := []*World{w, w.Replica(t), w.Replica(t)}
		events := w.CountEvents(t)
		done := make([]bool, len(replicas))
		Check(t, Together(len(replicas), func(i int) error {
			_, err := replicas[i].CAs.Renew(t.Context(), root.ID, domain.CARenewal{})
			var busy *domain.Unavailable
			if done[i] = err == nil; errors.As(err, &busy) {
				return nil
			}
			return err
		}))
		n := 0
		for _, one := range done {
			if one {
				n++
			}
		}
		if n == 0 || w.CountEvents(t) != events+n || len(Must(w.CAs.Certificates(t.Context(), root.ID))(t)) != n+1 {
			t.Errorf("%d done, %d events", n, w.CountEvents(t)-events)
		}
		made := make([]domain.CA, len(replicas))
		Check(t, Together(len(replicas), func(i int) (err error) {
			asked := domain.CARenewal{Key: domain.NewKey, Name: Fresh("next")}
			made[i], err = replicas[i].CAs.Renew(t.Context(), root.ID, asked)
			if domain.IsKind(err, domain.Rule) {
				return nil
			}
			return err
		}))
		successor := Must(w.CAs.Get(t.Context(), root.ID))(t).SuccessorID
		for _, one := range made {
			if one.ID != 0 && one.ID != successor {
				t.Errorf("%d was made, and the successor is %d", one.ID, successor)
			}
		}
	})
}

// TestCAs_Renew_Crash: a renewal that is not committed leaves nothing.
func TestCAs_Renew_Crash(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, w *World) {
		root := endingCA(t, w, 300, 0)
		below := endingCA(t, w, 30, root.ID)
		before, events := presentOf(t, w, below.ID), w.CountEvents(t)
		crashing := w.Replica(t)
		crashing.CAs.Store = &Hooked{Store: w.Store, AfterTransact: func() error { return errDown }}
		for _, key := range []string{domain.SameKey, domain.NewKey} {
			if _, err := crashing.CAs.Renew(t.Context(), below.ID, domain.CARenewal{Key: key}); err == nil {
				t.Error("the crash went unnoticed")
			}
		}
		if !presentOf(t, w, below.ID).Equal(before) || w.CountEvents(t) != events {
			t.Error("something was stored")
		}
		WantSame(t, len(Must(w.CAs.Certificates(t.Context(), below.ID))(t)), 1)
		WantSame(t, len(certificatesOf(t, w, domain.CertificateFilter{CAID: root.ID})), 1)
		WantSame(t, len(Must(w.Store.CAs().IDs(t.Context()))(t)), 2)
	})
}

// TestRestore_RenewedCA: a CA that was renewed since the backup is the same CA after it: what was
// revoked since stays revoked, what was issued since is valid under the certificate of before, and
// the restore says that it has to be renewed again. One made in its place since is gone.
func TestRestore_RenewedCA(t *testing.T) {
	t.Parallel()
	path, restored := filepath.Join(t.TempDir(), "lost.db"), filepath.Join(t.TempDir(), "restored.db")
	w := worldAt(t, path)
	root := endingCA(t, w, 300, 0)
	client := w.NewClient(t, root.ID)
	w.Exec(t, "VACUUM INTO ?", restored)
	Must(w.CAs.Renew(t.Context(), root.ID, domain.CARenewal{}))(t)
	since := w.NewClient(t, root.ID)
	w.Revoke(t, client.ID)
	w.Revoke(t, since.ID)
	w.Current(t, root.ID)
	leaf := Must(ca.ParseCertificates(Must(w.Clients.Certificate(t.Context(), since.ID))(t)))(t)[0]
	next := Must(w.CAs.Renew(t.Context(), root.ID, domain.CARenewal{Key: domain.NewKey}))(t)

	b := worldAt(t, restored, w)
	reading := Must(store.OpenReading(t.Context(), path))(t)
	defer reading.Close()
	done := Must(b.Restore.Complete(Operator(t), pki.Since{Lost: reading}))(t)
	if len(done.CAs) != 1 || !done.CAs[0].Renewed || !done.CAs[0].Known || len(done.Gone) != 1 ||
		done.Gone[0].ID != next.ID {
		t.Errorf("%+v", done)
	}
	b.Clock.Pass(2 * time.Second)
	WantSame(t, len(b.Current(t, root.ID).RevokedCertificateEntries), 2)
	Check(t, leaf.CheckSignatureFrom(presentOf(t, b, root.ID)))
	Must(b.CAs.Renew(t.Context(), root.ID, domain.CARenewal{}))(t)
	b.NewClient(t, root.ID)
}

// TestCAEnds: a CA is warned of from 90 days before its end until 90 days after it, once a day, and
// not when another one has taken its place or it was renewed.
func TestCAEnds(t *testing.T) {
	t.Parallel()
	var log LockedBuffer
	w := WorldOn(t, NewSQLite(t), slog.NewTextHandler(&log, nil))
	soon, later, replaced := endingCA(t, w, 100, 0), endingCA(t, w, 400, 0), endingCA(t, w, 91, 0)
	Must(w.CAs.Renew(t.Context(), replaced.ID, domain.CARenewal{Key: domain.NewKey}))(t)
	want := func(warnings, ending int, first time.Time) {
		t.Helper()
		Check(t, w.CAEnds.Look(t.Context()))
		WantSame(t, bytes.Count([]byte(log.String()), []byte("level=WARN msg=\"a CA ends soon")), warnings)
		WantSame(t, w.CAEnds.Health(), pki.CAHealth{First: first, Ending: ending})
	}
	want(0, 0, soon.ExpiresAt)
	w.Clock.Pass(10 * Day)
	want(1, 1, soon.ExpiresAt)
	w.Clock.Pass(Day - time.Second)
	want(1, 1, soon.ExpiresAt)
	w.Clock.Pass(time.Second)
	want(2, 1, soon.ExpiresAt)
	Must(w.CAs.Renew(t.Context(), soon.ID, domain.CARenewal{Expiration: new(2000)}))(t)
	want(2, 0, later.ExpiresAt)
	w.Clock.Pass(400 * Day)
	want(3, 1, later.ExpiresAt) // it has ended
	w.Clock.Pass(80 * Day)
	Check(t, w.CAEnds.Look(t.Context()))
	WantSame(t, w.CAEnds.Health().Ending, 0)
}
