package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testTexts stores in every text field what would break out of a statement that was put together
// from values.
func testTexts(t *testing.T, s domain.Store) {
	ctx := t.Context()
	for _, text := range []string{
		`'; DROP TABLE clients; --`, `" OR ""="`, `\'; SELECT 1; --`, "$1 ? ?1 :name @name {{.}} %s %d", "%_*",
		"line\nbreak\ttab\r", "né 東京 🔑", "\u2028\ufeff",
		" leading and trailing ", "NULL", strings.Repeat("ã", 1000),
	} {
		t.Run(text[:min(12, len(text))], func(t *testing.T) {
			c := sampleCA(text)
			fill(&c.Description, &c.Subject, &c.KeyAlgorithm, text)
			check(
				t,
				s.CAs().
					Create(
						ctx, &c, domain.CAKey{Certificate: []byte(text), SealedKey: []byte(text)}, domain.CRLState{},
					),
			)
			wantSame(t, must(s.CAs().Get(ctx, c.ID))(t), c)
			wantSame(t, must(s.CAs().NameTaken(ctx, text))(t), true)

			client := sampleClient(c.ID, text)
			fill(&client.Description, &client.Subject, new(string), text)
			check(t, s.Clients().Create(ctx, &client))
			wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
			if !strings.Contains(text, "*") {
				wantIDs(t, s, domain.ClientFilter{Name: text}, client.ID)
			}

			updated := newClient(t, s, c.ID)
			fill(&updated.Description, &updated.Subject, new(string), text)
			check(t, s.Clients().Update(ctx, updated))
			wantSame(t, must(s.Clients().Get(ctx, updated.ID))(t), updated)

			cert := sampleCertificate(client, text)
			check(t, s.Certificates().Create(ctx, &cert))
			wantSame(t, must(s.Certificates().OfClient(ctx, client.ID))(t), cert)

			check(t, s.Revocations().Add(ctx, []domain.Revocation{{CAID: c.ID, Serial: text, RevokedAt: noon}}))
			_, found, err := s.Revocations().Find(ctx, c.ID, text)
			check(t, err)
			wantSame(t, found, true)

			wantSame(t, must(s.Secrets().GetOrCreate(ctx, text, []byte(text)))(t), []byte(text))
			testAccessTexts(t, s, text)
		})
	}
}

func testAccessTexts(t *testing.T, s domain.Store, text string) {
	ctx := t.Context()
	role := domain.Role{
		Name: text, Scopes: []domain.Permission{{Scope: domain.Scope(text), Read: true}}, CreatedAt: noon,
		UpdatedAt: noon,
	}
	check(t, s.Roles().Create(ctx, &role))
	wantSame(t, must(s.Roles().Get(ctx, role.ID))(t), role)

	key := domain.APIKey{
		Name: text, Description: text, Roles: []domain.Role{role}, LastUsedIP: text, CreatedAt: noon, UpdatedAt: noon,
	}
	check(t, s.APIKeys().Create(ctx, &key))
	wantSame(t, must(s.APIKeys().Get(ctx, key.ID))(t), key)
	check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: key.ID, At: noon, Address: text}}))
	key.LastUsedAt = noon
	wantSame(t, must(s.APIKeys().Get(ctx, key.ID))(t), key)

	user := domain.User{
		Username: text, Email: text, FullName: text, PasswordHash: domain.Secret(text), CreatedAt: noon,
		UpdatedAt: noon,
	}
	check(t, s.Users().Create(ctx, &user))
	check(t, s.Users().Rehash(ctx, user.ID, domain.Secret(text), domain.Secret(text+text)))
	user.PasswordHash += domain.Secret(text)
	wantSame(t, must(s.Users().Named(ctx, text))(t), user)

	event := domain.Event{
		At: noon, ActorKind: domain.PrincipalKind(text), ActorName: text, Address: text, RequestID: text,
		Operation: text, Action: domain.Action(text),
		Resource: domain.Scope(text), ResourceName: text, Before: text, After: text,
	}
	check(t, s.Audit().Append(ctx, &event))
	wantSame(
		t,
		must(
			s.Audit().
				Page(
					ctx, domain.AuditFilter{ActorKind: &event.ActorKind, Action: event.Action},
					domain.PageRequest{Size: 2},
				),
		)(t).Items, []domain.Event{
			event,
		},
	)

	wantSame(t, must(s.Throttles().Take(ctx, text, noon, time.Second, 1))(t), 0)
	wantSame(t, must(s.Throttles().Take(ctx, text, noon, time.Second, 1))(t), time.Second)
}

