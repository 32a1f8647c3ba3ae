package pki_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// oldPKI is a PKI of other software, which is to be imported.
type oldPKI struct {
	ForeignCA
	in   domain.PKIImport
	next int64
}

func newOldPKI(t *testing.T) *oldPKI {
	t.Helper()
	old := &oldPKI{ForeignCA: NewForeignCA(t), next: 0x10}
	old.in.CA, old.in.CAKey = CertPEM(old.Cert.Raw), KeyPEM(t, old.Key)
	return old
}

// issue adds a certificate with its key and its row of the index, and returns its serial.
func (o *oldPKI) issue(t *testing.T, name string, alter ...func(*x509.Certificate)) string {
	t.Helper()
	key := NewKey(t)
	serial := o.certify(t, key, name, alter...)
	o.in.Keys = append(o.in.Keys, domain.ForeignPart{Path: "private/" + name + ".key", PEM: KeyPEM(t, key)})
	return serial
}

func (o *oldPKI) certify(t *testing.T, key crypto.Signer, name string, alter ...func(*x509.Certificate)) string {
	t.Helper()
	o.next++
	text := o.Issue(t, key.Public(), append([]func(*x509.Certificate){func(c *x509.Certificate) {
		c.Subject.CommonName, c.SerialNumber = name, big.NewInt(o.next)
	}}, alter...)...)
	part := domain.ForeignPart{Path: "issued/" + name + ".crt", PEM: domain.Secret(text)}
	o.in.Certificates = append(o.in.Certificates, part)
	serial := ca.FormatSerial(big.NewInt(o.next))
	row := domain.IndexRow{Path: "index.txt", Name: name, Serial: serial, NotAfter: Noon.Add(300 * Day)}
	o.in.Index = append(o.in.Index, row)
	return serial
}

// revoke marks the newest row of the index.
func (o *oldPKI) revoke(reason domain.RevocationReason) {
	row := &o.in.Index[len(o.in.Index)-1]
	row.RevokedAt, row.Revocation.Reason = Noon.Add(-3*Day), reason
}

func expired(c *x509.Certificate) { c.NotAfter = Noon.Add(-Day) }

func forServers(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }

// from is a certificate that begins so many days before noon.
func from(days int) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore = Noon.Add(-time.Duration(days) * Day) }
}

// run imports the PKI, and checks how many rows there are of each action.
func (o *oldPKI) run(t *testing.T, w *World, fresh, known, left, bad int) pki.ImportReport {
	t.Helper()
	report := Must(w.Imports.Run(Operator(t), o.in, nil))(t)
	if got := [4]int{report.New, report.Known, report.Left, report.Bad}; got != [4]int{fresh, known, left, bad} {
		t.Errorf("%v rows, want %v", got, [4]int{fresh, known, left, bad})
		for _, row := range report.Rows {
			t.Logf("%+v", *row)
		}
	}
	return report
}

// clientsOf returns the clients of a CA by name, of several the last.
func clientsOf(t *testing.T, w *World) map[string]domain.Client {
	t.Helper()
	found := map[string]domain.Client{}
	page := Must(w.Clients.Page(t.Context(), domain.ClientFilter{}, domain.PageRequest{Size: 100}))(t)
	for _, client := range page.Items {
		found[client.Name] = client
	}
	return found
}

func certificatesOf(t *testing.T, w *World, filter domain.CertificateFilter) []domain.Certificate {
	t.Helper()
	return Must(w.Certificates.Page(t.Context(), filter, domain.PageRequest{Size: 100}))(t).Items
}

func TestImports(t *testing.T) {
	t.Parallel()
	for name, open := range Engines {
		if name == "postgres" && testing.Short() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			testImportWhole(t, w)
		})
	}
}

