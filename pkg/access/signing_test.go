package access_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// settle is how long after its creation a key begins to sign.
const settle = 5 * time.Second

// kid is the signing key that a token names.
func kid(t testing.TB, token domain.Secret) string {
	t.Helper()
	var header struct{ Kid string }
	first, _, _ := strings.Cut(string(token), ".")
	Check(t, json.Unmarshal(Must(base64.RawURLEncoding.DecodeString(first))(t), &header))
	return header.Kid
}

// TestSigning_First: however many replicas start with an empty database, there is one key.
func TestSigning_First(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			w.Exec(t, "DELETE FROM signing_keys")
			tokens := make([]domain.Secret, 8)
			Check(t, Together(len(tokens), func(i int) error {
				replica, err := service.New(t.Context(), w.Settings)
				if err != nil {
					return err
				}
				key, err := replica.APIKeys.Create(
					Operator(t), domain.APIKey{Name: Fresh("apikey"), Enabled: true}, nil,
				)
				if err != nil {
					return err
				}
				access, err := replica.Access.Exchange(t.Context(), key.Token)
				tokens[i] = access.Token
				return err
			}))
			ids := w.Kids(t)
			WantSame(t, len(ids), 1)
			for _, token := range tokens {
				w.Authenticate(t, token)
				WantSame(t, kid(t, token), ids[0])
			}
		})
	}
}

func TestSigning_Rotate(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key, session := w.NewAPIKey(t), w.SignIn(t, w.NewUser(t))
	replica := w.Replica(t)
	old := []domain.Secret{
		session.Refresh, session.Access.Token, Must(replica.Access.Exchange(t.Context(), key.Token))(t).Token,
	}
	w.Clock.Pass(time.Minute)
	Check(t, w.Signing.Rotate(Operator(t), false))
	ids := w.Kids(t)
	WantSame(t, len(ids), 2)
	signs := func(w *World) string { return kid(t, Must(w.Access.Exchange(t.Context(), key.Token))(t).Token) }
	t.Run("the key before signs until all replicas know the new one", func(t *testing.T) {
		w.Clock.Pass(settle - 1)
		WantSame(t, []string{signs(w), signs(replica), signs(w.Replica(t))}, []string{ids[0], ids[0], ids[0]})
		w.Clock.Pass(1)
		WantSame(t, []string{signs(w), signs(replica), signs(w.Replica(t))}, []string{ids[1], ids[1], ids[1]})
	})
	t.Run("what either has signed is good everywhere", func(t *testing.T) {
		for _, token := range append(old, Must(w.Access.Exchange(t.Context(), session.Refresh))(t).Token) {
			w.Authenticate(t, token)
			replica.Authenticate(t, token)
		}
	})
	t.Run("a key settles from when other replicas can see it, however long the transaction had to wait",
		func(t *testing.T) {
			slow := w.With(t, func(s *service.Settings) {
				s.Store = &Hooked{Store: w.Store, BeforeTransact: func() { w.Clock.Pass(time.Minute) }}
			})
			Check(t, slow.Signing.Rotate(Operator(t), false))
			keys := Must(w.Store.SigningKeys().List(t.Context()))(t)
			WantSame(t, keys[len(keys)-1].CreatedAt, w.Clock.Now())
		})
}

func TestSigning_Rotate_Revoking(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key, user := w.NewAPIKey(t), w.NewUser(t)
	replica := w.Replica(t)
	session := w.SignIn(t, user)
	old := []domain.Secret{
		session.Refresh, session.Access.Token, Must(w.Access.Exchange(t.Context(), key.Token))(t).Token,
	}
	for _, token := range old {
		w.Authenticate(t, token)
		replica.Authenticate(t, token)
	}
	Check(t, w.Signing.Rotate(Operator(t), true))
	ids := w.Kids(t)
	WantSame(t, len(ids), 1)
	for _, token := range old {
		WantOut(t, w, token)
	}
	w.Clock.Pass(time.Second)
	for _, token := range old {
		WantOut(t, replica, token)
	}
	for _, token := range []domain.Secret{
		key.Token, Must(replica.Access.Exchange(t.Context(), key.Token))(t).Token, replica.SignIn(t, user).Refresh,
	} {
		w.Authenticate(t, token)
		replica.Authenticate(t, token)
		if token != key.Token {
			WantSame(t, kid(t, token), ids[0])
		}
	}
}

