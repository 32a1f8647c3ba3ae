package service_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
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
