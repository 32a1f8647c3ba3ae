package pki_test

import (
	"crypto/x509"
	"log/slog"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func entry(serial int64, at time.Time, reason int) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: at, ReasonCode: reason}
}

func TestCAs_Import(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			t.Run("the record is the certificate's subject", func(t *testing.T) { testImportedCA(t, w) })
			t.Run("its lists continue", func(t *testing.T) { testImportedList(t, w) })
			t.Run("lists that can't be continued are refused", func(t *testing.T) { testImpossibleLists(t, w) })
			t.Run("faults", func(t *testing.T) { testCAImportFaults(t, w) })
		})
	}
}

func testImportedCA(t *testing.T, w *World) {
	ctx := t.Context()
	old := NewForeignCA(t, func(c *x509.Certificate) {
		c.Subject.Country, c.Subject.OrganizationalUnit = []string{"Brasil"}, []string{"T\x00I"}
		c.Subject.Province = []string{strings.Repeat("p", 300)}
	})
	request := old.Request(t, nil)
	request.Name, request.Description = "", "from easy-rsa"
	got := Must(w.CAs.Import(ctx, request))(t)
	WantSame(t, got, domain.CA{
		ID: got.ID, Name: old.Cert.Subject.CommonName, Description: "from easy-rsa", KeyAlgorithm: "ecdsa-p256",
		Subject: domain.Subject{
			Country: "Brasil", Province: strings.Repeat("p", 300), Organization: "Empresa", Sector: "TI",
			Email: "old@example.com",
		},
		ExpiresAt: Noon.Add(1000 * Day), CreatedAt: Noon, UpdatedAt: Noon,
	})
	WantSame(t, Must(w.CAs.Get(ctx, got.ID))(t), got)
	WantSame(t, Must(w.CAs.Certificate(ctx, got.ID))(t), CertPEM(old.Cert.Raw))
	WantSame(t, w.Current(t, got.ID).Number.Int64(), Noon.Unix())
	t.Run("a subject that breaks the rules of a record does not prevent an update", func(t *testing.T) {
		got.Description = "new"
		WantSame(
			t,
			Must(
				w.CAs.Update(ctx, got.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Description: new("new")}}),
			)(t), got,
		)
		_, err := w.CAs.Update(ctx, got.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Country: new("Brasil")}})
		WantFaults(t, err, NewFault(domain.Invalid, "country", domain.ReasonCountry))
	})
	t.Run("it issues", func(t *testing.T) {
		asked := Spec(got.ID)
		wantIssued(t, w, asked, Must(w.Clients.Create(ctx, asked))(t), "ecdsa-p256")
	})
	t.Run("an encrypted key needs its password", func(t *testing.T) {
		request := NewForeignCA(t).Request(t, nil)
		old := NewForeignCA(t)
		request.Certificate, request.Key = CertPEM(old.Cert.Raw), EncryptedPEM(t, old.Key, "certo")
		_, err := w.CAs.Import(ctx, request)
		WantFaults(t, err, NewFault(domain.Required, "password", domain.ReasonPasswordRequired))
		request.Password = "errado"
		_, err = w.CAs.Import(ctx, request)
		WantFaults(t, err, NewFault(domain.Invalid, "password", domain.ReasonPasswordWrong))
		request.Password = "certo"
		imported := Must(w.CAs.Import(ctx, request))(t)
		WantSame(t, w.Current(t, imported.ID).Number.Int64(), Noon.Unix()) // the password is no longer needed
	})
}

