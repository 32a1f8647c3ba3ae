package service_test

import (
	"context"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func beyondOwn(field string) fault {
	return fault{domain.Forbidden, field, domain.ReasonBeyondOwn}
}

// as is the context of a user with these rights.
func as(t testing.TB, rights ...domain.Permission) context.Context {
	return domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalUser, ID: 1 << 40, Name: "caller", Rights: domain.RightsOf(rights)})
}

func read(scope domain.Scope) domain.Permission { return domain.Permission{Scope: scope, Read: true} }

func write(scope domain.Scope) domain.Permission { return domain.Permission{Scope: scope, Write: true} }

// newRole makes a role with these rights.
func (w *world) newRole(t testing.TB, rights ...domain.Permission) domain.Role {
	t.Helper()
	return must(w.Roles.Create(operator(t), domain.Role{Name: fresh("role"), Scopes: rights}))(t)
}

// callers are those who try, with the targets that they may touch: those who have not more than they themselves.
var callers = []struct {
	sentence string
	context  func(t testing.TB) context.Context
	reach    []string
}{
	{"a superuser", func(t testing.TB) context.Context { return operator(t) }, []string{"nothing", "some", "other", "both", "superuser", "disabled superuser"}},
	{"one with some rights", func(t testing.TB) context.Context {
		return as(t, read(domain.ScopeClients), write(domain.ScopeClients))
	}, []string{"nothing", "some"}},
	{"one with the right to read only", func(t testing.TB) context.Context { return as(t, read(domain.ScopeClients)) }, []string{"nothing"}},
	{"one with other rights", func(t testing.TB) context.Context { return as(t, write(domain.ScopeCAs)) }, []string{"nothing", "other"}},
	{"one with all rights", func(t testing.TB) context.Context { return as(t, domain.Scopes()...) }, []string{"nothing", "some", "other", "both"}},
	{"one with no rights", func(t testing.TB) context.Context { return as(t) }, []string{"nothing"}},
	{"nobody", func(t testing.TB) context.Context { return t.Context() }, []string{"nothing"}},
}

// targets makes what every target has: whether superuser and enabled, and the roles.
func (w *world) targets(t testing.TB) map[string]domain.APIKey {
	t.Helper()
	some, other := w.newRole(t, write(domain.ScopeClients)), w.newRole(t, write(domain.ScopeCAs))
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

// wantAllowed checks that a call is allowed, or else refused with the fault and without a trace in the audit.
func (w *world) wantAllowed(t testing.TB, allowed bool, field string, call func() error) {
	t.Helper()
	before := w.countEvents(t)
	err := call()
	if allowed {
		check(t, err)
		wantSame(t, w.countEvents(t), before+1)
		return
	}
	wantFaults(t, err, beyondOwn(field))
	wantSame(t, w.countEvents(t), before)
}

// TestRights: nobody can make, change, rotate or delete what has more rights than they have, nor give anybody such rights.
func TestRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newAPIKey(t) // so that no other is the last superuser
	targets := w.targets(t)
	for _, caller := range callers {
		for name, target := range targets {
			ctx, allowed := caller.context(t), slices.Contains(caller.reach, name)
			given := "roles"
			if target.Superuser {
				given = "superuser"
			}
			t.Run(caller.sentence+", a target with "+name, func(t *testing.T) {
				t.Run("apikeys", func(t *testing.T) { w.testAPIKeyRights(t, ctx, target, allowed, given) })
				t.Run("users", func(t *testing.T) { w.testUserRights(t, ctx, target, allowed, given) })
				if !target.Superuser {
					t.Run("roles", func(t *testing.T) { w.testRoleRights(t, ctx, target.Rights().Permissions(), allowed) })
				}
			})
		}
	}
}

func (w *world) testAPIKeyRights(t *testing.T, ctx context.Context, target domain.APIKey, allowed bool, given string) {
	w.wantAllowed(t, allowed, given, func() error {
		key := target
		key.Name, key.Roles = fresh("apikey"), nil
		_, err := w.APIKeys.Create(ctx, key, idsOf(target.Roles))
		return err
	})
	harmless := w.newAPIKey(t, weak)
	if target.Superuser || len(target.Roles) > 0 {
		w.wantAllowed(t, allowed, given, func() error {
			_, err := w.APIKeys.Update(ctx, harmless.ID, domain.APIKeyUpdate{Superuser: &target.Superuser, Roles: idsOf(target.Roles)})
			return err
		})
	}
	target.Name = fresh("apikey")
	present := must(w.APIKeys.Create(operator(t), target, idsOf(target.Roles)))(t)
	for _, update := range []domain.APIKeyUpdate{{Description: new("new")}, {Enabled: new(!target.Enabled)}, {Enabled: &target.Enabled, RateLimit: new(7)}} {
		w.wantAllowed(t, allowed, "authorization", func() error {
			_, err := w.APIKeys.Update(ctx, present.ID, update)
			return err
		})
	}
	w.wantAllowed(t, allowed, "authorization", func() error {
		rotated, err := w.APIKeys.Rotate(ctx, present.ID, 0)
		if (err == nil) != (rotated.Token != "") {
			t.Errorf("the token is %q, the error %v", string(rotated.Token), err)
		}
		return err
	})
	w.wantAllowed(t, allowed, "authorization", func() error { return w.APIKeys.Delete(ctx, present.ID) })
}

