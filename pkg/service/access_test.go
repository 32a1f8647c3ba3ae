package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
)

var unauthenticated = fault{domain.Unauthenticated, "authorization", domain.ReasonCredential}

// wantOut checks that a token opens nothing.
func wantOut(t testing.TB, w *world, token domain.Secret) {
	t.Helper()
	principal, err := w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access)
	wantFaults(t, err, unauthenticated)
	wantSame(t, principal, domain.Principal{})
	access, err := w.Access.Exchange(t.Context(), token)
	wantFaults(t, err, unauthenticated)
	wantSame(t, access, service.AccessToken{})
	principal, access, err = w.Access.Resume(t.Context(), token)
	wantFaults(t, err, unauthenticated)
	wantSame(t, principal, domain.Principal{})
	wantSame(t, access, service.AccessToken{})
}

// authenticate says whose any token is.
func (w *world) authenticate(t testing.TB, token domain.Secret) domain.Principal {
	t.Helper()
	return must(w.Access.Authenticate(t.Context(), token, auth.Refresh, auth.Session, auth.Access))(t)
}

func TestAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	key, user := w.newAPIKey(t), w.newUser(t)
	session := w.signIn(t, user)
	refreshes := map[domain.Secret]domain.Principal{
		key.Token:       {Kind: domain.PrincipalAPIKey, ID: key.ID, Name: key.Name, Superuser: true},
		session.Refresh: {Kind: domain.PrincipalUser, ID: user.ID, Name: user.Username},
	}
	for refresh, principal := range refreshes {
		t.Run("the token of a "+string(principal.Kind)+" and what it is exchanged for say who it is", func(t *testing.T) {
			access := must(w.Access.Exchange(ctx, refresh))(t)
			resumed, next, err := w.Access.Resume(ctx, refresh)
			check(t, err)
			wantSame(t, resumed, principal)
			wantSame(t, []time.Duration{access.Life, next.Life}, []time.Duration{auth.AccessLife, auth.AccessLife})
			for _, token := range []domain.Secret{refresh, access.Token, next.Token} {
				wantSame(t, w.authenticate(t, token), principal)
				wantSame(t, w.replica(t).authenticate(t, token), principal)
			}
		})
		t.Run("a token of a "+string(principal.Kind)+" is good for its use alone", func(t *testing.T) {
			access := must(w.Access.Exchange(ctx, refresh))(t)
			_, err := w.Access.Exchange(ctx, access.Token)
			wantFaults(t, err, unauthenticated)
			_, _, err = w.Access.Resume(ctx, access.Token)
			wantFaults(t, err, unauthenticated)
			_, err = w.Access.Authenticate(ctx, refresh, auth.Access)
			wantFaults(t, err, unauthenticated)
			_, err = w.Access.Authenticate(ctx, access.Token, auth.Refresh, auth.Session)
			wantFaults(t, err, unauthenticated)
			_, err = w.Access.Authenticate(ctx, access.Token)
			wantFaults(t, err, unauthenticated)
		})
	}
	t.Run("what is no token opens nothing", func(t *testing.T) {
		for _, token := range []domain.Secret{"", "x", "a.b.c", key.Token + "x", key.Token[1:]} {
			wantOut(t, w, token)
		}
		wantOut(t, w, newWorld(t).newAPIKey(t).Token)
	})
	t.Run("access tokens end, and sessions later", func(t *testing.T) {
		access := must(w.Access.Exchange(ctx, session.Refresh))(t).Token
		w.clock.pass(auth.AccessLife - time.Second)
		w.authenticate(t, access)
		w.clock.pass(time.Second)
		wantOut(t, w, access)
		w.clock.pass(auth.SessionLife - auth.AccessLife - time.Second)
		w.authenticate(t, session.Refresh)
		w.clock.pass(time.Second)
		wantOut(t, w, session.Refresh)
		w.authenticate(t, key.Token)
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refresh := w.newAPIKey(t).Token
	t.Run("the same master key opens the same secrets", func(t *testing.T) {
		w.replica(t).authenticate(t, refresh)
	})
	t.Run("another master key is told apart, clearly", func(t *testing.T) {
		settings := w.settings
		settings.Keys, _ = seal.GenerateKeyring()
		_, err := service.New(t.Context(), settings)
		if err == nil || !strings.Contains(err.Error(), "the master key is not the one this database was sealed with") {
			t.Errorf("error is %v", err)
		}
	})
}
