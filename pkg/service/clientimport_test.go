package service_test

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestClients_Import(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	old := newForeignCA(t)
	authority := old.importInto(t, w, nil)
	t.Run("the record is the certificate's subject and the request's address", func(t *testing.T) {
		key := newKey(t)
		text := old.issue(t, key.Public(), func(c *x509.Certificate) { c.Subject.CommonName = "site.rio-1"; c.SerialNumber = big.NewInt(0xabc) })
		got := must(w.Clients.Import(ctx, domain.ClientImport{
			CAID: authority.ID, Email: "rio@example.com", Description: "Rio", Certificate: text, Key: keyPEM(t, key),
		}))(t)
		wantSame(t, got, domain.Client{
			ID: got.ID, CAID: authority.ID, Name: "site.rio-1", Description: "Rio", ExpiresAt: noon.Add(300 * day), CreatedAt: noon, UpdatedAt: noon,
			Subject: domain.Subject{Country: "BR", Province: "SP", City: "São Paulo", Organization: "Empresa", Sector: "TI", Email: "rio@example.com"},
		})
		wantSame(t, must(w.Clients.Get(ctx, got.ID))(t), got)
		wantSame(t, w.serial(t, got.ID), "0abc")
		wantSame(t, string(must(w.Clients.Certificate(ctx, got.ID))(t)), string(text)+string(certPEM(old.cert.Raw)))
		wantSame(t, must(w.Clients.Key(ctx, got.ID))(t), []byte(keyPEM(t, key)))
	})
	t.Run("an RSA key and one with both usages", func(t *testing.T) {
		key := newRSA(t, 2048)
		text := old.issue(t, key.Public(), func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		})
		must(w.Clients.Import(ctx, domain.ClientImport{CAID: authority.ID, Email: "a@example.com", Certificate: text, Key: keyPEM(t, key)}))(t)
	})
	t.Run("a subject with control characters is stored without them", func(t *testing.T) {
		key := newKey(t)
		text := old.issue(t, key.Public(), func(c *x509.Certificate) { c.Subject.Organization = []string{"a\x00b\nc"} })
		got := must(w.Clients.Import(ctx, domain.ClientImport{CAID: authority.ID, Email: "a@example.com", Certificate: text, Key: keyPEM(t, key)}))(t)
		wantSame(t, got.Organization, "abc")
	})
	t.Run("passwords", func(t *testing.T) { testImportPasswords(t, w, old, authority.ID) })
	t.Run("revoked", func(t *testing.T) { testImportRevoked(t, w, old, authority.ID) })
	t.Run("faults", func(t *testing.T) { testImportFaults(t, w, old, authority.ID) })
}

func testImportPasswords(t *testing.T, w *world, old foreignCA, caID int64) {
	ctx := t.Context()
	key := newKey(t)
	request := domain.ClientImport{CAID: caID, Email: "a@example.com", Certificate: old.issue(t, key.Public()), Key: encryptedPEM(t, key, "certo")}
	_, err := w.Clients.Import(ctx, request)
	wantFaults(t, err, fault{domain.Required, "password", domain.ReasonPasswordRequired})
	request.Password = "errado"
	_, err = w.Clients.Import(ctx, request)
	wantFaults(t, err, fault{domain.Invalid, "password", domain.ReasonPasswordWrong})
	request.Password = "certo"
	wantProtected(t, w, must(w.Clients.Import(ctx, request))(t).ID, key, "certo")

	plain := newKey(t)
	got := must(w.Clients.Import(ctx, domain.ClientImport{
		CAID: caID, Email: "a@example.com", Certificate: old.issue(t, plain.Public()), Key: keyPEM(t, plain), Password: "novo",
	}))(t)
	wantProtected(t, w, got.ID, plain, "novo")
}

// wantProtected checks that a key is kept and handed out under its password.
func wantProtected(t *testing.T, w *world, clientID int64, key crypto.Signer, password string) {
	t.Helper()
	text := must(w.Clients.Key(t.Context(), clientID))(t)
	if block, _ := pem.Decode(text); block.Type != "ENCRYPTED PRIVATE KEY" {
		t.Errorf("the key is a %s", block.Type)
	}
	opened := must(ca.ParsePrivateKey(text, password))(t)
	if !opened.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
		t.Error("it is another key")
	}
	wantSame(t, must(w.store.Certificates().OfClient(t.Context(), clientID))(t).KeyProtected, true)
}

