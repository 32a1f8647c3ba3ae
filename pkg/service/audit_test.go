package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// recorded is what an event must say: the action and its resource, and the JSON of before and
// after.
type recorded struct {
	action        domain.Action
	resource      domain.Scope
	id            int64
	name          string
	before, after string
}

// TestAudit: every change leaves exactly one event, which says who made it, from which address,
// what it was and what differs.
func TestAudit(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := &scenario{World: WorldOn(t, open(t), slog.DiscardHandler), ctx: From(Operator(t), "2001:db8::1")}
			s.Store.Rehearse(false) // ids without gaps are expected
			t.Run("access", s.testAccess)
			t.Run("mail", s.testMail)
			t.Run("certificates", s.testCertificates)
			t.Run("webhooks", s.testWebhooks)
			t.Run("instances", s.testInstances)
			WantSame(t, Must(s.Audit.Verify(t.Context()))(t), audit.Report{Events: int64(s.seen), Checkpoints: 1})
			for _, e := range s.Events(t) {
				WantNone(
					t, "audit", []byte(fmt.Sprint(e)),
					append(s.secrets, NewNeedle("PEM", []byte("-----BEGIN")), NewNeedle("hash", []byte("$argon2id$"))),
				)
				WantSame(t, e, Must(s.Audit.Get(t.Context(), e.ID))(t))
			}
		})
	}
}

// scenario is a world in which an operator makes one change after the other.
type scenario struct {
	*World
	ctx     context.Context
	seen    int // number of events
	secrets []Needle
}

// want makes a change and checks its event.
func (s *scenario) want(t *testing.T, want recorded, change func(ctx context.Context) error) {
	t.Helper()
	s.Clock.Pass(time.Minute + 123456789)
	Check(t, change(s.ctx))
	events := s.Events(t)[s.seen:]
	s.seen += len(events)
	if len(events) != 1 {
		t.Fatalf("%s %s: %d events", want.action, want.name, len(events))
	}
	who := domain.PrincipalOf(s.ctx)
	WantSame(t, events[0].At, s.Clock.Now().Truncate(time.Microsecond))
	WantEvent(t, events[0], domain.Event{
		ActorKind: who.Kind, ActorID: who.ID, ActorName: who.Name, Address: "2001:db8::1", RequestID: "request-1",
		Operation: "test",
		Action:    want.action, Resource: want.resource, ResourceID: want.id, ResourceName: want.name,
		Before: want.before, After: want.after,
	})
}

func (s *scenario) secret(what string, text domain.Secret) domain.Secret {
	s.secrets = append(s.secrets, NewNeedle(what, []byte(text)))
	return text
}

func (s *scenario) testAccess(t *testing.T) {
	role := recorded{
		domain.ActionCreate, domain.ScopeRoles, 1, "role", "",
		`{"name":"role","scopes":[{"name":"openvpn.cas","read":true,"write":false}]}`,
	}
	s.want(t, role, func(ctx context.Context) error {
		_, err := s.Roles.Create(ctx, domain.Role{Name: "role", Scopes: []domain.Permission{Read(domain.ScopeCAs)}})
		return err
	})
	s.want(t, recorded{domain.ActionUpdate, domain.ScopeRoles, 1, "Role", `{"name":"role"}`, `{"name":"Role"}`},
		func(ctx context.Context) error {
			_, err := s.Roles.Update(ctx, 1, domain.RoleUpdate{Name: new("Role")})
			return err
		})
	s.testAPIKey(t)
	s.testUser(t)
	s.want(t, recorded{
		domain.ActionDelete, domain.ScopeRoles, 1, "Role", strings.Replace(role.after, "role", "Role", 1), "",
	},
		func(ctx context.Context) error { return s.Roles.Delete(ctx, 1) })
	Check(t, s.Signing.Rotate(s.ctx, true))
	s.seen++
	WantEvent(t, s.Events(t)[s.seen-1], domain.Event{
		ActorKind: domain.PrincipalCommand, ActorName: "operator", Address: "2001:db8::1", RequestID: "request-1",
		Operation: "test",
		Action:    domain.ActionRotate, Resource: domain.ResourceSigningKeys, ResourceName: s.Kids(t)[0],
		After: `{"revoked_earlier":true}`,
	})
}

