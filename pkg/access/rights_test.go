package access_test

import (
	"context"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func beyondOwn(field string) Fault {
	return NewFault(domain.Forbidden, field, domain.ReasonBeyondOwn)
}

// as is the context of a user with these rights.
func as(t testing.TB, rights ...domain.Permission) context.Context {
	return domain.WithPrincipal(
		t.Context(), domain.Principal{
			Kind: domain.PrincipalUser, ID: 1 << 40, Name: "caller", Rights: domain.RightsOf(rights),
		},
	)
}

// callers are the callers to try, with the targets that each may touch: those that have no more
// rights than the caller.
var callers = []struct {
	sentence string
	context  func(t testing.TB) context.Context
	reach    []string
}{
	{
		"a superuser", func(t testing.TB) context.Context { return Operator(t) },
		[]string{"nothing", "some", "other", "both", "superuser", "disabled superuser"},
	},
	{"one with some rights", func(t testing.TB) context.Context {
		return as(t, Read(domain.ScopeClients), Write(domain.ScopeClients))
	}, []string{"nothing", "some"}},
	{
		"one with the right to read only",
		func(t testing.TB) context.Context { return as(t, Read(domain.ScopeClients)) }, []string{
			"nothing",
		},
	},
	{
		"one with other rights", func(t testing.TB) context.Context { return as(t, Write(domain.ScopeCAs)) },
		[]string{"nothing", "other"},
	},
	{
		"one with all rights", func(t testing.TB) context.Context { return as(t, domain.Scopes()...) },
		[]string{"nothing", "some", "other", "both"},
	},
	{"one with no rights", func(t testing.TB) context.Context { return as(t) }, []string{"nothing"}},
	{"nobody", func(t testing.TB) context.Context { return t.Context() }, []string{"nothing"}},
}

// targets returns what each target has: superuser, enabled, and the roles.
func targets(t testing.TB, w *World) map[string]domain.APIKey {
	t.Helper()
	some, other := w.NewRole(t, Write(domain.ScopeClients)), w.NewRole(t, Write(domain.ScopeCAs))
	return map[string]domain.APIKey{
		"nothing":            {Enabled: true},
		"some":               {Enabled: true, Roles: []domain.Role{some}},
		"other":              {Enabled: true, Roles: []domain.Role{other}},
		"both":               {Enabled: true, Roles: []domain.Role{some, other}},
		"superuser":          {Enabled: true, Superuser: true},
		"disabled superuser": {Superuser: true},
	}
}

func idsOf(roles []domain.Role) []int64 {
	ids := make([]int64, len(roles))
	for i, role := range roles {
		ids[i] = role.ID
	}
	return ids
}

// wantAllowed checks that a call is allowed, or is refused with the fault and leaves no event in
// the audit.
func wantAllowed(t testing.TB, w *World, allowed bool, field string, call func() error) {
	t.Helper()
	before := w.CountEvents(t)
	err := call()
	if allowed {
		Check(t, err)
		WantSame(t, w.CountEvents(t), before+1)
		return
	}
	WantFaults(t, err, beyondOwn(field))
	WantSame(t, w.CountEvents(t), before)
}

// TestRights: no caller can make, change, rotate or delete a holder that has more rights than the
// caller, nor give such rights.
func TestRights(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := NewWorld(t)
	w.NewAPIKey(t) // so that no other is the last superuser
	targets := targets(t, w)
	for _, caller := range callers {
		for name, target := range targets {
			ctx, allowed := caller.context(t), slices.Contains(caller.reach, name)
			given := "roles"
			if target.Superuser {
				given = "superuser"
			}
			t.Run(caller.sentence+", a target with "+name, func(t *testing.T) {
				t.Run("apikeys", func(t *testing.T) { testAPIKeyRights(t, w, ctx, target, allowed, given) })
				t.Run("users", func(t *testing.T) { testUserRights(t, w, ctx, target, allowed, given) })
				if !target.Superuser {
					t.Run(
						"roles",
						func(t *testing.T) { testRoleRights(t, w, ctx, target.Rights().Permissions(), allowed) },
					)
				}
			})
		}
	}
}

func testAPIKeyRights(t *testing.T, w *World, ctx context.Context, target domain.APIKey, allowed bool, given string) {
	wantAllowed(t, w, allowed, given, func() error {
		key := target
		key.Name, key.Roles = Fresh("apikey"), nil
		_, err := w.APIKeys.Create(ctx, key, idsOf(target.Roles))
		return err
	})
	harmless := w.NewAPIKey(t, Weak)
	if target.Superuser || len(target.Roles) > 0 {
		wantAllowed(t, w, allowed, given, func() error {
			_, err := w.APIKeys.Update(
				ctx, harmless.ID, domain.APIKeyUpdate{Superuser: &target.Superuser, Roles: idsOf(target.Roles)},
			)
			return err
		})
	}
	target.Name = Fresh("apikey")
	present := Must(w.APIKeys.Create(Operator(t), target, idsOf(target.Roles)))(t)
	for _, update := range []domain.APIKeyUpdate{
		{Description: new("new")}, {Enabled: new(!target.Enabled)}, {Enabled: &target.Enabled, RateLimit: new(7)},
	} {
		wantAllowed(t, w, allowed, "authorization", func() error {
			_, err := w.APIKeys.Update(ctx, present.ID, update)
			return err
		})
	}
	wantAllowed(t, w, allowed, "authorization", func() error {
		rotated, err := w.APIKeys.Rotate(ctx, present.ID, 0)
		if (err == nil) != (rotated.Token != "") {
			t.Errorf("the token is %q, the error %v", string(rotated.Token), err)
		}
		return err
	})
	wantAllowed(t, w, allowed, "authorization", func() error { return w.APIKeys.Delete(ctx, present.ID) })
}

func testUserRights(t *testing.T, w *World, ctx context.Context, target domain.APIKey, allowed bool, given string) {
	user := domain.User{
		Superuser: target.Superuser, Enabled: target.Enabled, Roles: target.Roles, PasswordHash: PasswordHash(),
		Generation: 1,
	}
	harmless := w.NewUser(t)
	if target.Superuser || len(target.Roles) > 0 {
		wantAllowed(t, w, allowed, given, func() error {
			_, err := w.Users.Update(
				ctx, harmless.ID, domain.UserUpdate{Superuser: &target.Superuser, Roles: idsOf(target.Roles)},
			)
			return err
		})
	}
	user.Username = Fresh("user")
	Check(t, w.Store.Users().Create(t.Context(), &user))
	for _, update := range []domain.UserUpdate{{FullName: new("new")}, {Enabled: new(!target.Enabled)}} {
		wantAllowed(t, w, allowed, "authorization", func() error {
			_, err := w.Users.Update(ctx, user.ID, update)
			return err
		})
	}
	wantAllowed(t, w, allowed, "authorization", func() error { return w.Users.Delete(ctx, user.ID) })
}

// TestRights_Passwords: the same holds for changes that hash a password, which takes long.
func TestRights_Passwords(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	some, other := w.NewRole(t, Write(domain.ScopeClients)), w.NewRole(t, Write(domain.ScopeCAs))
	ctx := as(t, Write(domain.ScopeCAs))
	for _, test := range []struct {
		sentence string
		target   domain.User
		field    string // empty: it is allowed
	}{
		{"less rights", domain.User{}, ""},
		{"the same rights", domain.User{Roles: []domain.Role{other}}, ""},
		{"other rights", domain.User{Roles: []domain.Role{some}}, "roles"},
		{"all rights", domain.User{Superuser: true}, "superuser"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := domain.User{Username: Fresh("user"), Superuser: test.target.Superuser}
			wantAllowed(t, w, test.field == "", test.field, func() error {
				_, err := w.Users.Create(ctx, asked, Password, idsOf(test.target.Roles))
				return err
			})
			present := w.NewUser(
				t, func(u *domain.User) { u.Superuser, u.Roles = test.target.Superuser, test.target.Roles },
			)
			wantAllowed(t, w, test.field == "", "authorization", func() error {
				_, err := w.Users.Update(
					ctx, present.ID, domain.UserUpdate{Password: new(domain.Secret("outra senha boa"))},
				)
				return err
			})
		})
	}
}

