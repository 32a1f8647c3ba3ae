package service_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// TestAccess_Newer: what one replica has just made another accepts at once, though it has not yet asked for what has changed.
func TestAccess_Newer(t *testing.T) {
	t.Parallel()
	t.Run("the token of an apikey that was rotated", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		other := w.replica(t)
		key := w.newAPIKey(t, weak)
		other.authenticate(t, key.Token)
		rotated := must(w.APIKeys.Rotate(operator(t), key.ID, 0))(t)
		other.authenticate(t, rotated.Token)
		wantOut(t, other, key.Token)
	})
	t.Run("the access token of a signing key that took the place of all others", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		other := w.replica(t)
		key := w.newAPIKey(t, weak)
		other.authenticate(t, key.Token)
		check(t, w.Signing.Rotate(operator(t), true))
		access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		w.clock.pass(100 * time.Millisecond)
		must(other.Access.Authenticate(t.Context(), access, auth.Access))(t)
	})
	t.Run("an apikey with the id of one that was gone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		other := w.replica(t)
		key := w.newAPIKey(t, weak)
		w.exec(t, "CREATE TABLE kept AS SELECT * FROM apikeys WHERE id = ?", key.ID)
		check(t, w.APIKeys.Delete(operator(t), key.ID))
		wantOut(t, other, key.Token)
		w.exec(t, "INSERT INTO apikeys SELECT * FROM kept")
		w.exec(t, "UPDATE access_control SET epoch = epoch + 1")
		w.clock.pass(100 * time.Millisecond)
		other.authenticate(t, key.Token)
	})
}

// TestPAMAccess_Newer is TestAccess_Newer for the vault: a client that got new secrets, or a token, from one replica and goes to another with them.
func TestPAMAccess_Newer(t *testing.T) {
	t.Parallel()
	for method, use := range map[domain.AuthMethod]func(t *testing.T, w *world, a service.IssuedAuthorization, nonce string){
		domain.AuthOAuth1: func(t *testing.T, w *world, a service.IssuedAuthorization, nonce string) {
			w.wantPAM(t, oauth1(t, a, nonce, w.clock.Now()), overTLS)
		},
		domain.AuthUnsigned: func(t *testing.T, w *world, a service.IssuedAuthorization, _ string) {
			w.wantPAM(t, unsigned(t, a), overTLS)
		},
		domain.AuthOAuth2: func(t *testing.T, w *world, a service.IssuedAuthorization, _ string) {
			must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t)
		},
	} {
		t.Run("new secrets, "+string(method), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).with(t, permissive)
			other := w.replica(t)
			a := w.newAuthorization(t, method)
			for _, nonce := range []string{"first", "second"} { // the first makes a signing key, which makes it ask again
				use(t, other, a, nonce)
			}
			rotated := must(w.Authorizations.Rotate(operator(t), a.ID, 0))(t)
			w.clock.pass(100 * time.Millisecond)
			use(t, other, rotated, "after")
		})
	}
	for sentence, change := range map[string]func(t *testing.T, w *world, a service.IssuedAuthorization) service.IssuedAuthorization{
		"a token of new secrets": func(t *testing.T, w *world, a service.IssuedAuthorization) service.IssuedAuthorization {
			return must(w.Authorizations.Rotate(operator(t), a.ID, 0))(t)
		},
		"a token of a new signing key": func(t *testing.T, w *world, a service.IssuedAuthorization) service.IssuedAuthorization {
			check(t, w.Signing.Rotate(operator(t), true))
			return a
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			other := w.replica(t)
			a := w.newAuthorization(t, domain.AuthOAuth2)
			token := must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t).Token
			for range 2 {
				must(other.PAMAccess.Bearer(t.Context(), token, overTLS))(t)
			}
			a = change(t, w, a)
			token = must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t).Token
			w.clock.pass(100 * time.Millisecond)
			must(other.PAMAccess.Bearer(t.Context(), token, overTLS))(t)
		})
	}
}

// TestAccess_Overlap: what was made from the token before a rotation ends with the overlap, however long it would live.
func TestAccess_Overlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t, weak)
	rotated := must(w.APIKeys.Rotate(operator(t), key.ID, time.Minute))(t)
	before := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	after := must(w.Access.Exchange(t.Context(), rotated.Token))(t).Token
	must(w.Access.Authenticate(t.Context(), before, auth.Access))(t)
	w.clock.pass(time.Minute)
	if _, err := w.Access.Authenticate(t.Context(), before, auth.Access); err == nil {
		t.Error("an access token of the old token outlives the overlap")
	}
	must(w.Access.Authenticate(t.Context(), after, auth.Access))(t)
}
