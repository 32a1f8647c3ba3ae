package service_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// TestAccess_Newer: a replica accepts at once what another replica has just made, even if it has
// not read the latest changes yet.
func TestAccess_Newer(t *testing.T) {
	t.Parallel()
	t.Run("the token of an apikey that was rotated", func(t *testing.T) {
		t.Parallel()
		w := NewWorld(t)
		other := w.Replica(t)
		key := w.NewAPIKey(t, Weak)
		other.Authenticate(t, key.Token)
		rotated := Must(w.APIKeys.Rotate(Operator(t), key.ID, 0))(t)
		other.Authenticate(t, rotated.Token)
		WantOut(t, other, key.Token)
	})
	t.Run("the access token of a signing key that took the place of all others", func(t *testing.T) {
		t.Parallel()
		w := NewWorld(t)
		other := w.Replica(t)
		key := w.NewAPIKey(t, Weak)
		other.Authenticate(t, key.Token)
		Check(t, w.Signing.Rotate(Operator(t), true))
		access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		w.Clock.Pass(100 * time.Millisecond)
		Must(other.Access.Authenticate(t.Context(), access, auth.Access))(t)
	})
	t.Run("an apikey with the id of one that was gone", func(t *testing.T) {
		t.Parallel()
		w := NewWorld(t)
		other := w.Replica(t)
		key := w.NewAPIKey(t, Weak)
		w.Exec(t, "CREATE TABLE kept AS SELECT * FROM apikeys WHERE id = ?", key.ID)
		Check(t, w.APIKeys.Delete(Operator(t), key.ID))
		WantOut(t, other, key.Token)
		w.Exec(t, "INSERT INTO apikeys SELECT * FROM kept")
		w.Exec(t, "UPDATE access_control SET epoch = epoch + 1")
		w.Clock.Pass(100 * time.Millisecond)
		other.Authenticate(t, key.Token)
	})
}

// TestPAMAccess_Newer is TestAccess_Newer for the vault: a client gets new secrets or a token from
// one replica and uses them at another.
func TestPAMAccess_Newer(t *testing.T) {
	t.Parallel()
	for method, use := range map[domain.AuthMethod]func(t *testing.T, w *World, a vault.IssuedAuthorization,
		nonce string){
		domain.AuthOAuth1: func(t *testing.T, w *World, a vault.IssuedAuthorization, nonce string) {
			w.WantPAM(t, Oauth1(t, a, nonce, w.Clock.Now()), OverTLS)
		},
		domain.AuthUnsigned: func(t *testing.T, w *World, a vault.IssuedAuthorization, _ string) {
			w.WantPAM(t, Unsigned(t, a), OverTLS)
		},
		domain.AuthOAuth2: func(t *testing.T, w *World, a vault.IssuedAuthorization, _ string) {
			Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t)
		},
	} {
		t.Run("new secrets, "+string(method), func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t).With(t, Permissive)
			other := w.Replica(t)
			a := w.NewAuthorization(t, method)
			// the first one makes a signing key, so the replica reads the changes
			for _, nonce := range []string{"first", "second"} {
				use(t, other, a, nonce)
			}
			rotated := Must(w.Authorizations.Rotate(Operator(t), a.ID, 0))(t)
			w.Clock.Pass(100 * time.Millisecond)
			use(t, other, rotated, "after")
		})
	}
	for sentence, change := range map[string]func(t *testing.T, w *World,
		a vault.IssuedAuthorization) vault.IssuedAuthorization{
		"a token of new secrets": func(t *testing.T, w *World, a vault.IssuedAuthorization) vault.IssuedAuthorization {
			return Must(w.Authorizations.Rotate(Operator(t), a.ID, 0))(t)
		},
		"a token of a new signing key": func(t *testing.T, w *World,
			a vault.IssuedAuthorization) vault.IssuedAuthorization {
			Check(t, w.Signing.Rotate(Operator(t), true))
			return a
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			other := w.Replica(t)
			a := w.NewAuthorization(t, domain.AuthOAuth2)
			token := Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t).Token
			for range 2 {
				Must(other.PAMAccess.Bearer(t.Context(), token, OverTLS))(t)
			}
			a = change(t, w, a)
			token = Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t).Token
			w.Clock.Pass(100 * time.Millisecond)
			Must(other.PAMAccess.Bearer(t.Context(), token, OverTLS))(t)
		})
	}
}

// TestAccess_Overlap: an access token made from the previous token of an apikey ends with the
// overlap, even if it would live longer.
func TestAccess_Overlap(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t, Weak)
	rotated := Must(w.APIKeys.Rotate(Operator(t), key.ID, time.Minute))(t)
	before := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	after := Must(w.Access.Exchange(t.Context(), rotated.Token))(t).Token
	Must(w.Access.Authenticate(t.Context(), before, auth.Access))(t)
	w.Clock.Pass(time.Minute)
	if _, err := w.Access.Authenticate(t.Context(), before, auth.Access); err == nil {
		t.Error("an access token of the old token outlives the overlap")
	}
	Must(w.Access.Authenticate(t.Context(), after, auth.Access))(t)
}