func testImportedList(t *testing.T, w *World) {
	old := NewForeignCA(t)
	date := Noon.Add(-10 * Day)
	authority := old.ImportInto(t, w, old.List(t, big.NewInt(1<<40),
		entry(1, date, 1), entry(2, date.Add(time.Hour), 4), entry(3, date, removeFromCRL), entry(4, date, 7),
		entry(5, date, 42), entry(1, Noon, 5)))
	t.Run("numbers continue from the imported one, entries keep reason and date", func(t *testing.T) {
		list := w.Current(t, authority.ID)
		WantSame(t, list.Number.Int64(), 1<<40+1)
		got := map[int64]x509.RevocationListEntry{}
		for _, e := range list.RevokedCertificateEntries {
			got[e.SerialNumber.Int64()] = entry(e.SerialNumber.Int64(), e.RevocationTime, e.ReasonCode)
		}
		diff := map[int64]x509.RevocationListEntry{
			1: entry(1, date, 1), 2: entry(2, date.Add(time.Hour), 4),
			4: entry(4, date, 0), 5: entry(5, date, 0), // reasons that do not exist
		}
		for serial, want := range diff {
			if e := got[serial]; !e.RevocationTime.Equal(want.RevocationTime) || e.ReasonCode != want.ReasonCode ||
				e.SerialNumber == nil {
				t.Errorf("entry %d is %+v", serial, e)
			}
		}
		WantSame(t, len(got), len(diff))
		WantSame(t, len(list.RevokedCertificateEntries), len(diff))
	})
	testImportedListClients(t, w, old, authority.ID, date)
	t.Run("foreign entries stay for ever", func(t *testing.T) {
		client := w.NewClient(t, authority.ID)
		w.Clock.Pass(900 * Day)
		w.Revoke(t, client.ID)
		w.Current(t, authority.ID)
		w.Clock.Pass(40 * Day)
		if list := w.Current(t, authority.ID); len(list.RevokedCertificateEntries) < 4 {
			t.Errorf("left are %v", Serials(list))
		}
	})
	testImportedListBounds(t, w, date)
}

// testImportedListClients imports clients of the CA old. Its list has the serials 1 and 2, dated
// an hour apart from date on, and says that 3 was removed.
func testImportedListClients(t *testing.T, w *World, old ForeignCA, id int64, date time.Time) {
	ctx := t.Context()
	t.Run("a client on it is revoked whatever the request says", func(t *testing.T) {
		for _, revoked := range []bool{false, true} {
			serial := map[bool]int64{false: 1, true: 2}[revoked]
			key := NewKey(t)
			request := domain.ClientImport{
				CAID: id, Email: "a@example.com", Key: KeyPEM(t, key), Revoked: revoked,
				Certificate: old.Issue(
					t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(serial) },
				),
			}
			got := Must(w.Clients.Import(ctx, request))(t)
			WantSame(t, Must(w.Clients.Get(ctx, got.ID))(t).RevokedAt, date.Add(time.Duration(serial-1)*time.Hour))
			Check(t, w.RevokeClient(ctx, got.ID))
		}
		list := w.Current(t, id)
		WantSame(t, list.Number.Int64(), 1<<40+1) // no list was signed, because no revocation was added
		WantSame(t, len(list.RevokedCertificateEntries), 4)
	})
	t.Run("a client that was removed from the list is not revoked", func(t *testing.T) {
		key := NewKey(t)
		got := Must(w.Clients.Import(ctx, domain.ClientImport{
			CAID: id, Email: "a@example.com", Key: KeyPEM(t, key),
			Certificate: old.Issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(3) }),
		}))(t)
		WantSame(t, got.Revoked(), false)
		w.Revoke(t, got.ID)
		WantSame(t, len(w.Current(t, id).RevokedCertificateEntries), 5)
	})
}

func testImportedListBounds(t *testing.T, w *World, date time.Time) {
	t.Run("lists without entries that count", func(t *testing.T) {
		for _, entries := range [][]x509.RevocationListEntry{nil, {entry(1, date, removeFromCRL)}} {
			old := NewForeignCA(t)
			list := w.Current(t, old.ImportInto(t, w, old.List(t, big.NewInt(7), entries...)).ID)
			WantSame(t, list.Number.Int64(), w.Clock.Now().Unix()) // later than 7
			WantSame(t, len(list.RevokedCertificateEntries), 0)
		}
	})
	t.Run("the largest number and the oldest date that can be continued", func(t *testing.T) {
		old := NewForeignCA(t)
		largest := int64(math.MaxInt64 >> 1)
		oldest := time.Date(1950, time.January, 1, 0, 0, 0, 0, time.UTC)
		list := w.Current(t, old.ImportInto(t, w, old.List(t, big.NewInt(largest), entry(1, oldest, 0))).ID)
		WantSame(t, list.Number.Int64(), largest+1)
		WantSame(t, list.RevokedCertificateEntries[0].RevocationTime, oldest)
	})
}

const removeFromCRL = 8