func (s *scenario) testAPIKey(t *testing.T) {
	var key access.IssuedKey
	all := `{"allowed_ips":["10.0.0.0/8"],"description":"","enabled":true,"expires_at":"2026-03-05T12:00:00.123456Z","generation":1,"instances":[],"name":"key",` +
		`"previous_until":null,"rate_limit":60,"roles":[1],"superuser":false}`
	s.want(t, recorded{domain.ActionCreate, domain.ScopeAPIKeys, 1, "key", "", all},
		func(ctx context.Context) (err error) {
			key, err = s.APIKeys.Create(ctx, domain.APIKey{
				Name: "key", Enabled: true, ExpiresAt: Noon.Add(Day + 123456789), RateLimit: 60,
				AllowedIPs: Must(domain.ParseAllowedIPs([]string{"10.0.0.1/8"}))(t),
			}, []int64{1})
			s.secret("apikey's token", key.Token)
			return err
		})
	s.want(t, recorded{domain.ActionUpdate, domain.ScopeAPIKeys, 1, "new name",
		`{"expires_at":"2026-03-05T12:00:00.123456Z","name":"key","roles":[1]}`,
		`{"expires_at":null,"name":"new name","roles":[]}`,
	}, func(ctx context.Context) error {
		_, err := s.APIKeys.Update(
			ctx, 1, domain.APIKeyUpdate{
				Name: new("new name"), ExpiresAt: new(time.Time{}), Roles: []int64{}, Enabled: new(true),
			},
		)
		return err
	})
	until := s.Clock.Now().Add(time.Minute + 123456789 + time.Hour).Truncate(time.Microsecond).Format(time.RFC3339Nano)
	s.want(t, recorded{domain.ActionRotate, domain.ScopeAPIKeys, 1, "new name",
		`{"generation":1,"previous_until":null}`, `{"generation":2,"previous_until":"` + until + `"}`,
	}, func(ctx context.Context) error {
		rotated, err := s.APIKeys.Rotate(ctx, 1, time.Hour)
		s.secret("apikey's next token", rotated.Token)
		return err
	})
	s.want(t, recorded{domain.ActionDelete, domain.ScopeAPIKeys, 1, "new name",
		`{"allowed_ips":["10.0.0.0/8"],"description":"","enabled":true,"expires_at":null,"generation":2,"instances":[],"name":"new name","previous_until":"` + until +
			`","rate_limit":60,"roles":[],"superuser":false}`, "",
	}, func(ctx context.Context) error { return s.APIKeys.Delete(ctx, 1) })
}

func (s *scenario) testUser(t *testing.T) {
	var user domain.User
	s.want(t, recorded{domain.ActionCreate, domain.ScopeUsers, 1, "ana", "",
		`{"email":"ana@example.com","enabled":true,"fullname":"","generation":1,"roles":[1],"superuser":false,"username":"ana"}`,
	}, func(ctx context.Context) (err error) {
		user, err = s.Users.Create(
			ctx, domain.User{Username: "ana", Email: "ana@example.com", Enabled: true},
			s.secret("password", "primeira senha"), []int64{1},
		)
		return err
	})
	operator := s.ctx
	s.ctx = domain.WithPrincipal(s.ctx, user.Holder().Principal())
	s.want(t, recorded{domain.ActionLogin, domain.ResourceTokens, 1, "ana", "", ""}, func(ctx context.Context) error {
		session, err := s.Login.Password(domain.WithPrincipal(ctx, domain.Principal{}), "ANA", "primeira senha")
		s.secret("session", session.Refresh)
		s.secret("access token", session.Access.Token)
		return err
	})
	s.want(t, recorded{
		domain.ActionUpdate, domain.ScopeUsers, 1, "ana", `{"fullname":"","generation":1}`,
		`{"fullname":"Ana Souza","generation":2}`,
	},
		func(ctx context.Context) error {
			_, _, err := s.Users.UpdateProfile(ctx, access.ProfileUpdate{
				FullName: new("Ana Souza"), Current: new(domain.Secret("primeira senha")),
				Password: new(s.secret("new password", "uma segunda senha")),
			})
			return err
		})
	s.ctx = operator
	s.want(t, recorded{
		domain.ActionUpdate, domain.ScopeUsers, 1, "ana", `{"enabled":true,"generation":2,"superuser":false}`,
		`{"enabled":false,"generation":3,"superuser":true}`,
	},
		func(ctx context.Context) error {
			_, err := s.Users.Update(
				ctx, 1, domain.UserUpdate{
					Enabled: new(false), Superuser: new(true),
					Password: new(s.secret("third password", "terceira senha")),
				},
			)
			return err
		})
	s.want(t, recorded{domain.ActionDelete, domain.ScopeUsers, 1, "ana",
		`{"email":"ana@example.com","enabled":false,"fullname":"Ana Souza","generation":3,"roles":[1],"superuser":true,"username":"ana"}`, "",
	}, func(ctx context.Context) error { return s.Users.Delete(ctx, 1) })
}

