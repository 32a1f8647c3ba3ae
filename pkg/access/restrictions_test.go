package access_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func beyondLimits(field string) Fault {
	return NewFault(domain.Forbidden, field, domain.ReasonBeyondLimits)
}

// restricted makes an apikey a superuser with restrictions of every kind.
func restricted(k *domain.APIKey) {
	k.ExpiresAt, k.AllowedIPs, k.RateLimit = Noon.Add(Day), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 60
}

// inNetwork is the context of a request from the network of restricted.
func inNetwork(t testing.TB) context.Context {
	return domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("10.1.1.1")})
}

// restrictedCaller is the context of a request by a restricted apikey.
func restrictedCaller(t testing.TB, w *World) (context.Context, int64) {
	t.Helper()
	key := w.NewAPIKey(t, restricted)
	ctx := inNetwork(t)
	caller, err := w.Access.Authenticate(ctx, key.Token, "chaveiro:refresh")
	Check(t, err)
	return domain.WithPrincipal(ctx, caller), key.ID
}

// TestRestrictions: no caller can give more than its own restrictions allow, by any way.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			w.NewAPIKey(t)
			t.Run("apikeys that are made", func(t *testing.T) { testRestrictedCreate(t, w) })
			t.Run("apikeys that exist", func(t *testing.T) { testRestrictedUpdate(t, w) })
			t.Run("oneself", func(t *testing.T) { testRestrictedSelf(t, w) })
			t.Run("users", func(t *testing.T) { testRestrictedUsers(t, w) })
			t.Run("roles", func(t *testing.T) { testRestrictedRoles(t, w) })
			t.Run("the vault", func(t *testing.T) { testRestrictedVault(t, w) })
		})
	}
}

func testRestrictedCreate(t *testing.T, w *World) {
	ctx, _ := restrictedCaller(t, w)
	inside := domain.APIKey{
		Enabled: true, ExpiresAt: Noon.Add(Day), AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")},
		RateLimit: 60,
	}
	for sentence, test := range map[string]struct {
		alter func(*domain.APIKey)
		want  []Fault
	}{
		"as restricted":   {func(*domain.APIKey) {}, nil},
		"more restricted": {func(k *domain.APIKey) { k.ExpiresAt, k.RateLimit = Noon.Add(1), 1 }, nil},
		"for longer": {
			func(k *domain.APIKey) { k.ExpiresAt = Noon.Add(Day + 1) }, []Fault{beyondLimits("expires_at")},
		},
		"for ever": {
			func(k *domain.APIKey) { k.ExpiresAt = time.Time{} }, []Fault{beyondLimits("expires_at")},
		},
		"from everywhere": {func(k *domain.APIKey) { k.AllowedIPs = nil }, []Fault{beyondLimits("allowed_ips")}},
		"from elsewhere": {
			func(k *domain.APIKey) { k.AllowedIPs = append(k.AllowedIPs, netip.MustParsePrefix("192.0.2.1/32")) },
			[]Fault{beyondLimits("allowed_ips")},
		},
		"at a higher rate": {func(k *domain.APIKey) { k.RateLimit = 61 }, []Fault{beyondLimits("rate_limit")}},
		"at any rate":      {func(k *domain.APIKey) { k.RateLimit = 0 }, []Fault{beyondLimits("rate_limit")}},
		"with nothing said": {
			func(k *domain.APIKey) { *k = domain.APIKey{Enabled: true} },
			[]Fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")},
		},
		"disabled": {func(k *domain.APIKey) { *k = domain.APIKey{} },
			[]Fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}},
	} {
		t.Run(sentence, func(t *testing.T) {
			key := inside
			key.AllowedIPs = append([]netip.Prefix{}, inside.AllowedIPs...)
			key.Name = Fresh("heir")
			test.alter(&key)
			key.Name = Fresh("heir")
			WantFaults(t, Second(w.APIKeys.Create(ctx, key, nil)), test.want...)
		})
	}
}

