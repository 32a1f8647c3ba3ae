package service_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func wantRefused(t testing.TB, w *World, what string, token domain.Secret) {
	t.Helper()
	if _, err := w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access); !domain.IsKind(
		err, domain.Unauthenticated,
	) {
		t.Errorf("%s: got %v", what, err)
	}
}

// TestBinding: a token is valid for the row that it was made for, and not for another row with the
// same id and generation, as there may be after a restore.
func TestBinding(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			w.NewAPIKey(t)
			t.Run("apikeys", func(t *testing.T) { testBoundKey(t, w) })
			t.Run("users", func(t *testing.T) { testBoundUser(t, w) })
			t.Run("the vault", func(t *testing.T) { testBoundAuthorization(t, w) })
		})
	}
}

func testBoundKey(t *testing.T, w *World) {
	first := w.NewAPIKey(t, Weak)
	access := Must(w.Access.Exchange(t.Context(), first.Token))(t).Token
	Must(w.Access.Authenticate(t.Context(), access, auth.Access))(t)
	ctx := w.RequestOf(t, first.Token, domain.ScopeAPIKeys)
	Check(t, w.APIKeys.Delete(Operator(t), first.ID))
	second := first.APIKey
	second.Binding, second.Superuser = domain.NewBinding(), true
	replaceKey(t, w, second)
	wantRefused(t, w, "its token", first.Token)
	wantRefused(t, w, "its access token", access)
	_, err := w.Access.Exchange(t.Context(), first.Token)
	WantFault(t, err, domain.Unauthenticated)
	_, err = w.APIKeys.Create(ctx, domain.APIKey{Name: Fresh("heir"), Enabled: true}, nil)
	WantFault(t, err, domain.Unauthenticated)
}

// replaceKey stores a row in the place of a deleted one.
func replaceKey(t testing.TB, w *World, key domain.APIKey) {
	t.Helper()
	Check(t, w.Store.Transact(t.Context(), func(tx domain.Store) error {
		if err := tx.AccessControl().Advance(t.Context()); err != nil {
			return err
		}
		return tx.APIKeys().Create(t.Context(), &key)
	}))
	w.Clock.Pass(time.Second)
}

func testBoundUser(t *testing.T, w *World) {
	user := Must(
		w.Users.Create(
			Operator(t), domain.User{Username: Fresh("user"), Email: "a@example.com", FullName: "A", Enabled: true},
			Password, nil,
		),
	)(t)
	session := w.SignIn(t, user)
	w.Authenticate(t, session.Refresh)
	Check(t, w.Users.Delete(Operator(t), user.ID))
	user.Binding = "another"
	Check(t, w.Store.Users().Create(t.Context(), &user))
	wantRefused(t, w, "its session", session.Refresh)
	wantRefused(t, w, "its access token", session.Access.Token)
}

func testBoundAuthorization(t *testing.T, w *World) {
	ctx := Operator(t)
	app := Must(
		w.Applications.Create(ctx, domain.Application{Name: Fresh("app"), Method: domain.AuthOAuth2, Enabled: true}),
	)(t)
	a := Must(w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: app.ID, Name: "a", Enabled: true}))(t)
	token := Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t).Token
	Must(w.PAMAccess.Bearer(t.Context(), token, OverTLS))(t)
	Check(t, w.Authorizations.Delete(ctx, a.ID))
	other := a.PAMAuthorization
	other.Binding = domain.NewBinding()
	Check(t, w.Store.PAMAuthorizations().Create(t.Context(), &other))
	_, err := w.PAMAccess.Bearer(t.Context(), token, OverTLS)
	WantFault(t, err, domain.Unauthenticated)
}

// TestBinding_Before: a credential from before rows had bindings is valid while its row has none.
func TestBinding_Before(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.NewAPIKey(t)
	key := domain.APIKey{Name: "old", Enabled: true, Generation: 3, CreatedAt: Noon, UpdatedAt: Noon}
	Check(t, w.Store.APIKeys().Create(t.Context(), &key))
	token := Must(w.APIKeys.Get(Operator(t), key.ID))(t).Token
	access := Must(w.Access.Exchange(t.Context(), token))(t).Token
	w.Authenticate(t, token)
	w.Authenticate(t, access)
	rotated := Must(w.APIKeys.Rotate(Operator(t), key.ID, time.Minute))(t)
	for _, good := range []domain.Secret{token, access, rotated.Token} {
		w.Authenticate(t, good)
	}
	if rotated.Binding.Own == "" {
		t.Error("a rotation gives no binding")
	}
	w.Clock.Pass(time.Minute)
	wantRefused(t, w, "the token before", token)
	wantRefused(t, w, "what was made from it", access)
	user := w.NewUser(t) // has no binding
	w.Authenticate(t, w.SignIn(t, user).Refresh)
}

