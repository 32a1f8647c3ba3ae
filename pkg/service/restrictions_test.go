package service_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func beyondLimits(field string) fault {
	return fault{domain.Forbidden, field, domain.ReasonBeyondLimits}
}

// restricted makes a superuser that is restricted in every way.
func restricted(k *domain.APIKey) {
	k.ExpiresAt, k.AllowedIPs, k.RateLimit = noon.Add(day), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 60
}

// inNetwork is a context of a request from the network of restricted.
func inNetwork(t testing.TB) context.Context {
	return domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("10.1.1.1")})
}

// restrictedCaller is the context of a request of an apikey that is restricted.
func (w *world) restrictedCaller(t testing.TB) (context.Context, int64) {
	t.Helper()
	key := w.newAPIKey(t, restricted)
	ctx := inNetwork(t)
	caller, err := w.Access.Authenticate(ctx, key.Token, "chaveiro:refresh")
	check(t, err)
	return domain.WithPrincipal(ctx, caller), key.ID
}

// TestRestrictions: nobody gives what goes beyond their own restrictions, however they go about it.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			w.newAPIKey(t)
			t.Run("apikeys that are made", func(t *testing.T) { testRestrictedCreate(t, w) })
			t.Run("apikeys that there are", func(t *testing.T) { testRestrictedUpdate(t, w) })
			t.Run("oneself", func(t *testing.T) { testRestrictedSelf(t, w) })
			t.Run("users", func(t *testing.T) { testRestrictedUsers(t, w) })
			t.Run("roles", func(t *testing.T) { testRestrictedRoles(t, w) })
			t.Run("the vault", func(t *testing.T) { testRestrictedVault(t, w) })
		})
	}
}

func testRestrictedCreate(t *testing.T, w *world) {
	ctx, _ := w.restrictedCaller(t)
	inside := domain.APIKey{Enabled: true, ExpiresAt: noon.Add(day), AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")}, RateLimit: 60}
	for sentence, test := range map[string]struct {
		alter func(*domain.APIKey)
		want  []fault
	}{
		"as restricted":     {func(*domain.APIKey) {}, nil},
		"more restricted":   {func(k *domain.APIKey) { k.ExpiresAt, k.RateLimit = noon.Add(1), 1 }, nil},
		"for longer":        {func(k *domain.APIKey) { k.ExpiresAt = noon.Add(day + 1) }, []fault{beyondLimits("expires_at")}},
		"for ever":          {func(k *domain.APIKey) { k.ExpiresAt = time.Time{} }, []fault{beyondLimits("expires_at")}},
		"from everywhere":   {func(k *domain.APIKey) { k.AllowedIPs = nil }, []fault{beyondLimits("allowed_ips")}},
		"from elsewhere":    {func(k *domain.APIKey) { k.AllowedIPs = append(k.AllowedIPs, netip.MustParsePrefix("192.0.2.1/32")) }, []fault{beyondLimits("allowed_ips")}},
		"at a higher rate":  {func(k *domain.APIKey) { k.RateLimit = 61 }, []fault{beyondLimits("rate_limit")}},
		"at any rate":       {func(k *domain.APIKey) { k.RateLimit = 0 }, []fault{beyondLimits("rate_limit")}},
		"with nothing said": {func(k *domain.APIKey) { *k = domain.APIKey{Enabled: true} }, []fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}},
		"disabled": {func(k *domain.APIKey) { *k = domain.APIKey{} },
			[]fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}},
	} {
		t.Run(sentence, func(t *testing.T) {
			key := inside
			key.AllowedIPs = append([]netip.Prefix{}, inside.AllowedIPs...)
			key.Name = fresh("heir")
			test.alter(&key)
			key.Name = fresh("heir")
			wantFaults(t, second(w.APIKeys.Create(ctx, key, nil)), test.want...)
		})
	}
}