func (s *scenario) testCertificates(t *testing.T) {
	var authority domain.CA
	s.Clock.At.Store(&Noon)
	s.want(t, recorded{domain.ActionCreate, domain.ScopeCAs, 1, "ca", "",
		`{"city":"","country":"BR","description":"","email":"ca@example.com","expires_at":"2027-03-04T12:01:00Z","key_algorithm":"ecdsa-p256","name":"ca",` +
			`"organization":"","province":"","sector":""}`,
	}, func(ctx context.Context) (err error) {
		authority, err = s.CAs.Create(
			ctx, domain.CASpec{
				Name: "ca", Subject: domain.Subject{Email: "ca@example.com", Country: "BR"}, Expiration: new(365),
			},
		)
		return err
	})
	s.want(t, recorded{
		domain.ActionUpdate, domain.ScopeCAs, 1, "ca", `{"country":"BR","description":""}`,
		`{"country":"","description":"text"}`,
	},
		func(ctx context.Context) error {
			_, err := s.CAs.Update(
				ctx, 1, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Description: new("text"), Country: new("")}},
			)
			return err
		})
	s.testClient(t, authority.ID)
	old := NewForeignCA(t)
	s.want(t, recorded{domain.ActionImport, domain.ScopeCAs, 2, "old", "",
		`{"city":"","country":"","description":"","email":"old@example.com","expires_at":"2028-11-28T12:00:00Z","key_algorithm":"ecdsa-p256","name":"old",` +
			`"organization":"Empresa","province":"","sector":""}`,
	}, func(ctx context.Context) error {
		request := old.Request(t, nil)
		request.Name = "old"
		s.secrets = append(s.secrets, lines("imported key", []byte(request.Key))...)
		_, err := s.CAs.Import(ctx, request)
		return err
	})
	s.want(t, recorded{domain.ActionDelete, domain.ScopeCAs, 2, "old",
		`{"city":"","country":"","description":"","email":"old@example.com","expires_at":"2028-11-28T12:00:00Z","key_algorithm":"ecdsa-p256","name":"old",` +
			`"organization":"Empresa","province":"","sector":""}`, "",
	}, func(ctx context.Context) error { return s.CAs.Delete(ctx, 2) })
	s.testImported(t)
}