func testImportRevoked(t *testing.T, w *world, old foreignCA, caID int64) {
	ctx := t.Context()
	for _, test := range []struct {
		sentence string
		date     *time.Time
		want     time.Time
	}{
		{"without a date it is revoked now", nil, noon},
		{"with a date it is revoked since then", new(noon.Add(-3 * day).In(time.FixedZone("-03", -3*60*60))), noon.Add(-3 * day)},
		{"a date before the certificate", new(noon.Add(-1000 * day)), noon.Add(-1000 * day)},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			key := newKey(t)
			before := w.current(t, caID).Number.Int64()
			got := must(w.Clients.Import(ctx, domain.ClientImport{
				CAID: caID, Email: "a@example.com", Certificate: old.issue(t, key.Public()), Key: keyPEM(t, key), Revoked: true, RevokedAt: test.date,
			}))(t)
			wantSame(t, must(w.Clients.Get(ctx, got.ID))(t).RevokedAt, test.want)
			list := w.current(t, caID)
			wantSame(t, list.Number.Int64(), before+1)
			last := list.RevokedCertificateEntries[len(list.RevokedCertificateEntries)-1]
			wantSame(t, ca.FormatSerial(last.SerialNumber), w.serial(t, got.ID))
			wantSame(t, last.RevocationTime, test.want)
		})
	}
}