func fill(description *string, s *domain.Subject, other *string, text string) {
	for _, field := range []*string{
		description, &s.Country, &s.Province, &s.City, &s.Organization, &s.Sector, &s.Email, other,
	} {
		*field = text
	}
}

// testTimes stores instants in several zones and precisions; what comes back is UTC with
// microseconds, cut off.
func testTimes(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	for _, test := range []struct {
		sentence    string
		given, want time.Time
	}{
		{"microseconds are kept", noon, noon},
		{"nanoseconds are cut off", noon.Add(999), noon},
		{"a whole second is a whole second", noon.Truncate(time.Second), noon.Truncate(time.Second)},
		{"a zone behind", noon.In(time.FixedZone("-03", -3*60*60)), noon},
		{"a zone ahead on another day", noon.In(time.FixedZone("+14", 14*60*60)), noon},
		{
			"before 1970", time.Date(1955, time.May, 5, 1, 2, 3, 4000, time.UTC),
			time.Date(1955, time.May, 5, 1, 2, 3, 4000, time.UTC),
		},
		{
			"the last second that a certificate can name", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			client := sampleClient(authority.ID, fresh("client"))
			client.ExpiresAt, client.RevokedAt, client.CreatedAt, client.UpdatedAt = test.given, test.given, test.given,
				test.given
			check(t, s.Clients().Create(ctx, &client))
			got := must(s.Clients().Get(ctx, client.ID))(t)
			client.ExpiresAt, client.RevokedAt, client.CreatedAt, client.UpdatedAt = test.want, test.want, test.want,
				test.want
			wantSame(t, got, client)

			revoked := newClient(t, s, authority.ID)
			check(t, s.Clients().Revoke(ctx, revoked.ID, test.given, domain.Unspecified))
			wantSame(t, must(s.Clients().Get(ctx, revoked.ID))(t).RevokedAt, test.want)

			c := newCA(t, s)
			check(
				t,
				s.Revocations().
					Add(
						ctx, []domain.Revocation{
							{CAID: c.ID, Serial: "01", RevokedAt: test.given, NotAfter: test.given},
						},
					),
			)
			entry, _, err := s.Revocations().Find(ctx, c.ID, "01")
			check(t, err)
			wantSame(t, entry, domain.Revocation{CAID: c.ID, Serial: "01", RevokedAt: test.want, NotAfter: test.want})

			crl := sampleCRL(c.ID, 1)
			crl.ThisUpdate, crl.NextUpdate, crl.SignedAt = test.given, test.given, test.given
			wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), true)
			latest, _, err := s.CRLs().Latest(ctx, c.ID)
			check(t, err)
			crl.Follows = 0
			crl.ThisUpdate, crl.NextUpdate, crl.SignedAt = test.want, test.want, test.want
			wantSame(t, latest, crl)
			testAccessTimes(t, s, test.given, test.want)
		})
	}
	t.Run("no time stays no time", func(t *testing.T) {
		client := newClient(t, s, authority.ID)
		check(t, s.Clients().Update(ctx, client))
		got := must(s.Clients().Get(ctx, client.ID))(t)
		if got.Revoked() || got.RevokedAt != (time.Time{}) {
			t.Errorf("revoked at %v", got.RevokedAt)
		}
	})
}

func testAccessTimes(t *testing.T, s domain.Store, given, want time.Time) {
	ctx := t.Context()
	key := sampleAPIKey()
	key.LastUsedAt, key.ExpiresAt, key.PreviousUntil, key.CreatedAt, key.UpdatedAt = time.Time{}, given, given, given,
		given
	check(t, s.APIKeys().Create(ctx, &key))
	check(t, s.APIKeys().Used(ctx, []domain.APIKeyUse{{ID: key.ID, At: given, Address: key.LastUsedIP}}))
	key.LastUsedAt, key.ExpiresAt, key.PreviousUntil, key.CreatedAt, key.UpdatedAt = want, want, want, want, want
	wantSame(t, must(s.APIKeys().Get(ctx, key.ID))(t), key)

	event := sampleEvent()
	event.At = given
	check(t, s.Audit().Append(ctx, &event))
	wantSame(t, must(s.Audit().Get(ctx, event.ID))(t).At, want)

	signing := domain.SigningKey{ID: fresh("key"), Sealed: []byte{1}, CreatedAt: given}
	check(t, s.SigningKeys().Create(ctx, signing))
	signing.CreatedAt = want
	wantSame(t, must(s.SigningKeys().List(ctx))(t), []domain.SigningKey{signing})
	check(t, s.SigningKeys().Delete(ctx, []string{signing.ID}))
}
