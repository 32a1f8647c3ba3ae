package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// asUser is the context of a user who has signed in.
func asUser(t testing.TB, u domain.User) context.Context {
	return domain.WithPrincipal(t.Context(), u.Holder().Principal())
}

func TestUsers_Profile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.newRole(t, read(domain.ScopeCAs), read(domain.ScopeUsers)), w.newRole(t, write(domain.ScopeCAs))
	user := w.newUser(t, func(u *domain.User) { u.Roles = []domain.Role{one, two} })
	key := must(w.APIKeys.Create(operator(t), domain.APIKey{Name: "key", Description: "what for", Enabled: true}, []int64{two.ID}))(t)
	root := w.newAPIKey(t)
	for sentence, test := range map[string]struct {
		holder domain.Holder
		want   service.Profile
	}{
		"a user has what all roles grant": {user.Holder(), service.Profile{Kind: domain.PrincipalUser, User: user, Scopes: []domain.Permission{
			read(domain.ScopeUsers), {Scope: domain.ScopeCAs, Read: true, Write: true},
		}}},
		"an apikey says it in the same words": {key.Holder(), service.Profile{Kind: domain.PrincipalAPIKey, Scopes: []domain.Permission{write(domain.ScopeCAs)}, User: domain.User{
			ID: key.ID, Username: "key", FullName: "what for", Enabled: true, Roles: []domain.Role{two},
		}}},
		"a superuser may everything": {root.Holder(), service.Profile{Kind: domain.PrincipalAPIKey, Scopes: domain.Scopes(), User: domain.User{
			ID: root.ID, Username: root.Name, Superuser: true, Enabled: true,
		}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			wantSame(t, must(w.Users.Profile(domain.WithPrincipal(t.Context(), test.holder.Principal())))(t), test.want)
		})
	}
}

