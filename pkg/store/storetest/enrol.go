package storetest

import (
	"errors"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// enrolRules is the contract of Clients.Enrol.
var enrolRules = rules{
	{storedForm, testEnrolForm},
	{unique, testEnrolUnique},
	{references, testEnrolReferences},
	{atomicity, testEnrolAtomic},
	{"Events", testEnrolEvents},
}

// enrolment enrols clients of one CA.
type enrolment struct {
	domain.Store
	authority domain.CA
}

func (s enrolment) enrol(
	t *testing.T, client domain.Client, serial string,
) (domain.Client, domain.Certificate, domain.Event, error) {
	cert, event := sampleCertificate(client, serial), sampleEvent()
	err := s.Clients().Enrol(t.Context(), &client, &cert, &event)
	return client, cert, event, err
}

func (s enrolment) enrolled(t *testing.T, name, serial string) error {
	_, _, _, err := s.enrol(t, sampleClient(s.authority.ID, name), serial)
	return err
}

func testEnrolForm(t *testing.T, s domain.Store) {
	e := enrolment{s, newCA(t, s)}
	t.Run("client, certificate and event are read back whole", func(t *testing.T) {
		client, cert, event, err := e.enrol(t, sampleClient(e.authority.ID, fresh("enrol")), "e0")
		check(t, err)
		if cert.ClientID != client.ID || event.ResourceID != client.ID || client.ID == 0 || cert.ID == 0 ||
			event.ID == 0 {
			t.Errorf("ids %d, %d of %d, %d of %d", client.ID, cert.ID, cert.ClientID, event.ID, event.ResourceID)
		}
		wantSame(t, must(s.Clients().Get(t.Context(), client.ID))(t), client)
		wantSame(t, must(s.Certificates().OfClient(t.Context(), client.ID))(t), cert)
		wantSame(t, must(s.Audit().Get(t.Context(), event.ID))(t), stored(event))
	})
	t.Run("a client that is revoked stays so", func(t *testing.T) {
		asked := sampleClient(e.authority.ID, fresh("enrol"))
		asked.RevokedAt = asked.CreatedAt
		client, _, _, err := e.enrol(t, asked, "e1")
		check(t, err)
		wantSame(t, must(s.Clients().Get(t.Context(), client.ID))(t), client)
	})
}

func testEnrolUnique(t *testing.T, s domain.Store) {
	e := enrolment{s, newCA(t, s)}
	check(t, e.enrolled(t, fresh("enrol"), "e0"))
	t.Run("a name that is taken leaves no certificate", func(t *testing.T) {
		name := fresh("enrol")
		check(t, e.enrolled(t, name, "e2"))
		wantFault(t, e.enrolled(t, name, "e3"), domain.Duplicated, "name", domain.ReasonDuplicated)
		check(t, e.enrolled(t, fresh("enrol"), "e3"))
	})
	t.Run("a serial that is taken leaves no client", func(t *testing.T) {
		name := fresh("enrol")
		wantFault(t, e.enrolled(t, name, "e0"), domain.Duplicated, "cert", domain.ReasonDuplicated)
		if must(s.Clients().NameTaken(t.Context(), name, noon))(t) {
			t.Error("the client is there without its certificate")
		}
	})
}

func testEnrolReferences(t *testing.T, s domain.Store) {
	e := enrolment{s, newCA(t, s)}
	t.Run("a certificate of another CA that had the same id is refused, and leaves nothing", func(t *testing.T) {
		client, event := sampleClient(e.authority.ID, fresh("enrol")), sampleEvent()
		cert := sampleCertificate(client, "e9")
		cert.Issuer = []byte("the certificate of a CA that is gone")
		wantFault(
			t, s.Clients().Enrol(t.Context(), &client, &cert, &event), domain.NotFound, "ca_id", domain.ReasonNotFound,
		)
		wantSame(t, must(s.Clients().NameTaken(t.Context(), client.Name, noon))(t), false)
		cert.Issuer = []byte("certificate")
		check(t, s.Clients().Enrol(t.Context(), &client, &cert, &event))
	})
	t.Run("a CA that does not exist is not found", func(t *testing.T) {
		_, _, _, err := e.enrol(t, sampleClient(absent, fresh("enrol")), "e4")
		wantFault(t, err, domain.NotFound, "ca_id", domain.ReasonNotFound)
	})
}

func testEnrolAtomic(t *testing.T, s domain.Store) {
	e := enrolment{s, newCA(t, s)}
	t.Run("a transaction around it that fails leaves nothing", func(t *testing.T) {
		name := fresh("enrol")
		err := s.Transact(t.Context(), func(tx domain.Store) error {
			client, event := sampleClient(e.authority.ID, name), sampleEvent()
			cert := sampleCertificate(client, "e5")
			check(t, tx.Clients().Enrol(t.Context(), &client, &cert, &event))
			return domain.Fault(domain.Rule, "", domain.ReasonForbidden)
		})
		if !domain.IsKind(err, domain.Rule) || must(s.Clients().NameTaken(t.Context(), name, noon))(t) {
			t.Errorf("error %v, or the client is there", err)
		}
	})
	for where, within := range map[string]func(func(domain.Store) error) error{
		"by itself":        func(do func(domain.Store) error) error { return do(s) },
		"in a transaction": func(do func(domain.Store) error) error { return s.Transact(t.Context(), do) },
	} {
		t.Run("rights that have moved leave nothing, and the next attempt is good, "+where, func(t *testing.T) {
			var client domain.Client
			check(t, within(func(tx domain.Store) error {
				client = sampleClient(e.authority.ID, fresh("enrol"))
				cert, event := sampleCertificate(client, fresh("moved")), sampleEvent()
				event.Point = domain.AccessPoint{Epoch: 1, Mark: "of another history"}
				if err := tx.Clients().
					Enrol(t.Context(), &client, &cert, &event); !errors.Is(err, domain.ErrRightsMoved) ||
					client.ID != 0 || cert.ID != 0 {
					t.Errorf("%v, ids %d and %d", err, client.ID, cert.ID)
				}
				event.Point = must(tx.AccessControl().Point(t.Context()))(t)
				return tx.Clients().Enrol(t.Context(), &client, &cert, &event)
			}))
			wantSame(t, must(s.Clients().Get(t.Context(), client.ID))(t), client)
		})
	}
}

func testEnrolEvents(t *testing.T, s domain.Store) {
	e := enrolment{s, newCA(t, s)}
	t.Run("the events are those of the clients that there are, each on its chain", func(t *testing.T) {
		var kept []domain.Event
		for _, serial := range []string{"e6", "e7", "e8"} {
			_, _, event, err := e.enrol(t, sampleClient(e.authority.ID, fresh("enrol")), serial)
			check(t, err)
			kept = append(kept, event)
		}
		clients := must(s.Clients().Page(t.Context(), domain.ClientFilter{}, domain.PageRequest{Size: 100}))(t).Items
		events := must(s.Audit().Page(t.Context(), domain.AuditFilter{}, domain.PageRequest{Size: 100}))(t).Items
		wantSame(t, len(events), len(clients))
		for i := range events {
			wantSame(t, events[i].ResourceID, clients[i].ID)
		}
		for _, event := range kept {
			wantLinked(t, s, event)
		}
	})
}
