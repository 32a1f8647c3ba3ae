package pki_test

import (
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

const oldPassword = "senha das chaves"

// TestImports_Keys: a key belongs to the certificate with its public key, whatever its file is
// called. One that is encrypted needs the password, and stays encrypted with it.
func TestImports_Keys(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := newOldPKI(t)
	open, locked, other := NewKey(t), NewKey(t), NewKey(t)
	old.certify(t, open, "rio")
	old.certify(t, locked, "natal")
	old.certify(t, other, "recife")
	old.in.Keys = []domain.ForeignPart{
		{Path: "x.key", PEM: KeyPEM(t, open)}, {Path: "y.key", PEM: EncryptedPEM(t, locked, oldPassword)},
		{Path: "private/recife.key", PEM: EncryptedPEM(t, other, "another password")},
		{Path: "z.key", PEM: KeyPEM(t, NewKey(t))},
	}
	old.in.DryRun = true
	old.run(t, w, 4, 0, 2, 0) // y.key is of nobody without its password
	old.in.DryRun, old.in.KeyPassword = false, oldPassword
	report := old.run(t, w, 4, 0, 1, 0)
	for _, row := range report.Rows {
		locked := len(row.Notes) == 1 && row.Notes[0] == pki.NoteKeyLocked
		if row.Kind == "client" && (row.Key == (row.Name == "recife") || locked == row.Key) {
			t.Errorf("%+v", row)
		}
	}
	clients := clientsOf(t, w)
	if clients["rio"].KeyProtected || !clients["natal"].KeyProtected || clients["recife"].KeyProtected {
		t.Errorf("%+v", clients)
	}
	Must(w.Clients.PKCS12(Operator(t), clients["natal"].ID, "", oldPassword))(t)
	if _, err := w.Clients.Key(Operator(t), clients["recife"].ID); !domain.IsKind(err, domain.Missing) {
		t.Errorf("the key of recife: %v", err)
	}
}

// TestImports_CA: the key of the CA may be encrypted, and may have any name.
func TestImports_CA(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	want := func(in domain.PKIImport, kind domain.Kind, field string) {
		t.Helper()
		_, err := w.Imports.Run(Operator(t), in, nil)
		if faults := domain.Faults(err); len(faults) != 1 || faults[0].Kind != kind || faults[0].Field != field {
			t.Errorf("%v, want %v on %s", err, kind, field)
		}
	}
	old, second := newOldPKI(t), newOldPKI(t)
	in := old.in
	in.CAKey = ""
	want(in, domain.Required, "key")
	in.CAKey = EncryptedPEM(t, old.Key, oldPassword)
	want(in, domain.Required, "password")
	in.CAPassword = "wrong"
	want(in, domain.Invalid, "password")
	in.CAKey = second.in.CAKey
	want(in, domain.Invalid, "key")
	in.CA, in.CAKey = nil, ""
	want(in, domain.Required, "cert")
	in.Certificates = []domain.ForeignPart{
		{Path: "a", PEM: domain.Secret(old.in.CA)}, {Path: "b", PEM: domain.Secret(second.in.CA)},
	}
	want(in, domain.Invalid, "cert")
	in.Certificates = in.Certificates[:1]
	in.Keys = []domain.ForeignPart{{Path: "k", PEM: EncryptedPEM(t, old.Key, oldPassword)}}
	in.CAPassword, in.Name = oldPassword, "da matriz"
	report := Must(w.Imports.Run(Operator(t), in, nil))(t)
	if report.New != 1 || report.Left != 0 || report.CA.Name != "da matriz" || !report.Stored {
		t.Errorf("%+v", report)
	}
	third := newOldPKI(t)
	third.in.Name = "DA MATRIZ"
	want(third.in, domain.Duplicated, "name")
}

// TestImports_OtherCA: certificates and lists of another CA are left out.
func TestImports_OtherCA(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old, other := newOldPKI(t), newOldPKI(t)
	old.issue(t, "rio")
	other.issue(t, "natal")
	old.in.Certificates = append(old.in.Certificates, other.in.Certificates...)
	old.in.CRLs = []domain.ForeignPart{
		{Path: "other.pem", PEM: domain.Secret(other.List(t, big.NewInt(1)))},
		{Path: "crl.pem", PEM: domain.Secret(old.List(t, big.NewInt(7)))},
		{Path: "crl.old", PEM: domain.Secret(old.ListAt(t, Noon.Add(-9*Day), big.NewInt(6)))},
	}
	old.run(t, w, 3, 0, 3, 0)
	old.run(t, w, 0, 3, 3, 0)
}

// TestImports_Twice: a certificate that two files have comes in once; two with one serial are a
// fault.
func TestImports_Twice(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := newOldPKI(t)
	old.issue(t, "rio")
	old.in.Certificates = append(old.in.Certificates, old.in.Certificates[0])
	old.run(t, w, 2, 0, 0, 0)
	old.next--
	old.issue(t, "natal")
	old.run(t, w, 0, 2, 0, 1) // its key belongs to it, and is no row of its own
}

// TestImports_Case: names that differ in case are those of two clients, of which one can be in
// force.
func TestImports_Case(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := newOldPKI(t)
	old.issue(t, "rio")
	old.issue(t, "Natal", expired)
	old.issue(t, "natal")
	old.run(t, w, 4, 0, 0, 0)
	again := newOldPKI(t)
	again.issue(t, "Recife")
	again.issue(t, "RECIFE")
	again.run(t, w, 2, 0, 0, 1)
}

// TestImports_Names: a name that an expired client holds comes free. A client that is not in force
// gets another certificate only while nobody else has its name.
func TestImports_Names(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	spec := Spec(w.NewCA(t).ID)
	spec.Expiration = new(1)
	past := Must(w.Clients.Create(Operator(t), spec))(t)
	old := newOldPKI(t)
	old.issue(t, past.Name)
	old.issue(t, "rio", from(50))
	old.revoke(domain.Unspecified)
	old.run(t, w, 2, 0, 0, 1)
	w.Clock.Pass(2 * Day)
	old.run(t, w, 3, 0, 0, 0)
	spec.Name = "rio"
	Must(w.Clients.Create(Operator(t), spec))(t)
	old.issue(t, "rio", from(20))
	old.run(t, w, 0, 3, 0, 1)
	w.Clock.Pass(2 * Day)
	old.run(t, w, 1, 3, 0, 0)
	rio := certificatesOf(t, w, domain.CertificateFilter{Name: "rio"})
	if len(rio) != 3 || rio[0].ClientID != rio[2].ClientID {
		t.Errorf("%+v", rio)
	}
}
