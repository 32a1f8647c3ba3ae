package service_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func (w *world) wantRefused(t testing.TB, what string, token domain.Secret) {
	t.Helper()
	if _, err := w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access); !domain.IsKind(err, domain.Unauthenticated) {
		t.Errorf("%s: got %v", what, err)
	}
}

// TestBinding: a token is good for the row that it was made for, and for no other that has got its id and generation, as after a restore.
func TestBinding(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			w.newAPIKey(t)
			t.Run("apikeys", func(t *testing.T) { testBoundKey(t, w) })
			t.Run("users", func(t *testing.T) { testBoundUser(t, w) })
			t.Run("the vault", func(t *testing.T) { testBoundAuthorization(t, w) })
		})
	}
}

func testBoundKey(t *testing.T, w *world) {
	first := w.newAPIKey(t, weak)
	access := must(w.Access.Exchange(t.Context(), first.Token))(t).Token
	must(w.Access.Authenticate(t.Context(), access, auth.Access))(t)
	ctx := w.requestOf(t, first.Token, domain.ScopeAPIKeys)
	check(t, w.APIKeys.Delete(operator(t), first.ID))
	second := first.APIKey
	second.Binding, second.Superuser = domain.NewBinding(), true
	w.replaceKey(t, second)
	w.wantRefused(t, "its token", first.Token)
	w.wantRefused(t, "its access token", access)
	_, err := w.Access.Exchange(t.Context(), first.Token)
	wantFault(t, err, domain.Unauthenticated)
	_, err = w.APIKeys.Create(ctx, domain.APIKey{Name: fresh("heir"), Enabled: true}, nil)
	wantFault(t, err, domain.Unauthenticated)
}

// replaceKey puts a row where another one was.
func (w *world) replaceKey(t testing.TB, key domain.APIKey) {
	t.Helper()
	check(t, w.store.Transact(t.Context(), func(tx domain.Store) error {
		if err := tx.AccessControl().Advance(t.Context()); err != nil {
			return err
		}
		return tx.APIKeys().Create(t.Context(), &key)
	}))
	w.clock.pass(time.Second)
}

func testBoundUser(t *testing.T, w *world) {
	user := must(w.Users.Create(operator(t), domain.User{Username: fresh("user"), Email: "a@example.com", FullName: "A", Enabled: true}, password, nil))(t)
	session := w.signIn(t, user)
	w.authenticate(t, session.Refresh)
	check(t, w.Users.Delete(operator(t), user.ID))
	user.Binding = "another"
	check(t, w.store.Users().Create(t.Context(), &user))
	w.wantRefused(t, "its session", session.Refresh)
	w.wantRefused(t, "its access token", session.Access.Token)
}

func testBoundAuthorization(t *testing.T, w *world) {
	ctx := operator(t)
	app := must(w.Applications.Create(ctx, domain.Application{Name: fresh("app"), Method: domain.AuthOAuth2, Enabled: true}))(t)
	a := must(w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: app.ID, Name: "a", Enabled: true}))(t)
	token := must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t).Token
	must(w.PAMAccess.Bearer(t.Context(), token, overTLS))(t)
	check(t, w.Authorizations.Delete(ctx, a.ID))
	other := a.PAMAuthorization
	other.Binding = domain.NewBinding()
	check(t, w.store.PAMAuthorizations().Create(t.Context(), &other))
	_, err := w.PAMAccess.Bearer(t.Context(), token, overTLS)
	wantFault(t, err, domain.Unauthenticated)
}

// TestBinding_Before: what was made before rows had bindings is good for as long as the row has none.
func TestBinding_Before(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newAPIKey(t)
	key := domain.APIKey{Name: "old", Enabled: true, Generation: 3, CreatedAt: noon, UpdatedAt: noon}
	check(t, w.store.APIKeys().Create(t.Context(), &key))
	token := must(w.APIKeys.Get(operator(t), key.ID))(t).Token
	access := must(w.Access.Exchange(t.Context(), token))(t).Token
	w.authenticate(t, token)
	w.authenticate(t, access)
	rotated := must(w.APIKeys.Rotate(operator(t), key.ID, time.Minute))(t)
	for _, good := range []domain.Secret{token, access, rotated.Token} {
		w.authenticate(t, good)
	}
	if rotated.Binding.Own == "" {
		t.Error("a rotation gives no binding")
	}
	w.clock.pass(time.Minute)
	w.wantRefused(t, "the token before", token)
	w.wantRefused(t, "what was made from it", access)
	user := w.newUser(t) // has none
	w.authenticate(t, w.signIn(t, user).Refresh)
}

