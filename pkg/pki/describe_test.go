package pki_test

import (
	"log/slog"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestCertificates_Describe: records of an earlier version, which have no fingerprint and no
// algorithm, become as those of this one. It can be interrupted
// and repeated.
func TestCertificates_Describe(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			authority := w.NewCA(t)
			rsa := Spec(authority.ID)
			rsa.KeyAlgorithm = "rsa-2048"
			Must(w.Clients.Create(t.Context(), rsa))(t)
			renewedAtOnce(t, w, w.NewClient(t, authority.ID).ID)
			all := domain.PageRequest{Size: 100}
			certificates := func() []domain.Certificate {
				return Must(w.Certificates.Page(t.Context(), domain.CertificateFilter{}, all))(t).Items
			}
			clients := func() []domain.Client {
				return Must(w.Clients.Page(t.Context(), domain.ClientFilter{}, all))(t).Items
			}
			wantCertificates, wantClients := certificates(), clients()
			w.Exec(t, "UPDATE certificates SET fingerprint = '', key_algorithm = ''")
			w.Exec(t, "UPDATE clients SET fingerprint = '', key_algorithm = ''")
			if certificates()[0].Fingerprint != "" || clients()[0].KeyAlgorithm != "" {
				t.Fatal("the records are whole")
			}
			Check(t, w.Certificates.Describe(t.Context()))
			WantSame(t, certificates(), wantCertificates)
			WantSame(t, clients(), wantClients)
			Check(t, w.Certificates.Describe(t.Context()))
			w.Exec(t, "UPDATE certificates SET fingerprint = '', key_algorithm = '' WHERE id = 1")
			Check(t, w.Replica(t).Certificates.Describe(t.Context()))
			WantSame(t, certificates(), wantCertificates)
		})
	}
}

// TestCertificates_Describe_Unreadable: one that can't be read has a fingerprint, and keeps the
// others from nothing.
func TestCertificates_Describe_Unreadable(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	w.NewClient(t, authority.ID)
	last := w.NewClient(t, authority.ID)
	w.Exec(t, "UPDATE certificates SET der = x'00' WHERE id = 1")
	w.Exec(t, "UPDATE certificates SET fingerprint = '', key_algorithm = ''")
	Check(t, w.Certificates.Describe(t.Context()))
	first := Must(w.Certificates.Get(t.Context(), 1))(t)
	WantSame(t, [2]string{first.Fingerprint, first.KeyAlgorithm}, [2]string{Digest([]byte{0}), ""})
	WantSame(t, Must(w.Certificates.Get(t.Context(), 2))(t).Fingerprint, last.Fingerprint)
}