func testRestrictedUpdate(t *testing.T, w *World) {
	ctx, _ := restrictedCaller(t, w)
	role := w.NewRole(t, domain.Permission{Scope: domain.ScopeCAs, Read: true})
	all := []Fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}
	free, disabled := w.NewAPIKey(t, Weak), w.NewAPIKey(t, Weak, func(k *domain.APIKey) { k.Enabled = false })
	past := w.NewAPIKey(t, Weak, func(k *domain.APIKey) { k.ExpiresAt = Noon })
	update := func(id int64, u domain.APIKeyUpdate) error { return Second(w.APIKeys.Update(ctx, id, u)) }
	t.Run("what gives something is refused", func(t *testing.T) {
		WantFaults(t, Second(w.APIKeys.Rotate(ctx, free.ID, time.Hour)), all...)
		WantFaults(t, update(disabled.ID, domain.APIKeyUpdate{Enabled: new(true)}), all...)
		WantFaults(t, update(free.ID, domain.APIKeyUpdate{Superuser: new(true)}), all...)
		WantFaults(t, update(free.ID, domain.APIKeyUpdate{Roles: []int64{role.ID}}), all...)
		WantFaults(
			t, update(past.ID, domain.APIKeyUpdate{ExpiresAt: new(Noon.Add(Day))}), beyondLimits("allowed_ips"),
			beyondLimits("rate_limit"),
		)
		WantFaults(t, update(past.ID, domain.APIKeyUpdate{ExpiresAt: new(Noon.Add(2 * Day))}), all...)
	})
	t.Run("a token is not shown that is less restricted", func(t *testing.T) {
		if got := Must(w.APIKeys.Get(ctx, free.ID))(t).Token; got == free.Token {
			t.Error("it is shown")
		}
		WantSame(t, Must(w.APIKeys.Get(Operator(t), free.ID))(t).Token, free.Token)
		own := Must(w.APIKeys.Create(ctx, domain.APIKey{
			Name: Fresh("own"), Enabled: true, ExpiresAt: Noon.Add(Day),
			AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/9")}, RateLimit: 1,
		}, nil))(t)
		WantSame(t, Must(w.APIKeys.Get(ctx, own.ID))(t).Token, own.Token)
	})
	t.Run("what gives nothing is not", func(t *testing.T) {
		Check(t, update(free.ID, domain.APIKeyUpdate{Description: new("renamed"), Name: new(Fresh("renamed"))}))
		Check(t, update(free.ID, domain.APIKeyUpdate{ExpiresAt: new(Noon.Add(100 * Day)), RateLimit: new(1000)}))
		WantFaults(
			t, update(free.ID, domain.APIKeyUpdate{ExpiresAt: new(Noon.Add(101 * Day))}), beyondLimits("expires_at"),
		)
		Check(t, update(free.ID, domain.APIKeyUpdate{Enabled: new(false)}))
		Check(t, w.APIKeys.Delete(ctx, free.ID))
	})
}

func testRestrictedSelf(t *testing.T, w *World) {
	ctx, id := restrictedCaller(t, w)
	for field, update := range map[string]domain.APIKeyUpdate{
		"expires_at":  {ExpiresAt: new(time.Time{})},
		"allowed_ips": {AllowedIPs: []netip.Prefix{}},
		"rate_limit":  {RateLimit: new(0)},
	} {
		WantFaults(t, Second(w.APIKeys.Update(ctx, id, update)), beyondLimits(field))
	}
	Check(t, Second(w.APIKeys.Rotate(ctx, id, time.Hour)))
	Check(t, Second(w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{RateLimit: new(30)})))
	WantFaults(
		t, Second(w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{RateLimit: new(31)})), beyondLimits("rate_limit"),
	)
	WantSame(t, Must(w.APIKeys.Get(Operator(t), id))(t).RateLimit, 30)
}

func testRestrictedUsers(t *testing.T, w *World) {
	ctx, _ := restrictedCaller(t, w)
	all := []Fault{beyondLimits("expires_at"), beyondLimits("allowed_ips"), beyondLimits("rate_limit")}
	user, out := w.NewUser(t), w.NewUser(t, disabled)
	made := domain.User{Username: Fresh("heir"), Email: "a@example.com", FullName: "A", Enabled: true}
	WantFaults(t, Second(w.Users.Create(ctx, made, Password, nil)), all...)
	WantFaults(t, Second(w.Users.Update(ctx, user.ID, domain.UserUpdate{Password: new(Password)})), all...)
	WantFaults(t, Second(w.Users.Update(ctx, user.ID, domain.UserUpdate{Superuser: new(true)})), all...)
	WantFaults(t, Second(w.Users.Update(ctx, out.ID, domain.UserUpdate{Enabled: new(true)})), all...)
	Check(t, Second(w.Users.Update(ctx, user.ID, domain.UserUpdate{FullName: new("B"), Enabled: new(false)})))
	Check(t, w.Users.Delete(ctx, user.ID))
	Check(t, Second(w.Users.Create(w.RequestOf(t, w.NewAPIKey(t).Token, domain.ScopeUsers), made, Password, nil)))
}