// TestDisabled: what was disabled once does not come back with what had been made before: sessions and access tokens end for good. The token of an
// apikey itself, and the secrets of an authorization, are good again when it is enabled.
func TestDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newAPIKey(t)
	twice := func(ctx context.Context, do func(context.Context, *bool) error) {
		check(t, do(ctx, new(false)))
		check(t, do(ctx, new(true)))
		w.clock.pass(time.Second)
	}
	here := w.replica(t)
	t.Run("a user", func(t *testing.T) {
		user := w.newUser(t)
		session := w.signIn(t, user)
		here.authenticate(t, session.Refresh)
		twice(operator(t), func(ctx context.Context, on *bool) error {
			return second(w.Users.Update(ctx, user.ID, domain.UserUpdate{Enabled: on}))
		})
		for _, at := range []*world{w, here} {
			at.wantRefused(t, "the session", session.Refresh)
			at.wantRefused(t, "its access token", session.Access.Token)
		}
		here.authenticate(t, w.signIn(t, user).Refresh)
	})
	t.Run("an apikey", func(t *testing.T) {
		key := w.newAPIKey(t, weak)
		access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		here.authenticate(t, access)
		twice(operator(t), func(ctx context.Context, on *bool) error {
			return second(w.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Enabled: on}))
		})
		for _, at := range []*world{w, here} {
			at.authenticate(t, key.Token)
			at.wantRefused(t, "an access token from before", access)
		}
		here.authenticate(t, must(w.Access.Exchange(t.Context(), key.Token))(t).Token)
	})
	app := must(w.Applications.Create(operator(t), domain.Application{Name: fresh("app"), Method: domain.AuthOAuth2, Enabled: true}))(t)
	a := must(w.Authorizations.Create(operator(t), domain.PAMAuthorization{ApplicationID: app.ID, Name: "a", Enabled: true}))(t)
	for what, able := range map[string]func(context.Context, *bool) error{
		"an authorization": func(ctx context.Context, on *bool) error {
			return second(w.Authorizations.Update(ctx, a.ID, domain.PAMAuthorizationUpdate{Enabled: on}))
		},
		"an application": func(ctx context.Context, on *bool) error {
			return second(w.Applications.Update(ctx, app.ID, domain.ApplicationUpdate{Enabled: on}))
		},
	} {
		t.Run(what, func(t *testing.T) {
			token := must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t).Token
			must(here.PAMAccess.Bearer(t.Context(), token, overTLS))(t)
			twice(operator(t), able)
			for _, at := range []*world{w, here} {
				_, err := at.PAMAccess.Bearer(t.Context(), token, overTLS)
				wantFault(t, err, domain.Unauthenticated)
			}
			must(here.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t)
		})
	}
}

// TestAccessToken_Life: an access token lives no longer than what it was made from.
func TestAccessToken_Life(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newAPIKey(t)
	key := w.newAPIKey(t, weak, func(k *domain.APIKey) { k.ExpiresAt = noon.Add(time.Minute) })
	wantSame(t, must(w.Access.Exchange(t.Context(), key.Token))(t).Life, time.Minute)
	lasting := w.newAPIKey(t, weak)
	wantSame(t, must(w.Access.Exchange(t.Context(), lasting.Token))(t).Life, auth.AccessLife)
	must(w.APIKeys.Rotate(operator(t), lasting.ID, 2*time.Minute))(t)
	wantSame(t, must(w.Access.Exchange(t.Context(), lasting.Token))(t).Life, 2*time.Minute)
	access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{ExpiresAt: new(time.Time{})}))(t)
	w.clock.pass(time.Minute)
	w.wantRefused(t, "one made while the apikey was to end", access)
	w.authenticate(t, key.Token)
}
