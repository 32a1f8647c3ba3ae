package storetest

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testEnrol(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	enrolled := func(t *testing.T, name, serial string) (domain.Client, domain.Certificate, error) {
		client := sampleClient(authority.ID, name)
		cert := sampleCertificate(client, serial)
		err := s.Clients().Enrol(ctx, &client, &cert)
		return client, cert, err
	}
	t.Run("client and certificate are read back whole", func(t *testing.T) {
		client, cert, err := enrolled(t, fresh("enrol"), "e0")
		check(t, err)
		if cert.ClientID != client.ID || client.ID == 0 || cert.ID == 0 {
			t.Errorf("ids %d, %d, %d", client.ID, cert.ClientID, cert.ID)
		}
		wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
		wantSame(t, must(s.Certificates().OfClient(ctx, client.ID))(t), cert)
	})
	t.Run("a client that is revoked stays so", func(t *testing.T) {
		client := sampleClient(authority.ID, fresh("enrol"))
		client.RevokedAt = client.CreatedAt
		cert := sampleCertificate(client, "e1")
		check(t, s.Clients().Enrol(ctx, &client, &cert))
		wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
	})
	t.Run("a name that is taken leaves no certificate", func(t *testing.T) {
		name := fresh("enrol")
		_, _, err := enrolled(t, name, "e2")
		check(t, err)
		_, _, err = enrolled(t, name, "e3")
		wantFault(t, err, domain.Duplicated, "name", domain.ReasonDuplicated)
		_, _, err = enrolled(t, fresh("enrol"), "e3")
		check(t, err)
	})
	t.Run("a serial that is taken leaves no client", func(t *testing.T) {
		name := fresh("enrol")
		_, _, err := enrolled(t, name, "e0")
		wantFault(t, err, domain.Duplicated, "cert", domain.ReasonDuplicated)
		if must(s.Clients().NameTaken(ctx, name))(t) {
			t.Error("the client is there without its certificate")
		}
	})
	t.Run("a CA that does not exist is not found", func(t *testing.T) {
		client := sampleClient(absent, fresh("enrol"))
		cert := sampleCertificate(client, "e4")
		wantFault(t, s.Clients().Enrol(ctx, &client, &cert), domain.NotFound, "ca_id", domain.ReasonNotFound)
	})
	t.Run("a transaction around it that fails leaves nothing", func(t *testing.T) {
		name := fresh("enrol")
		err := s.Transact(ctx, func(tx domain.Store) error {
			client := sampleClient(authority.ID, name)
			cert := sampleCertificate(client, "e5")
			check(t, tx.Clients().Enrol(ctx, &client, &cert))
			return domain.Fault(domain.Rule, "", domain.ReasonForbidden)
		})
		if !domain.IsKind(err, domain.Rule) || must(s.Clients().NameTaken(ctx, name))(t) {
			t.Errorf("error %v, or the client is there", err)
		}
	})
}