func (s *scenario) testClient(t *testing.T, caID int64) {
	var client domain.Client
	s.secret("client's password", clientPassword)
	// The serial number is known only after the change, so its event is checked separately.
	client = Must(
		s.Clients.Create(
			s.ctx, domain.ClientSpec{
				CAID: caID, Name: "client", Subject: domain.Subject{Email: "ti@example.com"}, Password: clientPassword,
				Expiration: new(30),
			},
		),
	)(t)
	serial := s.Serial(t, client.ID)
	s.seen++
	ends := client.ExpiresAt.Format(time.RFC3339Nano)
	WantEvent(t, s.Events(t)[s.seen-1], domain.Event{
		ActorKind: domain.PrincipalCommand, ActorName: "operator", Address: "2001:db8::1", RequestID: "request-1",
		Operation: "test",
		Action:    domain.ActionCreate, Resource: domain.ScopeClients, ResourceID: client.ID, ResourceName: "client",
		After: `{"ca_id":1,"city":"","country":"","description":"","email":"ti@example.com","expires_at":"` + ends +
			`","key_protected":true,"name":"client",` +
			`"organization":"","province":"","revoked_at":null,"sector":"","serial":"` + serial + `"}`,
	})
	s.want(t, recorded{
		domain.ActionUpdate, domain.ScopeClients, client.ID, "client", `{"email":"ti@example.com"}`,
		`{"email":"b@example.com"}`,
	},
		func(ctx context.Context) error {
			_, err := s.Clients.Update(
				ctx, client.ID, domain.ClientUpdate{
					RecordUpdate: domain.RecordUpdate{Email: new("b@example.com"), City: new("")},
				},
			)
			return err
		})
	s.want(t, recorded{
		domain.ActionExport, domain.ScopeKeys, client.ID, "client", "", `{"form":"pem","serial":"` + serial + `"}`,
	}, func(ctx context.Context) error {
		pem, err := s.Clients.Key(ctx, client.ID)
		s.secrets = append(s.secrets, lines("client's key", pem)...)
		return err
	})
	s.want(t, recorded{
		domain.ActionExport, domain.ScopeKeys, client.ID, "client", "", `{"form":"pkcs12","serial":"` + serial + `"}`,
	}, func(ctx context.Context) error {
		_, err := s.Clients.PKCS12(ctx, client.ID, ca.PKCS12Modern, clientPassword)
		return err
	})
	revoked := s.Clock.Now().Add(time.Minute + 123456789).Truncate(time.Microsecond).Format(time.RFC3339Nano)
	s.want(t, recorded{
		domain.ActionRevoke, domain.ScopeClients, client.ID, "client", "", `{"ca_id":1,"reason":"unspecified","revoked_at":"` + revoked +
			`","serials":["` + serial + `"]}`,
	},
		func(ctx context.Context) error { return s.RevokeClient(ctx, client.ID) })
	t.Run("what changes nothing leaves none", func(t *testing.T) {
		Check(t, s.RevokeClient(s.ctx, client.ID))
		Must(s.Clients.Update(s.ctx, client.ID, domain.ClientUpdate{Name: new("client")}))(t)
		Must(s.CAs.Update(s.ctx, caID, domain.CAUpdate{}))(t)
		Must(s.Clients.Get(s.ctx, client.ID))(t)
		Must(s.Clients.Certificate(s.ctx, client.ID))(t)
		s.Current(t, caID)
		WantSame(t, len(s.Events(t)), s.seen)
	})
}

// testImported imports clients, good and revoked.
func (s *scenario) testImported(t *testing.T) {
	old := NewForeignCA(t)
	authority := old.ImportInto(t, s.World, nil)
	s.seen++
	for _, revoked := range []bool{false, true} {
		key, revokedAt := NewKey(t), "null"
		client := Must(s.Clients.Import(s.ctx, domain.ClientImport{
			CAID: authority.ID, Email: "a@example.com", Key: KeyPEM(t, key), Certificate: old.Issue(t, key.Public()),
			Revoked: revoked,
		}))(t)
		if revoked {
			revokedAt = `"` + client.RevokedAt.Truncate(time.Microsecond).Format(time.RFC3339Nano) + `"`
		}
		events := s.Events(t)
		s.seen++
		WantSame(t, len(events), s.seen)
		WantEvent(t, events[s.seen-1], domain.Event{
			ActorKind: domain.PrincipalCommand, ActorName: "operator", Address: "2001:db8::1", RequestID: "request-1",
			Operation: "test",
			Action:    domain.ActionImport, Resource: domain.ScopeClients, ResourceID: client.ID,
			ResourceName: client.Name,
			After: fmt.Sprintf(`{"ca_id":%d,"city":"São Paulo","country":"BR","description":"","email":"a@example.com","expires_at":"2026-12-29T12:00:00Z",`+
				`"key_protected":false,"name":"%s","organization":"Empresa","province":"SP","revoked_at":%s,"sector":"TI","serial":"%s"}`,
				authority.ID, client.Name, revokedAt, s.Serial(t, client.ID)),
		})
	}
}