// TestSigning_RotateDue: of all the replicas that notice that a key is due, one makes it.
func TestSigning_RotateDue(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t), w.Replica(t), w.Replica(t)}
			due := func() {
				t.Helper()
				Check(
					t, Together(len(replicas), func(i int) error { return replicas[i].Signing.RotateDue(t.Context()) }),
				)
			}
			due()
			WantSame(t, len(w.Kids(t)), 1)
			w.Exec(t, "DELETE FROM signing_keys") // as in a database that was set back to its beginning
			due()
			WantSame(t, len(w.Kids(t)), 1)
			key := w.NewAPIKey(t)
			w.Clock.Pass(SigningKeyLife - time.Microsecond)
			due()
			WantSame(t, len(w.Kids(t)), 1)
			w.Clock.Pass(time.Microsecond)
			due()
			due()
			WantSame(t, len(w.Kids(t)), 2)
			events := Must(
				w.Audit.Page(
					t.Context(), domain.AuditFilter{Action: domain.ActionRotate}, domain.PageRequest{Size: 10},
				),
			)(t).Items
			WantSame(t, len(events), 2) // also of the one that took the place of none
			WantSame(t, events[0].ActorKind, domain.PrincipalNobody)
			WantSame(t, events[1].ResourceName, w.Kids(t)[1])
			w.Clock.Pass(settle)
			for _, replica := range replicas {
				WantSame(t, kid(t, Must(replica.Access.Exchange(t.Context(), key.Token))(t).Token), w.Kids(t)[1])
			}
		})
	}
}

// TestSigning_Useless: a key stays until its last session has expired, and no longer than until the
// second rotation after that.
func TestSigning_Useless(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	user := w.NewUser(t)
	first := kid(t, w.SignIn(t, user).Refresh)
	w.Clock.Pass(Day)
	Check(t, w.Signing.Rotate(Operator(t), false))
	w.Clock.Pass(settle - time.Second)
	last := w.SignIn(t, user).Refresh
	WantSame(t, kid(t, last), first)
	w.Clock.Pass(auth.SessionLife)
	WantOut(t, w, last)
	w.Clock.Pass(time.Second)
	Check(t, w.Signing.Rotate(Operator(t), false))
	WantSame(t, w.Kids(t)[0], first)
	w.Clock.Pass(time.Microsecond)
	Check(t, w.Signing.Rotate(Operator(t), false))
	WantSame(t, w.Kids(t)[0], first)
	Check(t, w.Signing.Rotate(Operator(t), false))
	ids := w.Kids(t)
	WantSame(t, len(ids), 4)
	if ids[0] == first {
		t.Error("it is still there")
	}
}

// TestSigning_ClockAhead: a clock that is ahead for a while ends no session, and does not prevent
// later rotations.
func TestSigning_ClockAhead(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	user := w.NewUser(t)
	session := w.SignIn(t, user).Refresh
	w.Clock.Pass(Day)
	Check(t, w.Signing.Rotate(Operator(t), false))
	w.Clock.Pass(1000 * Day)
	for range 3 {
		Check(t, w.Signing.RotateDue(t.Context()))
	}
	made := len(w.Kids(t))
	w.Clock.Pass(-1000 * Day)
	Must(w.Access.Exchange(t.Context(), session))(t)
	Check(t, w.Signing.RotateDue(t.Context()))
	WantSame(t, len(w.Kids(t)), made)
	Must(w.Access.Exchange(t.Context(), w.SignIn(t, user).Refresh))(t)
	w.Clock.Pass(SigningKeyLife)
	Check(t, w.Signing.RotateDue(t.Context()))
	WantSame(t, len(w.Kids(t)), made+1)
	Check(t, w.Signing.RotateDue(t.Context()))
	WantSame(t, len(w.Kids(t)), made+1)
}

// TestSigning_Sealed: a key that was moved to another id, or sealed under another master key, is a
// fault of the service and not of the caller.
func TestSigning_Sealed(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	access := Must(w.Access.Exchange(t.Context(), w.NewAPIKey(t).Token))(t).Token
	Must(Must(w.Store.SQL())(t).ExecContext(t.Context(), "UPDATE signing_keys SET id = 'other'"))(t)
	if _, err := w.Replica(t).Access.Authenticate(t.Context(), access, auth.Access); err == nil ||
		domain.Faults(err) != nil {
		t.Errorf("error is %v", err)
	}
}
