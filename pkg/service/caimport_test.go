package service_test

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
)

func entry(serial int64, at time.Time, reason int) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: at, ReasonCode: reason}
}

func TestCAs_Import(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			t.Run("the record is the certificate's subject", func(t *testing.T) { testImportedCA(t, w) })
			t.Run("its list goes on", func(t *testing.T) { testImportedList(t, w) })
			t.Run("lists that can't go on are refused", func(t *testing.T) { testImpossibleLists(t, w) })
			t.Run("faults", func(t *testing.T) { testCAImportFaults(t, w) })
		})
	}
}

func testImportedCA(t *testing.T, w *world) {
	ctx := t.Context()
	old := newForeignCA(t, func(c *x509.Certificate) {
		c.Subject.Country, c.Subject.OrganizationalUnit = []string{"Brasil"}, []string{"T\x00I"}
		c.Subject.Province = []string{strings.Repeat("p", 300)}
	})
	request := old.request(t, nil)
	request.Name, request.Description = "", "from easy-rsa"
	got := must(w.CAs.Import(ctx, request))(t)
	wantSame(t, got, domain.CA{
		ID: got.ID, Name: old.cert.Subject.CommonName, Description: "from easy-rsa", KeyAlgorithm: "ecdsa-p256",
		Subject:   domain.Subject{Country: "Brasil", Province: strings.Repeat("p", 300), Organization: "Empresa", Sector: "TI", Email: "old@example.com"},
		ExpiresAt: noon.Add(1000 * day), CreatedAt: noon, UpdatedAt: noon,
	})
	wantSame(t, must(w.CAs.Get(ctx, got.ID))(t), got)
	wantSame(t, must(w.CAs.Certificate(ctx, got.ID))(t), certPEM(old.cert.Raw))
	wantSame(t, w.current(t, got.ID).Number.Int64(), noon.Unix())
	t.Run("what breaks our rules in its subject does not hinder an update", func(t *testing.T) {
		got.Description = "new"
		wantSame(t, must(w.CAs.Update(ctx, got.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Description: new("new")}}))(t), got)
		_, err := w.CAs.Update(ctx, got.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Country: new("Brasil")}})
		wantFaults(t, err, fault{domain.Invalid, "country", domain.ReasonCountry})
	})
	t.Run("it issues", func(t *testing.T) {
		asked := spec(got.ID)
		wantIssued(t, w, asked, must(w.Clients.Create(ctx, asked))(t), "ecdsa-p256")
	})
	t.Run("an encrypted key needs its password", func(t *testing.T) {
		request := newForeignCA(t).request(t, nil)
		old := newForeignCA(t)
		request.Certificate, request.Key = certPEM(old.cert.Raw), encryptedPEM(t, old.key, "certo")
		_, err := w.CAs.Import(ctx, request)
		wantFaults(t, err, fault{domain.Required, "password", domain.ReasonPasswordRequired})
		request.Password = "errado"
		_, err = w.CAs.Import(ctx, request)
		wantFaults(t, err, fault{domain.Invalid, "password", domain.ReasonPasswordWrong})
		request.Password = "certo"
		imported := must(w.CAs.Import(ctx, request))(t)
		wantSame(t, w.current(t, imported.ID).Number.Int64(), noon.Unix()) // the password is not needed any more
	})
}