func testImportFaults(t *testing.T, w *world, old foreignCA, caID int64) {
	key, weak := newKey(t), newRSA(t, 1024)
	taken := must(w.Clients.Import(t.Context(), domain.ClientImport{
		CAID: caID, Email: "a@example.com", Certificate: old.issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(77) }), Key: keyPEM(t, key),
	}))(t)
	stranger := newForeignCA(t, func(c *x509.Certificate) { c.Subject = old.cert.Subject })
	named := func(name string) func(*domain.ClientImport) {
		return func(i *domain.ClientImport) {
			i.Certificate = old.issue(t, key.Public(), func(c *x509.Certificate) { c.Subject.CommonName = name })
		}
	}
	noName := fault{domain.Invalid, "cert", domain.ReasonNoName}
	for _, test := range []struct {
		sentence string
		alter    func(*domain.ClientImport)
		want     []fault
	}{
		{"another key", func(i *domain.ClientImport) { i.Key = keyPEM(t, newKey(t)) }, []fault{{domain.Invalid, "key", domain.ReasonKeyMismatch}}},
		{"a key of another kind", func(i *domain.ClientImport) { i.Key = keyPEM(t, newRSA(t, 2048)) }, []fault{{domain.Invalid, "key", domain.ReasonKeyMismatch}}},
		{"another CA of the same name", func(i *domain.ClientImport) { i.Certificate = stranger.issue(t, key.Public()) }, []fault{{domain.Invalid, "cert", domain.ReasonNotSignedByCA}}},
		{"another CA and another key", func(i *domain.ClientImport) {
			i.Certificate, i.Key = stranger.issue(t, key.Public()), keyPEM(t, newKey(t))
		}, []fault{{domain.Invalid, "cert", domain.ReasonNotSignedByCA}, {domain.Invalid, "key", domain.ReasonKeyMismatch}}},
		{"a sub-CA", func(i *domain.ClientImport) {
			i.Certificate = old.issue(t, key.Public(), func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage = x509.KeyUsageCertSign })
		}, []fault{{domain.Invalid, "cert", domain.ReasonIsCA}}},
		{"the CA itself", func(i *domain.ClientImport) { i.Certificate, i.Key = certPEM(old.cert.Raw), keyPEM(t, old.key) }, []fault{{domain.Invalid, "cert", domain.ReasonIsCA}}},
		{"a server", func(i *domain.ClientImport) {
			i.Certificate = old.issue(t, key.Public(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
		}, []fault{{domain.Invalid, "cert", domain.ReasonNotClient}}},
		{"a weak key", func(i *domain.ClientImport) { i.Certificate, i.Key = old.issue(t, weak.Public()), keyPEM(t, weak) }, []fault{{domain.Invalid, "key", domain.ReasonKeyWeak}}},
		{"a certificate of a weak key", func(i *domain.ClientImport) { i.Certificate = old.issue(t, weak.Public()) }, []fault{
			{domain.Invalid, "cert", domain.ReasonKeyWeak}, {domain.Invalid, "key", domain.ReasonKeyMismatch},
		}},
		{"no name", named(""), []fault{noName}},
		{"a name with a space", named("site um"), []fault{noName}},
		{"a name of 31 characters", named(strings.Repeat("a", 31)), []fault{noName}},
		{"a reserved name", named("Default"), []fault{noName}},
		{"a way up", named(".."), []fault{noName}},
		{"a name that is taken", named(strings.ToUpper(taken.Name)), []fault{{domain.Duplicated, "name", domain.ReasonDuplicated}}},
		{"a serial that is taken", func(i *domain.ClientImport) {
			i.Certificate = old.issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(77) })
		}, []fault{{domain.Duplicated, "cert", domain.ReasonDuplicated}}},
		{"a CA that does not exist", func(i *domain.ClientImport) { i.CAID = 1 << 40 }, []fault{{domain.NotFound, "ca_id", domain.ReasonNotFound}}},
		{"no PEM", func(i *domain.ClientImport) { i.Certificate, i.Key = []byte("x"), "y" }, []fault{{domain.Invalid, "cert", domain.ReasonPEM}, {domain.Invalid, "key", domain.ReasonPEM}}},
		{"key and certificate exchanged", func(i *domain.ClientImport) { i.Certificate, i.Key = []byte(i.Key), domain.Secret(i.Certificate) }, []fault{
			{domain.Invalid, "cert", domain.ReasonPEM}, {domain.Invalid, "key", domain.ReasonPEM},
		}},
		{"two certificates", func(i *domain.ClientImport) { i.Certificate = append(i.Certificate, certPEM(old.cert.Raw)...) }, []fault{{domain.Invalid, "cert", domain.ReasonOnePEM}}},
		{"a date without being revoked", func(i *domain.ClientImport) { i.RevokedAt = &noon }, []fault{{domain.Invalid, "revoked_date", domain.ReasonOnlyRevoked}}},
		{"a date in the future", func(i *domain.ClientImport) { i.Revoked, i.RevokedAt = true, new(noon.Add(time.Second)) }, []fault{{domain.Invalid, "revoked_date", domain.ReasonFuture}}},
		{"a date that no list can name", func(i *domain.ClientImport) {
			i.Revoked, i.RevokedAt = true, new(time.Date(1949, time.December, 31, 23, 59, 59, 0, time.UTC))
		}, []fault{{domain.Invalid, "revoked_date", domain.ReasonDate}}},
		{"the year one, which is no date at all", func(i *domain.ClientImport) { i.Revoked, i.RevokedAt = true, new(time.Time) }, []fault{{domain.Invalid, "revoked_date", domain.ReasonDate}}},
		{"all at once", func(i *domain.ClientImport) { *i = domain.ClientImport{RevokedAt: &noon} }, []fault{
			{domain.Required, "email", domain.ReasonRequired}, {domain.Invalid, "revoked_date", domain.ReasonOnlyRevoked},
			{domain.NotFound, "ca_id", domain.ReasonNotFound}, {domain.Invalid, "cert", domain.ReasonPEM}, {domain.Invalid, "key", domain.ReasonPEM},
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			before := w.current(t, caID)
			request := domain.ClientImport{CAID: caID, Email: "a@example.com", Certificate: old.issue(t, key.Public()), Key: keyPEM(t, key)}
			test.alter(&request)
			_, err := w.Clients.Import(t.Context(), request)
			wantFaults(t, err, test.want...)
			wantSame(t, w.current(t, caID).Raw, before.Raw)
		})
	}
}
