package service_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestAudit_Unwritable: a change that can't be recorded does not happen, and no key leaves the
// service.
func TestAudit_Unwritable(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			role, user, key, idle := w.NewRole(t), w.NewUser(t), w.NewAPIKey(t), w.NewAPIKey(t)
			authority := w.NewCA(t)
			client, empty := w.NewClient(t, authority.ID), w.NewCA(t)
			rename := func(from, to string) {
				Must(Must(w.Store.SQL())(t).ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to))(t)
			}
			ctx, kids, crl := Operator(t), w.Kids(t), w.Current(t, authority.ID).Number
			rename("audit_events", "elsewhere")
			for sentence, call := range map[string]func() (any, error){
				"a role is made": func() (any, error) { return w.Roles.Create(ctx, domain.Role{Name: "new"}) },
				"a role is changed": func() (any, error) {
					return w.Roles.Update(
						ctx, role.ID, domain.RoleUpdate{Name: new("new")},
					)
				},
				"a role is deleted": func() (any, error) { return nil, w.Roles.Delete(ctx, role.ID) },
				"an apikey is made": func() (any, error) {
					return w.APIKeys.Create(
						ctx, domain.APIKey{Name: "new"}, nil,
					)
				},
				"an apikey is changed": func() (any, error) {
					return w.APIKeys.Update(
						ctx, key.ID, domain.APIKeyUpdate{Name: new("new")},
					)
				},
				"an apikey is rotated": func() (any, error) { return w.APIKeys.Rotate(ctx, key.ID, 0) },
				"an apikey is deleted": func() (any, error) { return nil, w.APIKeys.Delete(ctx, idle.ID) },
				"a user is made": func() (any, error) {
					return w.Users.Create(
						ctx, domain.User{Username: "new"}, Password, nil,
					)
				},
				"a user is changed": func() (any, error) {
					return w.Users.Update(
						ctx, user.ID, domain.UserUpdate{FullName: new("new")},
					)
				},
				"a user is deleted": func() (any, error) { return nil, w.Users.Delete(ctx, user.ID) },
				"a user signs in":   func() (any, error) { return w.Login.Password(ctx, user.Username, Password) },
				"a CA is made": func() (any, error) {
					return w.CAs.Create(
						ctx, domain.CASpec{Name: "new", Subject: domain.Subject{Email: "a@example.com"}},
					)
				},
				"a CA is changed": func() (any, error) {
					return w.CAs.Update(
						ctx, empty.ID, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{City: new("new")}},
					)
				},
				"a CA is deleted":  func() (any, error) { return nil, w.CAs.Delete(ctx, empty.ID) },
				"a client is made": func() (any, error) { return w.Clients.Create(ctx, Spec(authority.ID)) },
				"a client is changed": func() (any, error) {
					return w.Clients.Update(
						ctx, client.ID, domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{City: new("new")}},
					)
				},
				"a client is revoked": func() (any, error) { return nil, w.RevokeClient(ctx, client.ID) },
				"a key is handed out": func() (any, error) { return w.Clients.Key(ctx, client.ID) },
				"a PKCS#12 is handed out": func() (any, error) {
					return w.Clients.PKCS12(
						ctx, client.ID, "", "segredo",
					)
				},
				"the signing key rotates": func() (any, error) { return nil, w.Signing.Rotate(ctx, true) },
				"the audit is pruned":     func() (any, error) { return w.Audit.Prune(ctx, Noon) },
			} {
				result, err := call()
				if err == nil || domain.Faults(err) != nil {
					t.Errorf("%s: error is %v", sentence, err)
				}
				if file, ok := result.([]byte); ok && len(file) > 0 {
					t.Errorf("%s all the same", sentence)
				}
			}
			rename("elsewhere", "audit_events")
			WantSame(t, Must(w.Roles.Page(ctx, domain.PageRequest{Size: 10}))(t).Items, []domain.Role{role})
			WantSame(t, Must(w.Users.Page(ctx, domain.PageRequest{Size: 10}))(t).Items, []domain.User{user})
			WantSame(t, Must(w.APIKeys.Page(ctx, domain.PageRequest{Size: 10}))(t).Items, []access.IssuedKey{key, idle})
			WantSame(t, Must(w.CAs.Page(ctx, domain.PageRequest{Size: 10}))(t).Items, []domain.CA{authority, empty})
			WantSame(
				t, Must(w.Clients.Page(ctx, domain.ClientFilter{}, domain.PageRequest{Size: 10}))(t).Items,
				[]domain.Client{client},
			)
			WantSame(t, w.Kids(t), kids)
			WantSame(t, w.Current(t, authority.ID).Number.Cmp(crl), 0)
			WantSame(t, slices.Equal(Must(w.Audit.Verify(t.Context()))(t).Problems, nil), true)
			WantSame(t, len(Must(w.Store.Audit().Checkpoints(t.Context()))(t)), 1)
		})
	}
}