func TestUsers_UpdateProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.newRole(t, read(domain.ScopeCAs))
	user := w.newUser(t, func(u *domain.User) { u.Roles = []domain.Role{role} })
	session := w.signIn(t, user)
	stored := func() domain.User { return must(w.Users.Get(t.Context(), user.ID))(t) }
	w.clock.pass(time.Minute)
	t.Run("one's own address and name", func(t *testing.T) {
		profile, next, err := w.Users.UpdateProfile(asUser(t, user), service.ProfileUpdate{Email: new("novo@example.com"), FullName: new("Outro Nome")})
		check(t, err)
		user.Email, user.FullName, user.UpdatedAt = "novo@example.com", "Outro Nome", w.clock.Now()
		wantSame(t, profile, service.Profile{Kind: domain.PrincipalUser, User: user, Scopes: role.Scopes})
		wantSame(t, stored(), user)
		if next != nil {
			t.Error("a session came back")
		}
		w.authenticate(t, session.Refresh)
	})
	t.Run("what is wrong changes nothing", func(t *testing.T) {
		good, before := new(domain.Secret("outra senha boa")), w.countEvents(t)
		for sentence, test := range map[string]struct {
			update service.ProfileUpdate
			want   []fault
		}{
			"no present password":      {service.ProfileUpdate{Password: good}, []fault{{domain.Required, "current_password", domain.ReasonRequired}}},
			"an empty one":             {service.ProfileUpdate{Password: good, Current: new(domain.Secret)}, []fault{{domain.Required, "current_password", domain.ReasonRequired}}},
			"another one":              {service.ProfileUpdate{Password: good, Current: good}, []fault{{domain.Invalid, "current_password", domain.ReasonPassword}}},
			"a short one":              {service.ProfileUpdate{Password: new(domain.Secret("sete 77")), Current: new(password)}, []fault{{domain.Invalid, "password", domain.ReasonTooShort}}},
			"no password":              {service.ProfileUpdate{Password: new(domain.Secret)}, []fault{{domain.Required, "current_password", domain.ReasonRequired}, {domain.Required, "password", domain.ReasonRequired}}},
			"a bad address":            {service.ProfileUpdate{Email: new("nobody")}, []fault{{domain.Invalid, "email", domain.ReasonEmail}}},
			"a bad address beside all": {service.ProfileUpdate{Email: new("nobody"), Password: good, Current: new(password)}, []fault{{domain.Invalid, "email", domain.ReasonEmail}}},
		} {
			t.Run(sentence, func(t *testing.T) {
				_, next, err := w.Users.UpdateProfile(asUser(t, user), test.update)
				wantFaults(t, err, test.want...)
				wantSame(t, stored(), user)
				if next != nil {
					t.Error("a session came back")
				}
			})
		}
		w.authenticate(t, session.Refresh)
		events := w.events(t)[before:]
		wantSame(t, len(events), 1) // the wrong password
		wantEvent(t, events[0], domain.Event{
			ActorKind: domain.PrincipalUser, ActorID: user.ID, ActorName: user.Username, Action: domain.ActionAccess, Refused: true,
			Resource: domain.ResourceTokens, ResourceID: user.ID, After: `{"cause":"current_password: wrong password","field":"current_password"}`,
		})
	})
	t.Run("what is as it was leaves no event", func(t *testing.T) {
		before := w.countEvents(t)
		for _, update := range []service.ProfileUpdate{{}, {Email: &user.Email, FullName: &user.FullName}, {Current: new(password)}} {
			_, _, err := w.Users.UpdateProfile(asUser(t, user), update)
			check(t, err)
		}
		wantSame(t, stored(), user)
		wantSame(t, w.countEvents(t), before)
	})
	t.Run("a new password ends the sessions and begins one", func(t *testing.T) {
		profile, next, err := w.Users.UpdateProfile(asUser(t, user), service.ProfileUpdate{Password: new(domain.Secret("outra senha boa")), Current: new(password)})
		check(t, err)
		user.Generation, user.PasswordHash, user.Binding = 2, profile.User.PasswordHash, profile.User.Binding
		wantSame(t, profile.User, user)
		wantSame(t, stored(), user)
		wantOut(t, w, session.Refresh)
		wantOut(t, w, session.Access.Token)
		for _, token := range []domain.Secret{next.Refresh, next.Access.Token, must(w.Login.Password(t.Context(), user.Username, "outra senha boa"))(t).Refresh} {
			wantSame(t, w.authenticate(t, token), user.Holder().Principal())
		}
		_, err = w.Login.Password(t.Context(), user.Username, password)
		wantFaults(t, err, unauthenticated)
	})
	t.Run("a password that somebody else has changed meanwhile stays theirs", func(t *testing.T) {
		victim := w.newUser(t)
		slow := w.with(t, func(s *service.Settings) {
			s.Store = &hooked{Store: w.store, transact: func() {
				must(w.Users.Update(operator(t), victim.ID, domain.UserUpdate{Password: new(domain.Secret("de outra pessoa"))}))(t)
			}}
		})
		_, _, err := slow.Users.UpdateProfile(asUser(t, victim), service.ProfileUpdate{Password: new(domain.Secret("outra senha boa")), Current: new(password)})
		wantFaults(t, err, unauthenticated)
		must(w.Login.Password(t.Context(), victim.Username, "de outra pessoa"))(t)
	})
	t.Run("guesses of the present password are as few as those at the door", func(t *testing.T) {
		victim := w.newUser(t, cheaply)
		wrong := service.ProfileUpdate{Password: new(domain.Secret("outra senha boa")), Current: new(domain.Secret("errada"))}
		for range 10 {
			_, _, err := w.Users.UpdateProfile(asUser(t, victim), wrong)
			wantFaults(t, err, fault{domain.Invalid, "current_password", domain.ReasonPassword})
		}
		_, _, err := w.Users.UpdateProfile(asUser(t, victim), wrong)
		wantFaults(t, err, tooManyAttempts)
		wantFaults(t, w.guess(t.Context(), victim.Username), tooManyAttempts)
	})
	t.Run("an apikey has no profile to change", func(t *testing.T) {
		key := w.newAPIKey(t)
		for _, ctx := range []context.Context{domain.WithPrincipal(t.Context(), key.Holder().Principal()), operator(t), t.Context()} {
			_, _, err := w.Users.UpdateProfile(ctx, service.ProfileUpdate{Email: new("a@example.com")})
			wantFaults(t, err, fault{domain.Forbidden, "authorization", domain.ReasonForbidden})
		}
	})
	t.Run("a caller who is gone is not known any more", func(t *testing.T) {
		check(t, w.Users.Delete(operator(t), user.ID))
		for _, update := range []service.ProfileUpdate{{Email: new("a@example.com")}, {Password: new(domain.Secret("outra senha boa")), Current: new(password)}} {
			_, _, err := w.Users.UpdateProfile(asUser(t, user), update)
			wantFaults(t, err, unauthenticated)
		}
		_, err := w.Users.Profile(asUser(t, user))
		wantFaults(t, err, unauthenticated)
	})
}