func testImpossibleLists(t *testing.T, w *World) {
	old, stranger := NewForeignCA(t), NewForeignCA(t, func(c *x509.Certificate) { c.Subject.CommonName = "same" })
	for sentence, test := range map[string]struct {
		crl  []byte
		want domain.Reason
	}{
		"of another CA": {stranger.List(t, big.NewInt(1)), domain.ReasonCRLSigner},
		"not a list":    {CertPEM(old.Cert.Raw), domain.ReasonCRL},
		"damaged":       {old.List(t, big.NewInt(1))[:200], domain.ReasonCRL},
		"two lists":     {append(old.List(t, big.NewInt(1)), old.List(t, big.NewInt(2))...), domain.ReasonCRL},
		"a number too long": {
			old.Own(t, ca.CRLRequest{Number: new(big.Int).Lsh(big.NewInt(1), 64*8)}), domain.ReasonCRLSerial,
		},
		"an entry too long": {
			old.List(
				t, big.NewInt(1), x509.RevocationListEntry{
					SerialNumber: new(big.Int).Lsh(big.NewInt(1), 600), RevocationTime: Noon,
				},
			), domain.ReasonCRLSerial,
		},
		"a list of tomorrow":    {old.ListAt(t, w.Clock.Now().Add(Day), big.NewInt(1)), domain.ReasonCRLFuture},
		"a list of in a second": {old.ListAt(t, w.Clock.Now().Add(time.Second), big.NewInt(1)), domain.ReasonCRLFuture},
	} {
		t.Run(sentence, func(t *testing.T) {
			request := old.Request(t, test.crl)
			_, err := w.CAs.Import(t.Context(), request)
			WantFaults(t, err, NewFault(domain.Invalid, "crl", test.want))
			WantSame(t, Must(w.Store.CAs().NameTaken(t.Context(), request.Name))(t), false)
		})
	}
}

func testCAImportFaults(t *testing.T, w *World) {
	old, taken := NewForeignCA(t), NewForeignCA(t)
	first := taken.ImportInto(t, w, nil)
	leafKey := NewKey(t)
	for _, test := range []struct {
		sentence string
		alter    func(*domain.CAImport)
		want     []Fault
	}{
		{
			"another key", func(i *domain.CAImport) { i.Key = KeyPEM(t, NewKey(t)) },
			[]Fault{NewFault(domain.Invalid, "key", domain.ReasonKeyMismatch)},
		},
		{
			"a client's certificate",
			func(i *domain.CAImport) { i.Certificate, i.Key = old.Issue(t, leafKey.Public()), KeyPEM(t, leafKey) },
			[]Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonNotCA),
			},
		},
		{"a CA that may not sign lists", func(i *domain.CAImport) {
			other := NewForeignCA(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
			i.Certificate, i.Key = CertPEM(other.Cert.Raw), KeyPEM(t, other.Key)
		}, []Fault{NewFault(domain.Invalid, "cert", domain.ReasonNotCA)}},
		{
			"a name that is taken", func(i *domain.CAImport) { i.Name = strings.ToUpper(first.Name) },
			[]Fault{NewFault(domain.Duplicated, "name", domain.ReasonDuplicated)},
		},
		{
			"the same CA under another name",
			func(i *domain.CAImport) { i.Certificate, i.Key = CertPEM(taken.Cert.Raw), KeyPEM(t, taken.Key) }, []Fault{
				NewFault(domain.Duplicated, "cert", domain.ReasonDuplicated),
			},
		},
		{"no name anywhere", func(i *domain.CAImport) {
			nameless := NewForeignCA(t, func(c *x509.Certificate) { c.Subject.CommonName = "" })
			i.Name, i.Certificate, i.Key = "", CertPEM(nameless.Cert.Raw), KeyPEM(t, nameless.Key)
		}, []Fault{NewFault(domain.Required, "name", domain.ReasonRequired)}},
		{"a bad name and address", func(i *domain.CAImport) { i.Name, i.Email = "a\nb", "nobody" }, []Fault{
			NewFault(domain.Invalid, "name", domain.ReasonControl),
			NewFault(domain.Invalid, "email", domain.ReasonEmail),
		}},
		{
			"no PEM", func(i *domain.CAImport) { i.Certificate, i.Key = nil, "" },
			[]Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonPEM), NewFault(domain.Invalid, "key", domain.ReasonPEM),
			},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			before := Must(w.Store.CAs().IDs(t.Context()))(t)
			request := old.Request(t, nil)
			test.alter(&request)
			_, err := w.CAs.Import(t.Context(), request)
			WantFaults(t, err, test.want...)
			WantSame(t, Must(w.Store.CAs().IDs(t.Context()))(t), before)
		})
	}
}
