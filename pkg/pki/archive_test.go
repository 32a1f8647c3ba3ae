package pki_test

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// archiveAge is how long ago a certificate has ended that goes to the archive.
const archiveAge = 60 * Day

// archiveSite is a CA with a client that was renewed and then ended, one that was revoked and then
// ended, and one in force. Two revocations of the CA are later.
type archiveSite struct {
	*World
	ca                       domain.CA
	renewed, revoked, valid  domain.Client
	first, second, withdrawn domain.Certificate
}

func newArchiveSite(t *testing.T, w *World) archiveSite {
	t.Helper()
	s := archiveSite{World: w, ca: w.NewCA(t)}
	s.renewed, s.revoked = w.NewClient(t, s.ca.ID), w.NewClient(t, s.ca.ID)
	s.first = Must(w.Store.Certificates().OfClient(t.Context(), s.renewed.ID))(t)
	Must(w.Clients.Renew(t.Context(), s.renewed.ID, domain.ClientRenewal{Overlap: new(Day)}))(t)
	s.second = Must(w.Store.Certificates().OfClient(t.Context(), s.renewed.ID))(t)
	w.Revoke(t, s.revoked.ID)
	s.withdrawn = Must(w.Store.Certificates().OfClient(t.Context(), s.revoked.ID))(t)
	w.Clock.Pass(2 * Day)
	Check(t, w.Clients.RevokeSuperseded(t.Context()))
	w.Current(t, s.ca.ID)
	w.Clock.Pass(s.second.NotAfter.Sub(w.Clock.Now()) + archiveAge + Day)
	Check(t, w.Clients.MarkExpired(t.Context()))
	s.valid = w.NewClient(t, s.ca.ID)
	return s
}

// list has a revocation that is the newest, and the list with it.
func (s archiveSite) list(t *testing.T) {
	t.Helper()
	s.Revoke(t, s.NewClient(t, s.ca.ID).ID)
	s.Current(t, s.ca.ID)
}

// TestArchive: two replicas at once and one that crashes move each certificate once. What the CA
// says of them stays: by OCSP, and on its lists, which go on in a process that begins afterwards.
func TestArchive(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newArchiveSite(t, WorldOn(t, open(t), slog.DiscardHandler))
			s.list(t)
			before := len(s.Current(t, s.ca.ID).RevokedCertificateEntries)
			count := Must(s.Archive.Count(t.Context(), archiveAge))(t)
			WantSame(t, count, pki.ArchiveReport{Certificates: 3, Clients: 2})

			crashing := s.Replica(t)
			crashing.Archive.Store = &Hooked{Store: s.Store, AfterTransact: func() error { return errDown }}
			_, err := crashing.Archive.Run(t.Context(), archiveAge, func(pki.ArchiveReport) {})
			if !errors.Is(err, errDown) {
				t.Fatalf("the crash: %v", err)
			}
			WantSame(t, len(s.archived(t)), 0)

			events := s.CountEvents(t)
			var moved, clients atomic.Int64
			replicas := []*World{s.World, s.Replica(t)}
			Check(t, Together(len(replicas), func(i int) error {
				replicas[i].Archive.Batch = 1
				done, err := replicas[i].Archive.Run(t.Context(), archiveAge, func(pki.ArchiveReport) {})
				moved.Add(done.Certificates)
				clients.Add(done.Clients)
				return err
			}))
			WantSame(t, []int64{moved.Load(), clients.Load()}, []int64{3, 2})
			WantSame(t, s.CountEvents(t), events+3)
			s.wantMoved(t)

			later := s.Replica(t)
			later.Revoke(t, s.valid.ID)
			if now := len(later.Current(t, s.ca.ID).RevokedCertificateEntries); now > before+1 {
				t.Errorf("%d entries, and %d before", now, before)
			}
			report := Must(s.Audit.Verify(t.Context()))(t)
			WantSame(t, len(report.Problems), 0)
			WantSame(t, Must(s.Archive.Verify(t.Context()))(t), pki.ArchiveCheck{Certificates: 3})
		})
	}
}

func (s archiveSite) archived(t *testing.T) []domain.ArchivedCertificate {
	t.Helper()
	return Must(s.Archive.Page(t.Context(), domain.ArchiveFilter{}, domain.PageRequest{Size: 10}))(t).Items
}

// wantMoved checks what is in the archive, and what is said of it.
func (s archiveSite) wantMoved(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	statuses := map[string]int{
		s.first.Serial: ocsp.Revoked, s.withdrawn.Serial: ocsp.Revoked, s.second.Serial: ocsp.Good,
	}
	for _, one := range s.archived(t) {
		status, ok := statuses[one.Serial]
		if delete(statuses, one.Serial); !ok {
			t.Errorf("%s is in the archive", one.Serial)
			continue
		}
		wantOCSP(t, s.World, s.ca.ID, Must(x509.ParseCertificate(one.DER))(t), status)
		WantSame(t, one.Client != "", one.Serial != s.first.Serial)
		WantSame(t, one.KeyKept, false)
	}
	WantSame(t, len(statuses), 0)
	for _, client := range []domain.Client{s.renewed, s.revoked} {
		_, err := s.Clients.Get(ctx, client.ID)
		WantFault(t, err, domain.Missing)
	}
	Must(s.Clients.Get(ctx, s.valid.ID))(t)
	_, err := s.CAs.RevokeSerial(ctx, s.ca.ID, domain.SerialRevocation{Serial: "0x" + s.second.Serial})
	WantFault(t, err, domain.Rule)
	_, err = s.Certificates.Register(ctx, domain.CertificateImport{
		CAID: s.ca.ID, Certificate: pki.CertificatePEM(s.second.DER),
	})
	WantFault(t, err, domain.Duplicated)
	spec := Spec(s.ca.ID)
	spec.Name = s.renewed.Name
	Must(s.Clients.Create(ctx, spec))(t)
}

// TestArchive_Unlisted: a revocation that was on no list after the end of its certificate stays,
// and so do the certificate and its client. The newest revocation of a CA stays too.
func TestArchive_Unlisted(t *testing.T) {
	t.Parallel()
	s := newArchiveSite(t, NewWorld(t))
	run := func() pki.ArchiveReport {
		return Must(s.Archive.Run(t.Context(), archiveAge, func(pki.ArchiveReport) {}))(t)
	}
	WantSame(t, run(), pki.ArchiveReport{})
	s.Current(t, s.ca.ID)
	WantSame(t, run(), pki.ArchiveReport{Certificates: 1, Clients: 1}) // withdrawn; first is the newest revocation
	s.list(t)
	WantSame(t, run(), pki.ArchiveReport{Certificates: 2, Clients: 1})
}

// TestArchive_Age: nothing goes before its time.
func TestArchive_Age(t *testing.T) {
	t.Parallel()
	s := newArchiveSite(t, NewWorld(t))
	s.list(t)
	_, err := s.Archive.Run(t.Context(), pki.MinArchiveAge-time.Second, nil)
	if !errors.Is(err, pki.ErrArchiveAge) {
		t.Error(err)
	}
	WantSame(t, Must(s.Archive.Run(t.Context(), archiveAge+3*Day, nil))(t), pki.ArchiveReport{})
}
