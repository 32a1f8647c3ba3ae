package access_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// cheaply gives a user the same password, with a hash that costs next to nothing.
func cheaply(u *domain.User) {
	salt := []byte("salt salt salt 1")
	encode := base64.RawStdEncoding.EncodeToString
	u.PasswordHash = domain.Secret(
		"$argon2id$v=19$m=8,t=1,p=1$" + encode(salt) + "$" + encode(argon2.IDKey([]byte(Password), salt, 1, 8, 1, 32)),
	)
}

func disabled(u *domain.User) { u.Enabled = false }

// refused are the sign-ins that must be refused.
func refused(t testing.TB, w *World) map[string]struct {
	username string
	password domain.Secret
} {
	user := w.NewUser(t)
	return map[string]struct {
		username string
		password domain.Secret
	}{
		"another password":                      {user.Username, "outra senha boa"},
		"the password in other case":            {user.Username, domain.Secret(strings.ToUpper(string(Password)))},
		"no password":                           {user.Username, ""},
		"the hash for the password":             {user.Username, user.PasswordHash},
		"no such user":                          {Fresh("nobody"), Password},
		"no name":                               {"", Password},
		"a name that can't be":                  {"a\x00\xff", Password},
		"a disabled user":                       {w.NewUser(t, disabled).Username, Password},
		"a disabled user with another password": {w.NewUser(t, disabled).Username, "outra senha boa"},
		"a user whose hash is none": {
			w.NewUser(t, func(u *domain.User) { u.PasswordHash = "" }).Username, "",
		},
		"a user whose hash is not understood": {
			w.NewUser(t, func(u *domain.User) { u.PasswordHash = "segredo" }).Username, "segredo",
		},
		"an apikey's name":                         {w.NewAPIKey(t).Name, Password},
		"a user of another name that looks alike":  {user.Username + "\u200b", Password},
		"a user by a pattern that would match all": {"%", Password},
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	user := w.NewUser(t, func(u *domain.User) { u.Superuser = true })
	t.Run("the password opens a session", func(t *testing.T) {
		session := Must(w.Login.Password(From(t.Context(), "192.0.2.1"), strings.ToUpper(user.Username), Password))(t)
		WantSame(t, []time.Duration{session.Life, session.Access.Life}, []time.Duration{30 * Day, 15 * time.Minute})
		for _, token := range []domain.Secret{session.Refresh, session.Access.Token} {
			WantSame(
				t, w.Authenticate(t, token), domain.Principal{
					Kind: domain.PrincipalUser, ID: user.ID, Name: user.Username, Superuser: true,
				},
			)
		}
		events := w.Events(t)
		WantSame(t, len(events), 1)
		WantEvent(t, events[0], domain.Event{
			ActorKind: domain.PrincipalUser, ActorID: user.ID, ActorName: user.Username, Address: "192.0.2.1",
			Operation: "test", RequestID: "request-1",
			Action: domain.ActionLogin, Resource: domain.ResourceTokens, ResourceID: user.ID,
			ResourceName: user.Username,
		})
	})
	t.Run("nobody learns why it was refused", func(t *testing.T) {
		before := w.CountEvents(t)
		for sentence, attempt := range refused(t, w) {
			session, err := w.Login.Password(t.Context(), attempt.username, attempt.password)
			if len(domain.Faults(err)) != 1 || session != (access.Session{}) {
				t.Fatalf("%s: %v", sentence, err)
			}
			told := *domain.Faults(err)[0]
			told.Err = nil // for the log only
			WantSame(
				t, told, domain.Error{
					Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonCredential,
				},
			)
			if strings.Contains(err.Error(), string(Password)) || attempt.username != "" &&
				strings.Contains(err.Error(), attempt.username) {
				t.Errorf("%s: the log says %v", sentence, err)
			}
		}
		WantSame(t, w.CountEvents(t), before+1) // the event of the apikey that refused makes
	})
	t.Run("a database that fails is no wrong password", func(t *testing.T) {
		Check(t, w.Store.Close())
		if _, err := w.Login.Password(t.Context(), user.Username, Password); err == nil || domain.Faults(err) != nil {
			t.Errorf("error is %v", err)
		}
	})
}

// TestLogin_Time: each attempt compares the password with a hash, also where there is none, so that
// all take as long. No comparison is ever allowed to begin here: an attempt that does not wait for
// one returns another error.
func TestLogin_Time(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	attempts := refused(t, w)
	w.Login.Passwords.Turns = turns.New(bounded.TurnBounds{Queue: 100, Total: 100}, 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	sentences := slices.Collect(maps.Keys(attempts))
	Check(t, Together(len(sentences), func(i int) error {
		attempt := attempts[sentences[i]]
		if _, err := w.Login.Password(ctx, attempt.username, attempt.password); !errors.Is(
			err, context.DeadlineExceeded,
		) {
			return fmt.Errorf("%s: error is %v", sentences[i], err)
		}
		return nil
	}))
}

func TestLogin_Rehash(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	user := w.NewUser(t, cheaply)
	stored := func() domain.User { return Must(w.Users.Get(t.Context(), user.ID))(t) }
	_, err := w.Login.Password(t.Context(), user.Username, "outra senha boa")
	WantFaults(t, err, Unauthenticated)
	WantSame(t, string(stored().PasswordHash), string(user.PasswordHash))

	session := w.SignIn(t, user)
	renewed := stored()
	if !strings.HasPrefix(string(renewed.PasswordHash), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %q", string(renewed.PasswordHash))
	}
	user.PasswordHash = renewed.PasswordHash
	WantSame(t, renewed, user) // nothing else has changed
	w.SignIn(t, user)
	WantSame(t, string(stored().PasswordHash), string(user.PasswordHash))
	w.Authenticate(t, session.Refresh)
	WantSame(t, w.CountEvents(t), 2)
}
