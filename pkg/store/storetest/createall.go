package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// createAllRules is the contract of Clients.CreateAll and Certificates.CreateAll.
var createAllRules = rules{
	{storedForm, testCreateAllForm},
	{unique, testCreateAllUnique},
	{references, testCreateAllReferences},
}

// manyRows are more than one statement takes on SQLite.
const manyRows = 600

// createAll stores clients, and then a certificate of each and one of no client.
func createAll(
	t *testing.T, s domain.Store, authority domain.CA, prefix string,
) ([]*domain.Client, []*domain.Certificate, error) {
	t.Helper()
	all := make([]*domain.Client, manyRows)
	for i := range all {
		one := sampleClient(authority.ID, fresh("all"))
		one.Serial = fmt.Sprintf("%s%x", prefix, i+1)
		if i%3 == 1 {
			one.RevokedAt, one.Reason = noon, domain.KeyCompromise
		}
		all[i] = &one
	}
	var certs []*domain.Certificate
	err := s.Transact(t.Context(), func(tx domain.Store) error {
		if err := tx.Clients().CreateAll(t.Context(), all); err != nil {
			return err
		}
		certs = nil
		for i, client := range all {
			cert := sampleCertificate(*client, client.Serial)
			if i%3 == 1 {
				cert.RevokedAt, cert.Reason, cert.SealedKey, cert.KeyKept = noon, domain.KeyCompromise, nil, false
			}
			certs = append(certs, &cert)
		}
		one := sampleCertificate(domain.Client{CAID: authority.ID, Name: "servidor"}, prefix+"0")
		one.Kind, one.SupersededAt = domain.CertificateOfServer, noon
		certs = append(certs, &one)
		return tx.Certificates().CreateAll(t.Context(), certs)
	})
	return all, certs, err
}

func testCreateAllForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("all are read back whole, with ascending ids", func(t *testing.T) {
		all, certs, err := createAll(t, s, newCA(t, s), "a")
		check(t, err)
		for i := range 4 {
			wantSame(t, must(s.Clients().Get(ctx, all[i].ID))(t), *all[i])
			wantSame(t, must(s.Certificates().Get(ctx, certs[i].ID))(t), *certs[i])
		}
		last := certs[manyRows]
		wantSame(t, must(s.Certificates().Get(ctx, last.ID))(t), *last)
		for i := range manyRows {
			if certs[i].ID >= certs[i+1].ID || certs[i].ClientID != all[i].ID || all[i].ID == 0 {
				t.Fatalf("certificate %d has the id %d of client %d", i, certs[i].ID, certs[i].ClientID)
			}
		}
	})
	t.Run("clients of several CAs go together, by their names", func(t *testing.T) {
		first, second := sampleClient(newCA(t, s).ID, fresh("Z")), sampleClient(newCA(t, s).ID, fresh("a"))
		first.Serial, second.Serial = "e1", "e2"
		check(t, s.Clients().CreateAll(ctx, []*domain.Client{&first, &second}))
		wantSame(t, must(s.Clients().Get(ctx, first.ID))(t), first)
		wantSame(t, must(s.Clients().Get(ctx, second.ID))(t), second)
		wantSame(t, second.ID < first.ID, true)
	})
	t.Run("none is a no-op", func(t *testing.T) {
		check(t, errors.Join(s.Clients().CreateAll(ctx, nil), s.Certificates().CreateAll(ctx, nil)))
	})
	t.Run("a client that does not hold its name leaves it free", func(t *testing.T) {
		authority := newCA(t, s)
		first, second := sampleClient(authority.ID, fresh("all")), sampleClient(authority.ID, fresh("all"))
		first.RevokedAt, first.Serial = noon, "b1"
		second.Name, second.Serial = first.Name, "b2"
		check(t, s.Clients().CreateAll(ctx, []*domain.Client{&first, &second}))
	})
}

func testCreateAllUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	taken := newClient(t, s, authority.ID)
	newCertificate(t, s, taken, func(c *domain.Certificate) { c.Serial = "c0" })
	t.Run("a name that is taken leaves none", func(t *testing.T) {
		first, second := sampleClient(authority.ID, fresh("all")), sampleClient(authority.ID, taken.Name)
		first.Serial, second.Serial = "c1", "c2"
		err := s.Clients().CreateAll(ctx, []*domain.Client{&first, &second})
		wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
		if must(s.Clients().NameTaken(ctx, first.Name, noon))(t) {
			t.Error("the first one is there")
		}
	})
	t.Run("a serial that is taken leaves none", func(t *testing.T) {
		first, second := sampleCertificate(taken, "c3"), sampleCertificate(taken, "c0")
		err := s.Certificates().CreateAll(ctx, []*domain.Certificate{&first, &second})
		wantFault(t, err, domain.Duplicated, "cert", domain.ReasonDuplicated)
		_, err = s.Certificates().OfSerial(ctx, authority.ID, "c3")
		wantMissing(t, err)
	})
	t.Run("a serial that is given twice is refused", func(t *testing.T) {
		first, second := sampleCertificate(taken, "c4"), sampleCertificate(taken, "c4")
		if err := s.Certificates().CreateAll(ctx, []*domain.Certificate{&first, &second}); err == nil {
			t.Error("no error")
		}
	})
}

func testCreateAllReferences(t *testing.T, s domain.Store) {
	t.Run("a CA that does not exist has none", func(t *testing.T) {
		for _, create := range []func(context.Context) error{
			func(ctx context.Context) error {
				one := sampleClient(absent, fresh("all"))
				return s.Clients().CreateAll(ctx, []*domain.Client{&one})
			},
			func(ctx context.Context) error {
				one := sampleCertificate(domain.Client{CAID: absent, Name: "x"}, "d1")
				return s.Certificates().CreateAll(ctx, []*domain.Certificate{&one})
			},
		} {
			wantFault(t, create(t.Context()), domain.NotFound, "ca_id", domain.ReasonNotFound)
		}
	})
}