func testRestrictedRoles(t *testing.T, w *World) {
	ctx, id := restrictedCaller(t, w)
	read := []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}
	write := []domain.Permission{{Scope: domain.ScopeCAs, Read: true, Write: true}}
	widen := func(holders ...func(domain.Role)) error {
		role := Must(w.Roles.Create(ctx, domain.Role{Name: Fresh("role"), Scopes: read}))(t)
		for _, give := range holders {
			give(role)
		}
		if len(holders) > 0 {
			Check(t, Second(w.Roles.Update(ctx, role.ID, domain.RoleUpdate{Name: new(Fresh("role"))})))
		}
		return Second(w.Roles.Update(ctx, role.ID, domain.RoleUpdate{Scopes: write}))
	}
	own := func(r domain.Role) {
		Must(w.APIKeys.Update(Operator(t), id, domain.APIKeyUpdate{Roles: []int64{r.ID}}))(t)
	}
	user := func(r domain.Role) { w.NewUser(t, func(u *domain.User) { u.Roles = []domain.Role{r} }) }
	give := func(alter func(*domain.APIKey)) func(domain.Role) {
		return func(r domain.Role) {
			k := domain.APIKey{Name: Fresh("holder"), Enabled: true}
			alter(&k)
			Must(w.APIKeys.Create(Operator(t), k, []int64{r.ID}))(t)
		}
	}
	Check(t, widen())
	Check(t, widen(own))
	Check(t, widen(give(restricted)))
	WantFaults(t, widen(user), beyondLimits("scopes"))
	WantFaults(t, widen(give(func(*domain.APIKey) {})), beyondLimits("scopes"))
	WantFaults(
		t, widen(give(restricted), give(func(k *domain.APIKey) { restricted(k); k.RateLimit = 61 })),
		beyondLimits("scopes"),
	)
}

func testRestrictedVault(t *testing.T, w *World) {
	limited := func(k *domain.APIKey) { restricted(k); k.RateLimit = 0 }
	key := w.NewAPIKey(t, limited)
	ctx := inNetwork(t)
	ctx = domain.WithPrincipal(ctx, Must(w.Access.Authenticate(ctx, key.Token, "chaveiro:refresh"))(t))
	app := Must(
		w.Applications.Create(
			Operator(t), domain.Application{Name: Fresh("app"), Method: domain.AuthOAuth2, Enabled: true},
		),
	)(t)
	inside := domain.PAMAuthorization{
		ApplicationID: app.ID, Enabled: true, ExpiresAt: Noon.Add(Day),
		AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
	}
	create := func(ctx context.Context, alter func(*domain.PAMAuthorization)) (int64, error) {
		a := inside
		a.Name = Fresh("auth")
		alter(&a)
		made, err := w.Authorizations.Create(ctx, a)
		return made.ID, err
	}
	t.Run("made", func(t *testing.T) {
		Check(t, Second(create(ctx, func(*domain.PAMAuthorization) {})))
		WantFaults(
			t, Second(create(ctx, func(a *domain.PAMAuthorization) { a.ExpiresAt = time.Time{} })),
			beyondLimits("expires_at"),
		)
		WantFaults(
			t, Second(create(ctx, func(a *domain.PAMAuthorization) { a.AllowedIPs = nil })),
			beyondLimits("allowed_ips"),
		)
		slow, _ := restrictedCaller(t, w)
		WantFaults(t, Second(create(slow, func(*domain.PAMAuthorization) {})), beyondLimits("rate_limit"))
	})
	testRestrictedVaultChanges(t, w, ctx, app, create)
}