func testRestrictedUpdate(t *testing.T, w *world) {
	ctx, _ := w.restrictedCaller(t)
	role := w.newRole(t, domain.Permission{Scope: domain.ScopeCAs, Read: true})
	all := []fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}
	free, disabled := w.newAPIKey(t, weak), w.newAPIKey(t, weak, func(k *domain.APIKey) { k.Enabled = false })
	past := w.newAPIKey(t, weak, func(k *domain.APIKey) { k.ExpiresAt = noon })
	update := func(id int64, u domain.APIKeyUpdate) error { return second(w.APIKeys.Update(ctx, id, u)) }
	t.Run("what gives something is refused", func(t *testing.T) {
		wantFaults(t, second(w.APIKeys.Rotate(ctx, free.ID, time.Hour)), all...)
		wantFaults(t, update(disabled.ID, domain.APIKeyUpdate{Enabled: new(true)}), all...)
		wantFaults(t, update(free.ID, domain.APIKeyUpdate{Superuser: new(true)}), all...)
		wantFaults(t, update(free.ID, domain.APIKeyUpdate{Roles: []int64{role.ID}}), all...)
		wantFaults(t, update(past.ID, domain.APIKeyUpdate{ExpiresAt: new(noon.Add(day))}), beyondLimits("allowed_ips"), beyondLimits("rate_limit"))
		wantFaults(t, update(past.ID, domain.APIKeyUpdate{ExpiresAt: new(noon.Add(2 * day))}), all...)
	})
	t.Run("a token is not shown that is less restricted", func(t *testing.T) {
		if got := must(w.APIKeys.Get(ctx, free.ID))(t).Token; got == free.Token {
			t.Error("it is shown")
		}
		wantSame(t, must(w.APIKeys.Get(operator(t), free.ID))(t).Token, free.Token)
		own := must(w.APIKeys.Create(ctx, domain.APIKey{
			Name: fresh("own"), Enabled: true, ExpiresAt: noon.Add(day), AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/9")}, RateLimit: 1,
		}, nil))(t)
		wantSame(t, must(w.APIKeys.Get(ctx, own.ID))(t).Token, own.Token)
	})
	t.Run("what gives nothing is not", func(t *testing.T) {
		check(t, update(free.ID, domain.APIKeyUpdate{Description: new("renamed"), Name: new(fresh("renamed"))}))
		check(t, update(free.ID, domain.APIKeyUpdate{ExpiresAt: new(noon.Add(100 * day)), RateLimit: new(1000)}))
		wantFaults(t, update(free.ID, domain.APIKeyUpdate{ExpiresAt: new(noon.Add(101 * day))}), beyondLimits("expires_at"))
		check(t, update(free.ID, domain.APIKeyUpdate{Enabled: new(false)}))
		check(t, w.APIKeys.Delete(ctx, free.ID))
	})
}

func testRestrictedSelf(t *testing.T, w *world) {
	ctx, id := w.restrictedCaller(t)
	for field, update := range map[string]domain.APIKeyUpdate{
		"expires_at":  {ExpiresAt: new(time.Time{})},
		"allowed_ips": {AllowedIPs: []netip.Prefix{}},
		"rate_limit":  {RateLimit: new(0)},
	} {
		wantFaults(t, second(w.APIKeys.Update(ctx, id, update)), beyondLimits(field))
	}
	check(t, second(w.APIKeys.Rotate(ctx, id, time.Hour)))
	check(t, second(w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{RateLimit: new(30)})))
	wantFaults(t, second(w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{RateLimit: new(31)})), beyondLimits("rate_limit"))
	wantSame(t, must(w.APIKeys.Get(operator(t), id))(t).RateLimit, 30)
}

