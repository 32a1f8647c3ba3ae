package pki_test

import (
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// importNamed imports a certificate of a common name, without a key. alter changes the request.
func importNamed(
	t testing.TB, w *World, old ForeignCA, caID int64, name string, alter func(*domain.ClientImport),
	certificate ...func(*x509.Certificate),
) domain.Client {
	t.Helper()
	return Must(w.Clients.Import(t.Context(), namedImport(t, old, caID, name, alter, certificate...)))(t)
}

func namedImport(
	t testing.TB, old ForeignCA, caID int64, name string, alter func(*domain.ClientImport),
	certificate ...func(*x509.Certificate),
) domain.ClientImport {
	t.Helper()
	named := func(c *x509.Certificate) { c.Subject.CommonName = name }
	request := domain.ClientImport{
		CAID: caID, Email: "a@example.com",
		Certificate: old.Issue(t, NewKey(t).Public(), append([]func(*x509.Certificate){named}, certificate...)...),
	}
	if alter != nil {
		alter(&request)
	}
	return request
}

// TestClients_Names: a name comes free when its client is revoked for good or has ended, whether a
// key is cheap to make or not.
func TestClients_Names(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	taken := NewFault(domain.Duplicated, "name", domain.ReasonDuplicated)
	for _, test := range []struct {
		sentence string
		alter    func(t *testing.T, id int64)
		free     bool
	}{
		{"in force", func(*testing.T, int64) {}, false},
		{"suspended", func(t *testing.T, id int64) { suspend(t, w, id) }, false},
		{"resumed", func(t *testing.T, id int64) { suspend(t, w, id); Must(w.Clients.Resume(t.Context(), id))(t) }, false},
		{"revoked", func(t *testing.T, id int64) { w.Revoke(t, id) }, true},
		{"suspended and revoked", func(t *testing.T, id int64) { suspend(t, w, id); w.Revoke(t, id) }, true},
		{"about to end", func(*testing.T, int64) { w.Clock.Pass(30*Day - time.Second) }, false},
		{"ended", func(*testing.T, int64) { w.Clock.Pass(30 * Day) }, true},
		{"suspended and ended", func(t *testing.T, id int64) { suspend(t, w, id); w.Clock.Pass(30 * Day) }, true},
	} {
		for algorithm, spec := range map[string]domain.ClientSpec{"": Spec(authority.ID), "rsa-2048": Spec(authority.ID)} {
			t.Run(test.sentence+" "+algorithm, func(t *testing.T) {
				spec.Expiration = new(30)
				client := Must(w.Clients.Create(t.Context(), spec))(t)
				test.alter(t, client.ID)
				spec.KeyAlgorithm = algorithm
				next, err := w.Clients.Create(t.Context(), spec)
				if !test.free {
					WantFaults(t, err, taken)
					return
				}
				Check(t, err)
				_, err = w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{KeyAlgorithm: algorithm})
				WantFaults(t, err, taken)
				if Must(w.Clients.Get(t.Context(), client.ID))(t).Suspended() {
					_, err = w.Clients.Resume(t.Context(), client.ID)
					WantFaults(t, err, taken)
				}
				w.Revoke(t, next.ID)
				Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{}))(t)
			})
		}
	}
}

// TestClients_Import_Names: what other software has left behind under one name is imported in any
// order, as long as one of it is in force.
func TestClients_Import_Names(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := NewForeignCA(t)
	held := entry(77, Noon.Add(-Day), int(domain.CertificateHold))
	lost := entry(78, Noon.Add(-Day), int(domain.KeyCompromise))
	authority := old.ImportInto(t, w, old.List(t, big.NewInt(1), held, lost))
	revoked := func(i *domain.ClientImport) { i.Revoked = true }
	ended := func(c *x509.Certificate) { c.NotAfter = Noon.Add(-time.Hour) }
	serial := func(n int64) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.SerialNumber = entry(n, Noon, 0).SerialNumber }
	}
	for sentence, before := range map[string]func(name string) domain.ClientImport{
		"revoked by the caller": func(name string) domain.ClientImport {
			return namedImport(t, old, authority.ID, name, revoked)
		},
		"revoked by the list": func(name string) domain.ClientImport {
			return namedImport(t, old, authority.ID, name, nil, serial(78))
		},
		"ended": func(name string) domain.ClientImport { return namedImport(t, old, authority.ID, name, nil, ended) },
	} {
		t.Run(sentence, func(t *testing.T) {
			name := Fresh("Filial Ação")
			predecessor, successor := before(name), namedImport(t, old, authority.ID, name, nil)
			first := Must(w.Clients.Import(t.Context(), predecessor))(t)
			second := Must(w.Clients.Import(t.Context(), successor))(t)
			third := Must(w.Clients.Import(t.Context(), namedImport(t, old, authority.ID, name, revoked)))(t)
			WantSame(t, [3]string{first.Name, second.Name, third.Name}, [3]string{name, name, name})
			WantSame(t, [2]bool{second.Revoked(), third.Revoked()}, [2]bool{false, true})
			wantLife(t, []*World{w}, second.ID, "valid")
			wantLife(t, []*World{w}, third.ID, "unspecified")
			_, err := w.Clients.Import(t.Context(), namedImport(t, old, authority.ID, name, nil))
			WantFaults(t, err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
		})
	}
	t.Run("one that the list suspends holds its name, and can be resumed", func(t *testing.T) {
		name := Fresh("filial")
		client := importNamed(t, w, old, authority.ID, name, nil, serial(77))
		wantLife(t, []*World{w}, client.ID, "certificateHold")
		_, err := w.Clients.Import(t.Context(), namedImport(t, old, authority.ID, name, nil))
		WantFaults(t, err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
		Must(w.Clients.Resume(t.Context(), client.ID))(t)
		wantLife(t, []*World{w, w.Replica(t)}, client.ID, "valid")
	})
}

// TestClients_Import_NoKey: what needs the key of a client says that it is not kept here; the rest
// of its life is that of any client.
func TestClients_Import_NoKey(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, nil)
	client := importNamed(t, w, old, authority.ID, Fresh("filial"), nil)
	before := w.CountEvents(t)
	noKey := NewFault(domain.Missing, "id", domain.ReasonNoKey)
	_, err := w.Clients.Key(t.Context(), client.ID)
	WantFaults(t, err, noKey)
	_, err = w.Clients.PKCS12(t.Context(), client.ID, "", "segredo")
	WantFaults(t, err, noKey)
	WantSame(t, w.CountEvents(t), before)
	cert := Must(w.Store.Certificates().OfClient(t.Context(), client.ID))(t)
	WantSame(t, [2]bool{cert.KeyKept, cert.KeyProtected}, [2]bool{false, false})
	if len(Must(w.Clients.Certificate(t.Context(), client.ID))(t)) == 0 {
		t.Error("the certificate is empty")
	}
	Must(w.Clients.Renew(t.Context(), client.ID, domain.ClientRenewal{Overlap: new(time.Duration(0))}))(t)
	wantLife(t, []*World{w}, client.ID, "superseded", "valid")
	Must(w.Clients.Key(t.Context(), client.ID))(t)
}
