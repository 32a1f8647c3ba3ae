package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	ctx := t.Context()
	key, user := w.NewAPIKey(t), w.NewUser(t)
	session := w.SignIn(t, user)
	refreshes := map[domain.Secret]domain.Principal{
		key.Token:       {Kind: domain.PrincipalAPIKey, ID: key.ID, Name: key.Name, Superuser: true},
		session.Refresh: {Kind: domain.PrincipalUser, ID: user.ID, Name: user.Username},
	}
	for refresh, principal := range refreshes {
		t.Run("the token of a "+string(principal.Kind)+" and what it is exchanged for say who it is",
			func(t *testing.T) {
				access := Must(w.Access.Exchange(ctx, refresh))(t)
				resumed, next, err := w.Access.Resume(ctx, refresh)
				Check(t, err)
				WantSame(t, resumed, principal)
				WantSame(t, []time.Duration{access.Life, next.Life}, []time.Duration{auth.AccessLife, auth.AccessLife})
				for _, token := range []domain.Secret{refresh, access.Token, next.Token} {
					WantSame(t, w.Authenticate(t, token), principal)
					WantSame(t, w.Replica(t).Authenticate(t, token), principal)
				}
			})
		t.Run("a token of a "+string(principal.Kind)+" is good for its use alone", func(t *testing.T) {
			access := Must(w.Access.Exchange(ctx, refresh))(t)
			_, err := w.Access.Exchange(ctx, access.Token)
			WantFaults(t, err, Unauthenticated)
			_, _, err = w.Access.Resume(ctx, access.Token)
			WantFaults(t, err, Unauthenticated)
			_, err = w.Access.Authenticate(ctx, refresh, auth.Access)
			WantFaults(t, err, Unauthenticated)
			_, err = w.Access.Authenticate(ctx, access.Token, auth.Refresh, auth.Session)
			WantFaults(t, err, Unauthenticated)
			_, err = w.Access.Authenticate(ctx, access.Token)
			WantFaults(t, err, Unauthenticated)
		})
	}
	t.Run("what is no token opens nothing", func(t *testing.T) {
		for _, token := range []domain.Secret{"", "x", "a.b.c", key.Token + "x", key.Token[1:]} {
			WantOut(t, w, token)
		}
		WantOut(t, w, NewWorld(t).NewAPIKey(t).Token)
	})
	t.Run("access tokens end, and sessions later", func(t *testing.T) {
		access := Must(w.Access.Exchange(ctx, session.Refresh))(t).Token
		w.Clock.Pass(auth.AccessLife - time.Second)
		w.Authenticate(t, access)
		w.Clock.Pass(time.Second)
		WantOut(t, w, access)
		w.Clock.Pass(auth.SessionLife - auth.AccessLife - time.Second)
		w.Authenticate(t, session.Refresh)
		w.Clock.Pass(time.Second)
		WantOut(t, w, session.Refresh)
		w.Authenticate(t, key.Token)
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	refresh := w.NewAPIKey(t).Token
	t.Run("the same master key opens the same secrets", func(t *testing.T) {
		w.Replica(t).Authenticate(t, refresh)
	})
	t.Run("another master key is told apart, clearly", func(t *testing.T) {
		settings := w.Settings
		settings.Keys, _ = seal.GenerateKeyring()
		_, err := service.New(t.Context(), settings)
		if err == nil || !strings.Contains(err.Error(), "the master key is not the one this database was sealed with") {
			t.Errorf("error is %v", err)
		}
	})
}