func testRestrictedUsers(t *testing.T, w *world) {
	ctx, _ := w.restrictedCaller(t)
	all := []fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}
	user, out := w.newUser(t), w.newUser(t, disabled)
	made := domain.User{Username: fresh("heir"), Email: "a@example.com", FullName: "A", Enabled: true}
	wantFaults(t, second(w.Users.Create(ctx, made, password, nil)), all...)
	wantFaults(t, second(w.Users.Update(ctx, user.ID, domain.UserUpdate{Password: new(password)})), all...)
	wantFaults(t, second(w.Users.Update(ctx, user.ID, domain.UserUpdate{Superuser: new(true)})), all...)
	wantFaults(t, second(w.Users.Update(ctx, out.ID, domain.UserUpdate{Enabled: new(true)})), all...)
	check(t, second(w.Users.Update(ctx, user.ID, domain.UserUpdate{FullName: new("B"), Enabled: new(false)})))
	check(t, w.Users.Delete(ctx, user.ID))
	check(t, second(w.Users.Create(w.requestOf(t, w.newAPIKey(t).Token, domain.ScopeUsers), made, password, nil)))
}

func testRestrictedRoles(t *testing.T, w *world) {
	ctx, id := w.restrictedCaller(t)
	read := []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}
	write := []domain.Permission{{Scope: domain.ScopeCAs, Read: true, Write: true}}
	widen := func(holders ...func(domain.Role)) error {
		role := must(w.Roles.Create(ctx, domain.Role{Name: fresh("role"), Scopes: read}))(t)
		for _, give := range holders {
			give(role)
		}
		if len(holders) > 0 {
			check(t, second(w.Roles.Update(ctx, role.ID, domain.RoleUpdate{Name: new(fresh("role"))})))
		}
		return second(w.Roles.Update(ctx, role.ID, domain.RoleUpdate{Scopes: write}))
	}
	own := func(r domain.Role) {
		must(w.APIKeys.Update(operator(t), id, domain.APIKeyUpdate{Roles: []int64{r.ID}}))(t)
	}
	user := func(r domain.Role) { w.newUser(t, func(u *domain.User) { u.Roles = []domain.Role{r} }) }
	give := func(alter func(*domain.APIKey)) func(domain.Role) {
		return func(r domain.Role) {
			k := domain.APIKey{Name: fresh("holder"), Enabled: true}
			alter(&k)
			must(w.APIKeys.Create(operator(t), k, []int64{r.ID}))(t)
		}
	}
	check(t, widen())
	check(t, widen(own))
	check(t, widen(give(restricted)))
	wantFaults(t, widen(user), beyondLimits("scopes"))
	wantFaults(t, widen(give(func(*domain.APIKey) {})), beyondLimits("scopes"))
	wantFaults(t, widen(give(restricted), give(func(k *domain.APIKey) { restricted(k); k.RateLimit = 61 })), beyondLimits("scopes"))
}