// TestDisabled: disabling ends sessions and access tokens for good, so enabling does not bring them
// back. The token of an apikey itself and the secrets of an authorization are valid again after
// enabling.
func TestDisabled(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.NewAPIKey(t)
	twice := func(ctx context.Context, do func(context.Context, *bool) error) {
		Check(t, do(ctx, new(false)))
		Check(t, do(ctx, new(true)))
		w.Clock.Pass(time.Second)
	}
	here := w.Replica(t)
	t.Run("a user", func(t *testing.T) {
		user := w.NewUser(t)
		session := w.SignIn(t, user)
		here.Authenticate(t, session.Refresh)
		twice(Operator(t), func(ctx context.Context, on *bool) error {
			return Second(w.Users.Update(ctx, user.ID, domain.UserUpdate{Enabled: on}))
		})
		for _, at := range []*World{w, here} {
			wantRefused(t, at, "the session", session.Refresh)
			wantRefused(t, at, "its access token", session.Access.Token)
		}
		here.Authenticate(t, w.SignIn(t, user).Refresh)
	})
	t.Run("an apikey", func(t *testing.T) {
		key := w.NewAPIKey(t, Weak)
		access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		here.Authenticate(t, access)
		twice(Operator(t), func(ctx context.Context, on *bool) error {
			return Second(w.APIKeys.Update(ctx, key.ID, domain.APIKeyUpdate{Enabled: on}))
		})
		for _, at := range []*World{w, here} {
			at.Authenticate(t, key.Token)
			wantRefused(t, at, "an access token from before", access)
		}
		here.Authenticate(t, Must(w.Access.Exchange(t.Context(), key.Token))(t).Token)
	})
	app := Must(
		w.Applications.Create(
			Operator(t), domain.Application{Name: Fresh("app"), Method: domain.AuthOAuth2, Enabled: true},
		),
	)(t)
	a := Must(
		w.Authorizations.Create(Operator(t), domain.PAMAuthorization{ApplicationID: app.ID, Name: "a", Enabled: true}),
	)(t)
	for what, able := range map[string]func(context.Context, *bool) error{
		"an authorization": func(ctx context.Context, on *bool) error {
			return Second(w.Authorizations.Update(ctx, a.ID, domain.PAMAuthorizationUpdate{Enabled: on}))
		},
		"an application": func(ctx context.Context, on *bool) error {
			return Second(w.Applications.Update(ctx, app.ID, domain.ApplicationUpdate{Enabled: on}))
		},
	} {
		t.Run(what, func(t *testing.T) {
			token := Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t).Token
			Must(here.PAMAccess.Bearer(t.Context(), token, OverTLS))(t)
			twice(Operator(t), able)
			for _, at := range []*World{w, here} {
				_, err := at.PAMAccess.Bearer(t.Context(), token, OverTLS)
				WantFault(t, err, domain.Unauthenticated)
			}
			Must(here.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t)
		})
	}
}

// TestAccessToken_Life: an access token does not outlive the credential that it was made from.
func TestAccessToken_Life(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.NewAPIKey(t)
	key := w.NewAPIKey(t, Weak, func(k *domain.APIKey) { k.ExpiresAt = Noon.Add(time.Minute) })
	WantSame(t, Must(w.Access.Exchange(t.Context(), key.Token))(t).Life, time.Minute)
	lasting := w.NewAPIKey(t, Weak)
	WantSame(t, Must(w.Access.Exchange(t.Context(), lasting.Token))(t).Life, auth.AccessLife)
	Must(w.APIKeys.Rotate(Operator(t), lasting.ID, 2*time.Minute))(t)
	WantSame(t, Must(w.Access.Exchange(t.Context(), lasting.Token))(t).Life, 2*time.Minute)
	access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{ExpiresAt: new(time.Time{})}))(t)
	w.Clock.Pass(time.Minute)
	wantRefused(t, w, "one made while the apikey was to end", access)
	w.Authenticate(t, key.Token)
}