func (w *world) testUserRights(t *testing.T, ctx context.Context, target domain.APIKey, allowed bool, given string) {
	user := domain.User{Superuser: target.Superuser, Enabled: target.Enabled, Roles: target.Roles, PasswordHash: passwordHash(), Generation: 1}
	harmless := w.newUser(t)
	if target.Superuser || len(target.Roles) > 0 {
		w.wantAllowed(t, allowed, given, func() error {
			_, err := w.Users.Update(ctx, harmless.ID, domain.UserUpdate{Superuser: &target.Superuser, Roles: idsOf(target.Roles)})
			return err
		})
	}
	user.Username = fresh("user")
	check(t, w.store.Users().Create(t.Context(), &user))
	for _, update := range []domain.UserUpdate{{FullName: new("new")}, {Enabled: new(!target.Enabled)}} {
		w.wantAllowed(t, allowed, "authorization", func() error {
			_, err := w.Users.Update(ctx, user.ID, update)
			return err
		})
	}
	w.wantAllowed(t, allowed, "authorization", func() error { return w.Users.Delete(ctx, user.ID) })
}

// TestRights_Passwords: the same for what takes long.
func TestRights_Passwords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	some, other := w.newRole(t, write(domain.ScopeClients)), w.newRole(t, write(domain.ScopeCAs))
	ctx := as(t, write(domain.ScopeCAs))
	for _, test := range []struct {
		sentence string
		target   domain.User
		field    string // none: it is allowed
	}{
		{"less rights", domain.User{}, ""},
		{"the same rights", domain.User{Roles: []domain.Role{other}}, ""},
		{"other rights", domain.User{Roles: []domain.Role{some}}, "roles"},
		{"all rights", domain.User{Superuser: true}, "superuser"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			asked := domain.User{Username: fresh("user"), Superuser: test.target.Superuser}
			w.wantAllowed(t, test.field == "", test.field, func() error {
				_, err := w.Users.Create(ctx, asked, password, idsOf(test.target.Roles))
				return err
			})
			present := w.newUser(t, func(u *domain.User) { u.Superuser, u.Roles = test.target.Superuser, test.target.Roles })
			w.wantAllowed(t, test.field == "", "authorization", func() error {
				_, err := w.Users.Update(ctx, present.ID, domain.UserUpdate{Password: new(domain.Secret("outra senha boa"))})
				return err
			})
		})
	}
}

func (w *world) testRoleRights(t *testing.T, ctx context.Context, scopes []domain.Permission, allowed bool) {
	w.wantAllowed(t, allowed, "scopes", func() error {
		_, err := w.Roles.Create(ctx, domain.Role{Name: fresh("role"), Scopes: scopes})
		return err
	})
	if len(scopes) > 0 {
		w.wantAllowed(t, allowed, "scopes", func() error {
			_, err := w.Roles.Update(ctx, w.newBareRole(t).ID, domain.RoleUpdate{Scopes: scopes})
			return err
		})
	}
	role := domain.Role{Name: fresh("role"), Scopes: scopes}
	check(t, w.store.Roles().Create(t.Context(), &role))
	w.wantAllowed(t, allowed, "scopes", func() error {
		_, err := w.Roles.Update(ctx, role.ID, domain.RoleUpdate{Name: new(fresh("role"))})
		return err
	})
	w.wantAllowed(t, allowed, "scopes", func() error { return w.Roles.Delete(ctx, role.ID) })
}

// newBareRole makes a role that grants nothing, without an event.
func (w *world) newBareRole(t testing.TB) domain.Role {
	t.Helper()
	role := domain.Role{Name: fresh("role")}
	check(t, w.store.Roles().Create(t.Context(), &role))
	return role
}

// TestRights_Tokens: who sees the whole token of an apikey.
func TestRights_Tokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	once := w.with(t, tokensOnce)
	key := w.newAPIKey(t, weak)
	masked := "************" + string(key.Token[len(key.Token)-4:])
	for _, test := range []struct {
		sentence string
		w        *world
		ctx      context.Context
		want     string
	}{
		{"a superuser sees it", w, operator(t), string(key.Token)},
		{"one with all rights does not", w, as(t, domain.Scopes()...), masked},
		{"an apikey does not see its own", w, domain.WithPrincipal(t.Context(), key.Holder().Principal()), masked},
		{"nobody does not", w, t.Context(), masked},
		{"a superuser who is shown tokens once does not", once, operator(t), masked},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			wantSame(t, string(must(test.w.APIKeys.Get(test.ctx, key.ID))(t).Token), test.want)
			wantSame(t, string(must(test.w.APIKeys.Page(test.ctx, domain.PageRequest{Size: 10}))(t).Items[0].Token), test.want)
			wantSame(t, string(must(test.w.APIKeys.Update(test.ctx, key.ID, domain.APIKeyUpdate{Description: new(fresh("text"))}))(t).Token), test.want)
		})
		t.Run(test.sentence+", but the new one who made it", func(t *testing.T) {
			created := must(test.w.APIKeys.Create(test.ctx, domain.APIKey{Name: fresh("apikey"), Enabled: true}, nil))(t)
			test.w.authenticate(t, created.Token)
			rotated := must(test.w.APIKeys.Rotate(test.ctx, created.ID, 0))(t)
			test.w.authenticate(t, rotated.Token)
			wantOut(t, test.w, created.Token)
		})
	}
}
