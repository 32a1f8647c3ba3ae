package pki_test

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
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestClients_Import(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, nil)
	t.Run("the record is the certificate's subject and the request's address", func(t *testing.T) {
		key := NewKey(t)
		text := old.Issue(
			t, key.Public(),
			func(c *x509.Certificate) { c.Subject.CommonName = "site.rio-1"; c.SerialNumber = big.NewInt(0xabc) },
		)
		got := Must(w.Clients.Import(ctx, domain.ClientImport{
			CAID: authority.ID, Email: "rio@example.com", Description: "Rio", Certificate: text, Key: KeyPEM(t, key),
		}))(t)
		WantSame(t, got, domain.Client{
			ID: got.ID, CAID: authority.ID, Name: "site.rio-1", Description: "Rio", Serial: "0abc",
			Fingerprint: Digest(PEMBytes(text)), KeyAlgorithm: "ecdsa-p256",
			NotBefore: Must(ca.ParseCertificate(text))(t).NotBefore, ExpiresAt: Noon.Add(300 * Day),
			CreatedAt: Noon, UpdatedAt: Noon,
			Subject: domain.Subject{
				Country: "BR", Province: "SP", City: "São Paulo", Organization: "Empresa", Sector: "TI",
				Email: "rio@example.com",
			},
		})
		WantSame(t, Must(w.Clients.Get(ctx, got.ID))(t), got)
		WantSame(t, w.Serial(t, got.ID), "0abc")
		WantSame(t, string(Must(w.Clients.Certificate(ctx, got.ID))(t)), string(text)+string(CertPEM(old.Cert.Raw)))
		WantSame(t, Must(w.Clients.Key(ctx, got.ID))(t), []byte(KeyPEM(t, key)))
	})
	t.Run("an RSA key and one with both usages", func(t *testing.T) {
		key := NewRSA(t, 2048)
		text := old.Issue(t, key.Public(), func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		})
		Must(
			w.Clients.Import(
				ctx, domain.ClientImport{
					CAID: authority.ID, Email: "a@example.com", Certificate: text, Key: KeyPEM(t, key),
				},
			),
		)(t)
	})
	t.Run("a subject with control characters is stored without them", func(t *testing.T) {
		key := NewKey(t)
		text := old.Issue(t, key.Public(), func(c *x509.Certificate) { c.Subject.Organization = []string{"a\x00b\nc"} })
		got := Must(
			w.Clients.Import(
				ctx, domain.ClientImport{
					CAID: authority.ID, Email: "a@example.com", Certificate: text, Key: KeyPEM(t, key),
				},
			),
		)(t)
		WantSame(t, got.Organization, "abc")
	})
	t.Run("passwords", func(t *testing.T) { testImportPasswords(t, w, old, authority.ID) })
	t.Run("revoked", func(t *testing.T) { testImportRevoked(t, w, old, authority.ID) })
	t.Run("faults", func(t *testing.T) { testImportFaults(t, w, old, authority.ID) })
}

func testImportPasswords(t *testing.T, w *World, old ForeignCA, caID int64) {
	ctx := t.Context()
	key := NewKey(t)
	request := domain.ClientImport{
		CAID: caID, Email: "a@example.com", Certificate: old.Issue(t, key.Public()), Key: EncryptedPEM(t, key, "certo"),
	}
	_, err := w.Clients.Import(ctx, request)
	WantFaults(t, err, NewFault(domain.Required, "password", domain.ReasonPasswordRequired))
	request.Password = "errado"
	_, err = w.Clients.Import(ctx, request)
	WantFaults(t, err, NewFault(domain.Invalid, "password", domain.ReasonPasswordWrong))
	request.Password = "certo"
	wantProtected(t, w, Must(w.Clients.Import(ctx, request))(t).ID, key, "certo")

	plain := NewKey(t)
	got := Must(w.Clients.Import(ctx, domain.ClientImport{
		CAID: caID, Email: "a@example.com", Certificate: old.Issue(t, plain.Public()), Key: KeyPEM(t, plain),
		Password: "novo",
	}))(t)
	wantProtected(t, w, got.ID, plain, "novo")
}

