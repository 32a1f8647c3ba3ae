package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

var unauthenticated = fault{domain.Unauthenticated, "authorization", domain.ReasonCredential}

func TestAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	key, refresh, err := w.access.CreateAPIKey(ctx, "integração", true)
	check(t, err)
	principal := domain.Principal{Kind: domain.PrincipalAPIKey, ID: key.ID, Name: "integração", Superuser: true}
	t.Run("the token of an apikey and what it is exchanged for say who it is", func(t *testing.T) {
		access := must(w.access.Exchange(ctx, refresh))(t)
		wantSame(t, access.Life, auth.AccessLife)
		for _, token := range []domain.Secret{refresh, access.Token} {
			wantSame(t, must(w.access.Authenticate(ctx, token, auth.Refresh, auth.Access))(t), principal)
			wantSame(t, must(w.replica(t).access.Authenticate(ctx, token, auth.Refresh, auth.Access))(t), principal)
		}
	})
	t.Run("a token is good for its use alone", func(t *testing.T) {
		access := must(w.access.Exchange(ctx, refresh))(t)
		_, err := w.access.Exchange(ctx, access.Token)
		wantFaults(t, err, unauthenticated)
		_, err = w.access.Authenticate(ctx, refresh, auth.Access)
		wantFaults(t, err, unauthenticated)
		_, err = w.access.Authenticate(ctx, access.Token)
		wantFaults(t, err, unauthenticated)
	})
	t.Run("an access token ends", func(t *testing.T) {
		access := must(w.access.Exchange(ctx, refresh))(t)
		w.clock.pass(auth.AccessLife - time.Second)
		must(w.access.Authenticate(ctx, access.Token, auth.Access))(t)
		w.clock.pass(time.Second)
		_, err := w.access.Authenticate(ctx, access.Token, auth.Access)
		wantFaults(t, err, unauthenticated)
	})
	t.Run("names are checked and taken", func(t *testing.T) {
		for name, want := range map[string]fault{
			"":                       {domain.Required, "name", domain.ReasonRequired},
			"a\x00b":                 {domain.Invalid, "name", domain.ReasonControl},
			strings.Repeat("a", 256): {domain.Invalid, "name", domain.ReasonTooLong},
			"INTEGRAÇÃO":             {domain.Duplicated, "name", domain.ReasonDuplicated},
		} {
			_, token, err := w.access.CreateAPIKey(ctx, name, false)
			wantFaults(t, err, want)
			wantSame(t, string(token), "")
		}
	})
	t.Run("a token made with another secret is refused", func(t *testing.T) {
		_, token, err := newWorld(t).access.CreateAPIKey(ctx, "integração", true)
		check(t, err)
		_, err = w.access.Authenticate(ctx, token, auth.Refresh)
		wantFaults(t, err, unauthenticated)
	})
}

// TestAccess_Changes: what happens to an apikey holds everywhere within a second.
func TestAccess_Changes(t *testing.T) {
	t.Parallel()
	for sentence, change := range map[string]string{
		"an apikey that is gone":               "DELETE FROM apikeys WHERE id = ?",
		"an apikey that was given a new token": "UPDATE apikeys SET generation = generation + 1 WHERE id = ?",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			key, refresh, err := w.access.CreateAPIKey(t.Context(), "key", false)
			check(t, err)
			access := must(w.access.Exchange(t.Context(), refresh))(t).Token
			must(must(w.store.SQL())(t).ExecContext(t.Context(), change, key.ID))(t)

			w.clock.pass(time.Second - 1)
			must(w.access.Authenticate(t.Context(), access, auth.Access))(t)
			_, err = w.replica(t).access.Authenticate(t.Context(), access, auth.Access)
			wantFaults(t, err, unauthenticated)
			w.clock.pass(1)
			_, err = w.access.Authenticate(t.Context(), access, auth.Access)
			wantFaults(t, err, unauthenticated)
			_, err = w.access.Exchange(t.Context(), refresh)
			wantFaults(t, err, unauthenticated)
		})
	}
	t.Run("a clock that was set back trusts nothing older than a second", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		key, refresh, err := w.access.CreateAPIKey(t.Context(), "key", false)
		check(t, err)
		must(w.access.Authenticate(t.Context(), refresh, auth.Refresh))(t)
		must(must(w.store.SQL())(t).ExecContext(t.Context(), "DELETE FROM apikeys WHERE id = ?", key.ID))(t)
		w.clock.pass(-time.Second)
		_, err = w.access.Authenticate(t.Context(), refresh, auth.Refresh)
		wantFaults(t, err, unauthenticated)
	})
	t.Run("a database that fails is no missing credential", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		_, refresh, err := w.access.CreateAPIKey(t.Context(), "key", false)
		check(t, err)
		check(t, w.store.Close())
		if _, err := w.access.Authenticate(t.Context(), refresh, auth.Refresh); err == nil || domain.Faults(err) != nil {
			t.Errorf("error is %v", err)
		}
	})
}

func TestOpenTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, refresh, err := w.access.CreateAPIKey(t.Context(), "key", false)
	check(t, err)
	t.Run("the same master key opens the same secret", func(t *testing.T) {
		tokens := must(service.OpenTokens(t.Context(), w.store, w.keys, w.clock.Now))(t)
		must(tokens.Verify(string(refresh), auth.Refresh))(t)
	})
	t.Run("another master key is told apart, clearly", func(t *testing.T) {
		other, _ := ca.GenerateKeyring()
		_, err := service.OpenTokens(t.Context(), w.store, other, w.clock.Now)
		if err == nil || !strings.Contains(err.Error(), "the master key is not the one this database was sealed with") {
			t.Errorf("error is %v", err)
		}
	})
}