func testImportedList(t *testing.T, w *world) {
	ctx := t.Context()
	old := newForeignCA(t)
	date := noon.Add(-10 * day)
	authority := old.importInto(t, w, old.list(t, big.NewInt(1<<40),
		entry(1, date, 1), entry(2, date.Add(time.Hour), 4), entry(3, date, removeFromCRL), entry(4, date, 7), entry(5, date, 42), entry(1, noon, 5)))
	t.Run("numbers go on above, entries keep reason and date", func(t *testing.T) {
		list := w.current(t, authority.ID)
		wantSame(t, list.Number.Int64(), 1<<40+1)
		got := map[int64]x509.RevocationListEntry{}
		for _, e := range list.RevokedCertificateEntries {
			got[e.SerialNumber.Int64()] = entry(e.SerialNumber.Int64(), e.RevocationTime, e.ReasonCode)
		}
		diff := map[int64]x509.RevocationListEntry{
			1: entry(1, date, 1), 2: entry(2, date.Add(time.Hour), 4),
			4: entry(4, date, 0), 5: entry(5, date, 0), // reasons that do not exist
		}
		for serial, want := range diff {
			if e := got[serial]; !e.RevocationTime.Equal(want.RevocationTime) || e.ReasonCode != want.ReasonCode || e.SerialNumber == nil {
				t.Errorf("entry %d is %+v", serial, e)
			}
		}
		wantSame(t, len(got), len(diff))
		wantSame(t, len(list.RevokedCertificateEntries), len(diff))
	})
	t.Run("a client on it is revoked whatever the request says", func(t *testing.T) {
		for _, revoked := range []bool{false, true} {
			serial := map[bool]int64{false: 1, true: 2}[revoked]
			key := newKey(t)
			request := domain.ClientImport{
				CAID: authority.ID, Email: "a@example.com", Key: keyPEM(t, key), Revoked: revoked,
				Certificate: old.issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(serial) }),
			}
			got := must(w.Clients.Import(ctx, request))(t)
			wantSame(t, must(w.Clients.Get(ctx, got.ID))(t).RevokedAt, date.Add(time.Duration(serial-1)*time.Hour))
			check(t, w.Clients.Revoke(ctx, got.ID))
		}
		list := w.current(t, authority.ID)
		wantSame(t, list.Number.Int64(), 1<<40+1) // nothing was added
		wantSame(t, len(list.RevokedCertificateEntries), 4)
	})
	t.Run("one that was taken off the list is not revoked", func(t *testing.T) {
		key := newKey(t)
		got := must(w.Clients.Import(ctx, domain.ClientImport{
			CAID: authority.ID, Email: "a@example.com", Key: keyPEM(t, key),
			Certificate: old.issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(3) }),
		}))(t)
		wantSame(t, got.Revoked(), false)
		w.revoke(t, got.ID)
		wantSame(t, len(w.current(t, authority.ID).RevokedCertificateEntries), 5)
	})
	t.Run("foreign entries stay for ever", func(t *testing.T) {
		client := w.newClient(t, authority.ID)
		w.clock.pass(900 * day)
		w.revoke(t, client.ID)
		w.current(t, authority.ID)
		w.clock.pass(40 * day)
		if list := w.current(t, authority.ID); len(list.RevokedCertificateEntries) < 4 {
			t.Errorf("left are %v", serials(list))
		}
	})
	t.Run("lists without entries that count", func(t *testing.T) {
		for _, entries := range [][]x509.RevocationListEntry{nil, {entry(1, date, removeFromCRL)}} {
			old := newForeignCA(t)
			list := w.current(t, old.importInto(t, w, old.list(t, big.NewInt(7), entries...)).ID)
			wantSame(t, list.Number.Int64(), w.clock.Now().Unix()) // later than 7
			wantSame(t, len(list.RevokedCertificateEntries), 0)
		}
	})
	t.Run("the largest number and the oldest date that can go on", func(t *testing.T) {
		old := newForeignCA(t)
		largest := int64(math.MaxInt64 >> 1)
		oldest := time.Date(1950, time.January, 1, 0, 0, 0, 0, time.UTC)
		list := w.current(t, old.importInto(t, w, old.list(t, big.NewInt(largest), entry(1, oldest, 0))).ID)
		wantSame(t, list.Number.Int64(), largest+1)
		wantSame(t, list.RevokedCertificateEntries[0].RevocationTime, oldest)
	})
}

const removeFromCRL = 8