// wantProtected checks that a key is stored and handed out encrypted with its password.
func wantProtected(t *testing.T, w *World, clientID int64, key crypto.Signer, password string) {
	t.Helper()
	text := Must(w.Clients.Key(t.Context(), clientID))(t)
	if block, _ := pem.Decode(text); block.Type != "ENCRYPTED PRIVATE KEY" {
		t.Errorf("the key is a %s", block.Type)
	}
	opened := Must(ca.ParsePrivateKey(text, password))(t)
	if !opened.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
		t.Error("it is another key")
	}
	WantSame(t, Must(w.Store.Certificates().OfClient(t.Context(), clientID))(t).KeyProtected, true)
}

func testImportRevoked(t *testing.T, w *World, old ForeignCA, caID int64) {
	ctx := t.Context()
	for _, test := range []struct {
		sentence string
		date     *time.Time
		want     time.Time
	}{
		{"without a date it is revoked now", nil, Noon},
		{
			"with a date it is revoked since then", new(Noon.Add(-3 * Day).In(time.FixedZone("-03", -3*60*60))),
			Noon.Add(-3 * Day),
		},
		{"a date before the certificate", new(Noon.Add(-1000 * Day)), Noon.Add(-1000 * Day)},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			key := NewKey(t)
			before := w.Current(t, caID).Number.Int64()
			got := Must(w.Clients.Import(ctx, domain.ClientImport{
				CAID: caID, Email: "a@example.com", Certificate: old.Issue(t, key.Public()), Key: KeyPEM(t, key),
				Revoked: true, RevokedAt: test.date,
			}))(t)
			WantSame(t, Must(w.Clients.Get(ctx, got.ID))(t).RevokedAt, test.want)
			list := w.Current(t, caID)
			WantSame(t, list.Number.Int64(), before+1)
			last := list.RevokedCertificateEntries[len(list.RevokedCertificateEntries)-1]
			WantSame(t, ca.FormatSerial(last.SerialNumber), w.Serial(t, got.ID))
			WantSame(t, last.RevocationTime, test.want)
		})
	}
}