// testRestrictedVaultChanges changes an authorization without limits, and its application.
func testRestrictedVaultChanges(
	t *testing.T, w *World, ctx context.Context, app domain.Application,
	create func(context.Context, func(*domain.PAMAuthorization)) (int64, error),
) {
	both := []Fault{beyondLimits("expires_at"), beyondLimits("allowed_ips")}
	free := Must(
		create(Operator(t), func(a *domain.PAMAuthorization) {
			a.ExpiresAt, a.AllowedIPs, a.Resources = time.Time{}, nil, []domain.PAMResource{}
		}),
	)(t)
	update := func(u domain.PAMAuthorizationUpdate) error { return Second(w.Authorizations.Update(ctx, free, u)) }
	t.Run("changed", func(t *testing.T) {
		WantFaults(t, Second(w.Authorizations.Rotate(ctx, free, 0)), both...)
		WantFaults(t, update(domain.PAMAuthorizationUpdate{Write: new(true)}), both...)
		WantFaults(t, update(domain.PAMAuthorizationUpdate{Resources: []domain.PAMResource{domain.PAMCore}}), both...)
		Check(t, update(domain.PAMAuthorizationUpdate{Name: new(Fresh("auth"))}))
		Check(t, update(domain.PAMAuthorizationUpdate{Enabled: new(false)}))
		WantFaults(t, update(domain.PAMAuthorizationUpdate{Enabled: new(true)}), both...)
		Must(w.Authorizations.Update(Operator(t), free, domain.PAMAuthorizationUpdate{Enabled: new(true)}))(t)
	})
	t.Run("an application that is enabled", func(t *testing.T) {
		enable := func(ctx context.Context, on bool) error {
			return Second(w.Applications.Update(ctx, app.ID, domain.ApplicationUpdate{Enabled: &on}))
		}
		Check(t, enable(ctx, false))
		WantFaults(t, enable(ctx, true), beyondLimits("enabled"))
		Check(t, w.Authorizations.Delete(ctx, free))
		Check(t, enable(ctx, true))
		writing := Must(create(Operator(t), func(a *domain.PAMAuthorization) { a.Write = true }))(t)
		poor := as(
			t, domain.Permission{Scope: domain.ScopeApplications, Read: true, Write: true},
			domain.Permission{Scope: domain.ScopeDevices, Read: true},
		)
		Check(t, enable(poor, false))
		WantFaults(t, enable(poor, true), NewFault(domain.Forbidden, "enabled", domain.ReasonBeyondOwn))
		Check(t, w.Authorizations.Delete(Operator(t), writing))
		Check(t, enable(poor, true))
	})
}

// TestLastSuperuser_Lasting: the last superuser must be a lasting one. Superusers that expire, or
// that are limited to a network, do not replace it.
func TestLastSuperuser_Lasting(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			network := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			here := func(k *domain.APIKey) { k.AllowedIPs = network }
			everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
			t.Run("with none that lasts, one that does can be added, and one of the others stays", func(t *testing.T) {
				one, other := w.NewAPIKey(t, here), w.NewAPIKey(t, ending)
				Check(t, w.APIKeys.Delete(Operator(t), one.ID))
				WantFaults(t, w.APIKeys.Delete(Operator(t), other.ID), lastSuperuser)
			})
			key := w.NewAPIKey(t)
			w.NewAPIKey(t, here)
			weaken := append([]weakening{{"shut out", updateKey(domain.APIKeyUpdate{AllowedIPs: network})}},
				weakeningKeys...)
			for _, weak := range weaken {
				WantFaults(t, weak.do(Operator(t), w, key.ID), lastSuperuser)
			}
			Check(t, updateKey(domain.APIKeyUpdate{AllowedIPs: everywhere})(Operator(t), w, key.ID))
			Must(w.APIKeys.Rotate(Operator(t), key.ID, 0))(t)
			Check(
				t,
				errors.Join(
					w.APIKeys.Delete(Operator(t), w.NewAPIKey(t).ID),
					w.APIKeys.Delete(Operator(t), w.NewAPIKey(t, here).ID),
				),
			)
			w.NewUser(t, super)
			Check(t, w.APIKeys.Delete(Operator(t), key.ID))
		})
	}
}