func testRoleRights(t *testing.T, w *World, ctx context.Context, scopes []domain.Permission, allowed bool) {
	wantAllowed(t, w, allowed, "scopes", func() error {
		_, err := w.Roles.Create(ctx, domain.Role{Name: Fresh("role"), Scopes: scopes})
		return err
	})
	if len(scopes) > 0 {
		wantAllowed(t, w, allowed, "scopes", func() error {
			_, err := w.Roles.Update(ctx, newBareRole(t, w).ID, domain.RoleUpdate{Scopes: scopes})
			return err
		})
	}
	role := domain.Role{Name: Fresh("role"), Scopes: scopes}
	Check(t, w.Store.Roles().Create(t.Context(), &role))
	wantAllowed(t, w, allowed, "scopes", func() error {
		_, err := w.Roles.Update(ctx, role.ID, domain.RoleUpdate{Name: new(Fresh("role"))})
		return err
	})
	wantAllowed(t, w, allowed, "scopes", func() error { return w.Roles.Delete(ctx, role.ID) })
}

// newBareRole makes a role that grants nothing, without an event.
func newBareRole(t testing.TB, w *World) domain.Role {
	t.Helper()
	role := domain.Role{Name: Fresh("role")}
	Check(t, w.Store.Roles().Create(t.Context(), &role))
	return role
}

// TestRights_Tokens: which callers see the whole token of an apikey.
func TestRights_Tokens(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	once := w.With(t, TokensOnce)
	key := w.NewAPIKey(t, Weak)
	masked := "************" + string(key.Token[len(key.Token)-4:])
	for _, test := range []struct {
		sentence string
		w        *World
		ctx      context.Context
		want     string
	}{
		{"a superuser sees it", w, Operator(t), string(key.Token)},
		{"one with all rights does not", w, as(t, domain.Scopes()...), masked},
		{"an apikey does not see its own", w, domain.WithPrincipal(t.Context(), key.Holder().Principal()), masked},
		{"nobody does not", w, t.Context(), masked},
		{"a superuser who is shown tokens once does not", once, Operator(t), masked},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			WantSame(t, string(Must(test.w.APIKeys.Get(test.ctx, key.ID))(t).Token), test.want)
			WantSame(
				t, string(Must(test.w.APIKeys.Page(test.ctx, domain.PageRequest{Size: 10}))(t).Items[0].Token),
				test.want,
			)
			WantSame(
				t,
				string(
					Must(test.w.APIKeys.Update(test.ctx, key.ID, domain.APIKeyUpdate{
						Description: new(Fresh("text")),
					}))(t).Token,
				), test.want,
			)
		})
		t.Run(test.sentence+", but the new one who made it", func(t *testing.T) {
			created := Must(test.w.APIKeys.Create(test.ctx, domain.APIKey{Name: Fresh("apikey"), Enabled: true}, nil))(t)
			test.w.Authenticate(t, created.Token)
			rotated := Must(test.w.APIKeys.Rotate(test.ctx, created.ID, 0))(t)
			test.w.Authenticate(t, rotated.Token)
			WantOut(t, test.w, created.Token)
		})
	}
}