func testImportFaults(t *testing.T, w *World, old ForeignCA, caID int64) {
	key, weak := NewKey(t), NewRSA(t, 1024)
	taken := Must(w.Clients.Import(t.Context(), domain.ClientImport{
		CAID: caID, Email: "a@example.com",
		Certificate: old.Issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(77) }),
		Key:         KeyPEM(t, key),
	}))(t)
	stranger := NewForeignCA(t, func(c *x509.Certificate) { c.Subject = old.Cert.Subject })
	named := func(name string) func(*domain.ClientImport) {
		return func(i *domain.ClientImport) {
			i.Certificate = old.Issue(t, key.Public(), func(c *x509.Certificate) { c.Subject.CommonName = name })
		}
	}
	noName := NewFault(domain.Invalid, "cert", domain.ReasonNoName)
	for _, test := range []struct {
		sentence string
		alter    func(*domain.ClientImport)
		want     []Fault
	}{
		{
			"another key", func(i *domain.ClientImport) { i.Key = KeyPEM(t, NewKey(t)) },
			[]Fault{NewFault(domain.Invalid, "key", domain.ReasonKeyMismatch)},
		},
		{
			"a key of another kind", func(i *domain.ClientImport) { i.Key = KeyPEM(t, NewRSA(t, 2048)) },
			[]Fault{NewFault(domain.Invalid, "key", domain.ReasonKeyMismatch)},
		},
		{
			"another CA of the same name",
			func(i *domain.ClientImport) { i.Certificate = stranger.Issue(t, key.Public()) }, []Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonNotSignedByCA),
			},
		},
		{"another CA and another key", func(i *domain.ClientImport) {
			i.Certificate, i.Key = stranger.Issue(t, key.Public()), KeyPEM(t, NewKey(t))
		}, []Fault{
			NewFault(domain.Invalid, "cert", domain.ReasonNotSignedByCA),
			NewFault(domain.Invalid, "key", domain.ReasonKeyMismatch),
		}},
		{"a sub-CA", func(i *domain.ClientImport) {
			i.Certificate = old.Issue(
				t, key.Public(), func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage = x509.KeyUsageCertSign },
			)
		}, []Fault{NewFault(domain.Invalid, "cert", domain.ReasonIsCA)}},
		{
			"the CA itself",
			func(i *domain.ClientImport) { i.Certificate, i.Key = CertPEM(old.Cert.Raw), KeyPEM(t, old.Key) }, []Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonIsCA),
			},
		},
		{"a server", func(i *domain.ClientImport) {
			i.Certificate = old.Issue(
				t, key.Public(),
				func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
			)
		}, []Fault{NewFault(domain.Invalid, "cert", domain.ReasonNotClient)}},
		{
			"a weak key",
			func(i *domain.ClientImport) { i.Certificate, i.Key = old.Issue(t, weak.Public()), KeyPEM(t, weak) },
			[]Fault{
				NewFault(domain.Invalid, "key", domain.ReasonKeyWeak),
			},
		},
		{"a certificate of a weak key", func(i *domain.ClientImport) { i.Certificate = old.Issue(t, weak.Public()) },
			[]Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonKeyWeak),
				NewFault(domain.Invalid, "key", domain.ReasonKeyMismatch),
			}},
		{"no name", named(""), []Fault{noName}},
		{"a name of 65 characters", named(strings.Repeat("a", 65)), []Fault{noName}},
		{"a name with a control character", named("site\x01um"), []Fault{noName}},
		{
			"a name that is taken", named(strings.ToUpper(taken.Name)),
			[]Fault{NewFault(domain.Duplicated, "name", domain.ReasonDuplicated)},
		},
		{"a serial that is taken", func(i *domain.ClientImport) {
			i.Certificate = old.Issue(t, key.Public(), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(77) })
		}, []Fault{NewFault(domain.Duplicated, "cert", domain.ReasonDuplicated)}},
		{
			"a CA that does not exist", func(i *domain.ClientImport) { i.CAID = 1 << 40 },
			[]Fault{NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound)},
		},
		{
			"no PEM", func(i *domain.ClientImport) { i.Certificate, i.Key = []byte("x"), "y" },
			[]Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonPEM), NewFault(domain.Invalid, "key", domain.ReasonPEM),
			},
		},
		{"key and certificate exchanged",
			func(i *domain.ClientImport) { i.Certificate, i.Key = []byte(i.Key), domain.Secret(i.Certificate) },
			[]Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonOtherPEM), NewFault(domain.Invalid, "key", domain.ReasonOtherPEM),
			}},
		{
			"two certificates",
			func(i *domain.ClientImport) { i.Certificate = append(i.Certificate, CertPEM(old.Cert.Raw)...) }, []Fault{
				NewFault(domain.Invalid, "cert", domain.ReasonOnePEM),
			},
		},
		{
			"a date without being revoked", func(i *domain.ClientImport) { i.RevokedAt = &Noon },
			[]Fault{NewFault(domain.Invalid, "revoked_date", domain.ReasonOnlyRevoked)},
		},
		{
			"a date in the future",
			func(i *domain.ClientImport) { i.Revoked, i.RevokedAt = true, new(Noon.Add(time.Second)) }, []Fault{
				NewFault(domain.Invalid, "revoked_date", domain.ReasonFuture),
			},
		},
		{"a date that no list can name", func(i *domain.ClientImport) {
			i.Revoked, i.RevokedAt = true, new(time.Date(1949, time.December, 31, 23, 59, 59, 0, time.UTC))
		}, []Fault{NewFault(domain.Invalid, "revoked_date", domain.ReasonDate)}},
		{
			"the year one, which is no date at all",
			func(i *domain.ClientImport) { i.Revoked, i.RevokedAt = true, new(time.Time) }, []Fault{
				NewFault(domain.Invalid, "revoked_date", domain.ReasonDate),
			},
		},
		{"all at once", func(i *domain.ClientImport) { *i = domain.ClientImport{RevokedAt: &Noon} }, []Fault{
			NewFault(domain.Required, "email", domain.ReasonRequired),
			NewFault(domain.Invalid, "revoked_date", domain.ReasonOnlyRevoked),
			NewFault(domain.NotFound, "ca_id", domain.ReasonNotFound),
			NewFault(domain.Invalid, "cert", domain.ReasonPEM),
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			before := w.Current(t, caID)
			request := domain.ClientImport{
				CAID: caID, Email: "a@example.com", Certificate: old.Issue(t, key.Public()), Key: KeyPEM(t, key),
			}
			test.alter(&request)
			_, err := w.Clients.Import(t.Context(), request)
			WantFaults(t, err, test.want...)
			WantSame(t, w.Current(t, caID).Raw, before.Raw)
		})
	}
}