func testRestrictedVault(t *testing.T, w *world) {
	limited := func(k *domain.APIKey) { restricted(k); k.RateLimit = 0 }
	key := w.newAPIKey(t, limited)
	ctx := inNetwork(t)
	ctx = domain.WithPrincipal(ctx, must(w.Access.Authenticate(ctx, key.Token, "chaveiro:refresh"))(t))
	app := must(w.Applications.Create(operator(t), domain.Application{Name: fresh("app"), Method: domain.AuthOAuth2, Enabled: true}))(t)
	inside := domain.PAMAuthorization{ApplicationID: app.ID, Enabled: true, ExpiresAt: noon.Add(day), AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}}
	create := func(ctx context.Context, alter func(*domain.PAMAuthorization)) (int64, error) {
		a := inside
		a.Name = fresh("auth")
		alter(&a)
		made, err := w.Authorizations.Create(ctx, a)
		return made.ID, err
	}
	t.Run("made", func(t *testing.T) {
		check(t, second(create(ctx, func(*domain.PAMAuthorization) {})))
		wantFaults(t, second(create(ctx, func(a *domain.PAMAuthorization) { a.ExpiresAt = time.Time{} })), beyondLimits("expires_at"))
		wantFaults(t, second(create(ctx, func(a *domain.PAMAuthorization) { a.AllowedIPs = nil })), beyondLimits("allowed_ips"))
		slow, _ := w.restrictedCaller(t)
		wantFaults(t, second(create(slow, func(*domain.PAMAuthorization) {})), beyondLimits("rate_limit"))
	})
	both := []fault{beyondLimits("expires_at"), beyondLimits("allowed_ips")}
	free := must(create(operator(t), func(a *domain.PAMAuthorization) { a.ExpiresAt, a.AllowedIPs = time.Time{}, nil }))(t)
	update := func(u domain.PAMAuthorizationUpdate) error { return second(w.Authorizations.Update(ctx, free, u)) }
	t.Run("changed", func(t *testing.T) {
		wantFaults(t, second(w.Authorizations.Rotate(ctx, free, 0)), both...)
		wantFaults(t, update(domain.PAMAuthorizationUpdate{Write: new(true)}), both...)
		wantFaults(t, update(domain.PAMAuthorizationUpdate{Resources: []domain.PAMResource{domain.PAMCore}}), both...)
		check(t, update(domain.PAMAuthorizationUpdate{Name: new(fresh("auth"))}))
		check(t, update(domain.PAMAuthorizationUpdate{Enabled: new(false)}))
		wantFaults(t, update(domain.PAMAuthorizationUpdate{Enabled: new(true)}), both...)
		must(w.Authorizations.Update(operator(t), free, domain.PAMAuthorizationUpdate{Enabled: new(true)}))(t)
	})
	t.Run("an application that is enabled", func(t *testing.T) {
		enable := func(ctx context.Context, on bool) error {
			return second(w.Applications.Update(ctx, app.ID, domain.ApplicationUpdate{Enabled: &on}))
		}
		check(t, enable(ctx, false))
		wantFaults(t, enable(ctx, true), beyondLimits("enabled"))
		check(t, w.Authorizations.Delete(ctx, free))
		check(t, enable(ctx, true))
		writing := must(create(operator(t), func(a *domain.PAMAuthorization) { a.Write = true }))(t)
		poor := as(t, domain.Permission{Scope: domain.ScopeApplications, Read: true, Write: true}, domain.Permission{Scope: domain.ScopeDevices, Read: true})
		check(t, enable(poor, false))
		wantFaults(t, enable(poor, true), fault{domain.Forbidden, "enabled", domain.ReasonBeyondOwn})
		check(t, w.Authorizations.Delete(operator(t), writing))
		check(t, enable(poor, true))
	})
}

// TestLastSuperuser_Lasting: the last superuser is one that lasts; those that end, or that a network shuts out, do not stand in for it.
func TestLastSuperuser_Lasting(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			network := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			here := func(k *domain.APIKey) { k.AllowedIPs = network }
			everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
			t.Run("with none that lasts, one that does can be added, and one of the others stays", func(t *testing.T) {
				one, other := w.newAPIKey(t, here), w.newAPIKey(t, ending)
				check(t, w.APIKeys.Delete(operator(t), one.ID))
				wantFaults(t, w.APIKeys.Delete(operator(t), other.ID), lastSuperuser)
			})
			key := w.newAPIKey(t)
			w.newAPIKey(t, here)
			weaken := append([]weakening{{"shut out", updateKey(domain.APIKeyUpdate{AllowedIPs: network})}}, weakeningKeys...)
			for _, weak := range weaken {
				wantFaults(t, weak.do(operator(t), w, key.ID), lastSuperuser)
			}
			check(t, updateKey(domain.APIKeyUpdate{AllowedIPs: everywhere})(operator(t), w, key.ID))
			must(w.APIKeys.Rotate(operator(t), key.ID, 0))(t)
			check(t, errors.Join(w.APIKeys.Delete(operator(t), w.newAPIKey(t).ID), w.APIKeys.Delete(operator(t), w.newAPIKey(t, here).ID)))
			w.newUser(t, super)
			check(t, w.APIKeys.Delete(operator(t), key.ID))
		})
	}
}