// wholePKI has one of everything.
func wholePKI(t *testing.T) *oldPKI {
	t.Helper()
	old := newOldPKI(t)
	old.issue(t, "rio")
	old.issue(t, "antigo", expired)
	old.issue(t, "perdido")
	old.revoke(domain.KeyCompromise)
	old.issue(t, "servidor", forServers)
	old.certify(t, NewKey(t), "")
	old.issue(t, "natal", from(90))
	old.issue(t, "natal", from(30))
	old.in.Index = append(old.in.Index,
		domain.IndexRow{Path: "index.txt:8", Name: "sumido", Serial: "0ABC", RevokedAt: Noon.Add(-9 * Day)},
		domain.IndexRow{Path: "index.txt:9", Name: "ausente", Serial: "0DEF"},
	)
	old.in.CRLs = []domain.ForeignPart{{Path: "crl.pem", PEM: domain.Secret(old.List(t, big.NewInt(7)))}}
	old.in.Static = []string{"ta.key"}
	return old
}

func testImportWhole(t *testing.T, w *World) {
	old := wholePKI(t)
	old.in.DryRun = true
	if report := old.run(t, w, 10, 0, 2, 0); report.Stored || report.CA.ID != 0 || w.CountEvents(t) != 0 {
		t.Errorf("a dry run has stored %+v", report.CA)
	}
	old.in.DryRun = false
	authority := old.run(t, w, 10, 0, 2, 0).CA
	WantSame(t, authority.Name, old.Cert.Subject.CommonName)
	got := clientsOf(t, w)
	if len(got) != 4 {
		t.Errorf("%d clients", len(got))
	}
	if rio := got["rio"]; rio.CAID != authority.ID || rio.Revoked() || rio.Organization != "Empresa" || rio.Serial != "11" {
		t.Errorf("%+v", rio)
	}
	if lost := got["perdido"]; !lost.RevokedAt.Equal(Noon.Add(-3*Day)) || lost.Reason != domain.KeyCompromise {
		t.Errorf("%+v", lost)
	}
	if past := got["antigo"]; !past.Expired(Noon) {
		t.Errorf("%+v", past)
	}
	WantSame(t, got["natal"].Serial, "17")
	history := certificatesOf(t, w, domain.CertificateFilter{ClientID: got["natal"].ID})
	if len(history) != 2 || history[0].Serial != "16" || history[0].Revoked() || !history[0].SupersededAt.IsZero() {
		t.Errorf("%+v", history)
	}
	for kind, want := range map[domain.CertificateKind]int{
		domain.CertificateOfClient: 5, domain.CertificateOfServer: 1, domain.CertificateOfForeign: 1,
	} {
		if list := certificatesOf(t, w, domain.CertificateFilter{Kind: kind}); len(list) != want {
			t.Errorf("%d of the kind %s", len(list), kind)
		}
	}
	WantSame(t, Must(w.Clients.Key(Operator(t), got["rio"].ID))(t), []byte(old.in.Keys[0].PEM))
	list := w.Current(t, authority.ID)
	if len(list.RevokedCertificateEntries) != 2 || list.Number.Int64() <= 7 {
		t.Errorf("%d entries, number %s", len(list.RevokedCertificateEntries), list.Number)
	}
	testImportAgain(t, w, old)
}

// testImportAgain: a second import changes nothing.
func testImportAgain(t *testing.T, w *World, old *oldPKI) {
	events, clients := w.CountEvents(t), clientsOf(t, w)
	if report := old.run(t, w, 0, 9, 2, 0); report.Stored {
		t.Error("it is said to be stored")
	}
	WantSame(t, w.CountEvents(t), events)
	WantSame(t, clientsOf(t, w), clients)
	verified := Must(w.Audit.Verify(t.Context()))(t)
	if len(verified.Problems) > 0 || verified.Events != int64(events) {
		t.Errorf("%+v", verified)
	}
}

// TestImports_Events: each client and each other certificate has an event, with the operator.
func TestImports_Events(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	wholePKI(t).run(t, w, 10, 0, 2, 0)
	count := map[domain.Scope]int{}
	for _, event := range w.Events(t) {
		count[event.Resource]++
		if event.Action != domain.ActionImport || event.ActorName != "operator" || event.ResourceID == 0 {
			t.Errorf("%+v", event)
		}
		if event.Resource == domain.ScopeClients {
			WantSame(t, Must(w.Clients.Get(t.Context(), event.ResourceID))(t).Name, event.ResourceName)
		}
	}
	WantSame(t, count, map[domain.Scope]int{domain.ScopeCAs: 1, domain.ScopeClients: 4, domain.ResourceCertificates: 3})
}