func testImpossibleLists(t *testing.T, w *world) {
	old, stranger := newForeignCA(t), newForeignCA(t, func(c *x509.Certificate) { c.Subject.CommonName = "same" })
	for sentence, test := range map[string]struct {
		crl  []byte
		want domain.Reason
	}{
		"of another CA":         {stranger.list(t, big.NewInt(1)), domain.ReasonCRLSigner},
		"not a list":            {certPEM(old.cert.Raw), domain.ReasonCRL},
		"damaged":               {old.list(t, big.NewInt(1))[:200], domain.ReasonCRL},
		"two lists":             {append(old.list(t, big.NewInt(1)), old.list(t, big.NewInt(2))...), domain.ReasonCRL},
		"a number too long":     {old.own(t, ca.CRLRequest{Number: new(big.Int).Lsh(big.NewInt(1), 64*8)}), domain.ReasonCRLSerial},
		"an entry too long":     {old.list(t, big.NewInt(1), x509.RevocationListEntry{SerialNumber: new(big.Int).Lsh(big.NewInt(1), 600), RevocationTime: noon}), domain.ReasonCRLSerial},
		"a list of tomorrow":    {old.listAt(t, w.clock.Now().Add(day), big.NewInt(1)), domain.ReasonCRLFuture},
		"a list of in a second": {old.listAt(t, w.clock.Now().Add(time.Second), big.NewInt(1)), domain.ReasonCRLFuture},
	} {
		t.Run(sentence, func(t *testing.T) {
			request := old.request(t, test.crl)
			_, err := w.CAs.Import(t.Context(), request)
			wantFaults(t, err, fault{domain.Invalid, "crl", test.want})
			wantSame(t, must(w.store.CAs().NameTaken(t.Context(), request.Name))(t), false)
		})
	}
}

func testCAImportFaults(t *testing.T, w *world) {
	old, taken := newForeignCA(t), newForeignCA(t)
	first := taken.importInto(t, w, nil)
	leafKey := newKey(t)
	for _, test := range []struct {
		sentence string
		alter    func(*domain.CAImport)
		want     []fault
	}{
		{"another key", func(i *domain.CAImport) { i.Key = keyPEM(t, newKey(t)) }, []fault{{domain.Invalid, "key", domain.ReasonKeyMismatch}}},
		{"a client's certificate", func(i *domain.CAImport) { i.Certificate, i.Key = old.issue(t, leafKey.Public()), keyPEM(t, leafKey) }, []fault{{domain.Invalid, "cert", domain.ReasonNotCA}}},
		{"a CA that may not sign lists", func(i *domain.CAImport) {
			other := newForeignCA(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
			i.Certificate, i.Key = certPEM(other.cert.Raw), keyPEM(t, other.key)
		}, []fault{{domain.Invalid, "cert", domain.ReasonNotCA}}},
		{"a name that is taken", func(i *domain.CAImport) { i.Name = strings.ToUpper(first.Name) }, []fault{{domain.Duplicated, "name", domain.ReasonDuplicated}}},
		{"the same CA under another name", func(i *domain.CAImport) { i.Certificate, i.Key = certPEM(taken.cert.Raw), keyPEM(t, taken.key) }, []fault{{domain.Duplicated, "cert", domain.ReasonDuplicated}}},
		{"no name anywhere", func(i *domain.CAImport) {
			nameless := newForeignCA(t, func(c *x509.Certificate) { c.Subject.CommonName = "" })
			i.Name, i.Certificate, i.Key = "", certPEM(nameless.cert.Raw), keyPEM(t, nameless.key)
		}, []fault{{domain.Required, "name", domain.ReasonRequired}}},
		{"a bad name and address", func(i *domain.CAImport) { i.Name, i.Email = "a\nb", "nobody" }, []fault{
			{domain.Invalid, "name", domain.ReasonControl}, {domain.Invalid, "email", domain.ReasonEmail},
		}},
		{"no PEM", func(i *domain.CAImport) { i.Certificate, i.Key = nil, "" }, []fault{{domain.Invalid, "cert", domain.ReasonPEM}, {domain.Invalid, "key", domain.ReasonPEM}}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			before := must(w.store.CAs().IDs(t.Context()))(t)
			request := old.request(t, nil)
			test.alter(&request)
			_, err := w.CAs.Import(t.Context(), request)
			wantFaults(t, err, test.want...)
			wantSame(t, must(w.store.CAs().IDs(t.Context()))(t), before)
		})
	}
}