// TestImports_Later: what the old CA has done since the first import comes in with the next.
func TestImports_Later(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := newOldPKI(t)
	rio := old.issue(t, "rio", from(50))
	natal := old.issue(t, "natal")
	old.run(t, w, 3, 0, 0, 0)
	before := clientsOf(t, w)
	newer := old.issue(t, "rio", from(20))
	oldest := old.issue(t, "rio", from(80), expired)
	old.issue(t, "recife")
	old.in.Index[1].RevokedAt = Noon.Add(-Day)
	old.in.Index = append(old.in.Index, domain.IndexRow{Path: "index.txt:9", Serial: "FF", RevokedAt: Noon})
	old.run(t, w, 5, 3, 0, 0) // three certificates and two revocations
	after := clientsOf(t, w)
	if after["rio"].ID != before["rio"].ID || after["rio"].Serial != newer || after["rio"].Revoked() {
		t.Errorf("%+v", after["rio"])
	}
	list := certificatesOf(t, w, domain.CertificateFilter{ClientID: after["rio"].ID})
	if len(list) != 2 || list[0].Serial != rio {
		t.Errorf("%+v", list)
	}
	foreign := certificatesOf(t, w, domain.CertificateFilter{Kind: domain.CertificateOfForeign})
	if len(foreign) != 1 || foreign[0].Serial != oldest || foreign[0].ClientID != 0 {
		t.Errorf("%+v", foreign)
	}
	if !after["natal"].Revoked() || after["natal"].Serial != natal || len(after) != 3 {
		t.Errorf("%+v", after["natal"])
	}
	if list := w.Current(t, after["natal"].CAID); len(list.RevokedCertificateEntries) != 2 {
		t.Errorf("%d entries", len(list.RevokedCertificateEntries))
	}
	old.run(t, w, 0, 6, 0, 0)
	// its certificate has no e-mail address, and the next one need not
	Must(w.Clients.Renew(Operator(t), after["recife"].ID, domain.ClientRenewal{}))(t)
}

// TestImports_Faults: what is at fault stops the import, unless a part is asked for.
func TestImports_Faults(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	taken := w.NewClient(t, w.NewCA(t).ID)
	old := newOldPKI(t)
	old.issue(t, taken.Name)
	old.issue(t, "rio")
	old.in.Certificates = append(old.in.Certificates,
		domain.ForeignPart{Path: "bad.crt", PEM: domain.Secret(CertPEM([]byte("no certificate")))})
	old.in.Faults = []domain.ForeignFault{{Path: "index.txt:3", Err: errors.New("no date")}}
	old.in.Index = append(old.in.Index,
		domain.IndexRow{Path: "index.txt:4", Serial: "xyz"},
		domain.IndexRow{Path: "index.txt:5", Serial: "AA", RevokedAt: Noon.Add(Day)},
	)
	events := w.CountEvents(t)
	if report := old.run(t, w, 2, 0, 0, 5); report.Stored || w.CountEvents(t) != events {
		t.Error("something is stored")
	}
	old.in.Partial = true
	if report := old.run(t, w, 2, 0, 0, 5); !report.Stored || len(clientsOf(t, w)) != 2 {
		t.Error("nothing is stored")
	}
	if _, there := clientsOf(t, w)["rio"]; !there {
		t.Error("no rio")
	}
	old.run(t, w, 0, 2, 0, 5)
}

// TestImports_Atomic: when the database fails, nothing is stored.
func TestImports_Atomic(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := wholePKI(t)
	broken := *w.Imports
	broken.Store = &Hooked{Store: w.Store, AfterTransact: func() error { return errors.New("the disk is full") }}
	if report, err := broken.Run(Operator(t), old.in, nil); err == nil || report.Stored {
		t.Errorf("%+v (%v)", report, err)
	}
	certs := certificatesOf(t, w, domain.CertificateFilter{})
	if w.CountEvents(t) != 0 || len(clientsOf(t, w)) != 0 || len(certs) != 0 {
		t.Error("something is stored")
	}
	old.run(t, w, 10, 0, 2, 0)
}
