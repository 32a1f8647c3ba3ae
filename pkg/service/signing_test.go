package service_test

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
)

// settle is how long after it was made a key begins to sign.
const settle = 5 * time.Second

// kid is the signing key that a token names.
func kid(t testing.TB, token domain.Secret) string {
	t.Helper()
	var header struct{ Kid string }
	first, _, _ := strings.Cut(string(token), ".")
	check(t, json.Unmarshal(must(base64.RawURLEncoding.DecodeString(first))(t), &header))
	return header.Kid
}

// kids are the signing keys that there are, the oldest first.
func (w *world) kids(t testing.TB) []string {
	t.Helper()
	var ids []string
	for _, key := range must(w.store.SigningKeys().List(t.Context()))(t) {
		ids = append(ids, key.ID)
	}
	return ids
}

// TestSigning_First: however many replicas begin with an empty database, there is one key.
func TestSigning_First(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			tokens := make([]domain.Secret, 8)
			check(t, together(len(tokens), func(i int) error {
				replica, err := service.New(t.Context(), w.settings)
				if err != nil {
					return err
				}
				key, err := replica.APIKeys.Create(operator(t), domain.APIKey{Name: fresh("apikey"), Enabled: true}, nil)
				if err != nil {
					return err
				}
				access, err := replica.Access.Exchange(t.Context(), key.Token)
				tokens[i] = access.Token
				return err
			}))
			ids := w.kids(t)
			wantSame(t, len(ids), 1)
			for _, token := range tokens {
				w.authenticate(t, token)
				wantSame(t, kid(t, token), ids[0])
			}
		})
	}
}

func TestSigning_Rotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, session := w.newAPIKey(t), w.signIn(t, w.newUser(t))
	replica := w.replica(t)
	old := []domain.Secret{session.Refresh, session.Access.Token, must(replica.Access.Exchange(t.Context(), key.Token))(t).Token}
	w.clock.pass(time.Minute)
	check(t, w.Signing.Rotate(operator(t), false))
	ids := w.kids(t)
	wantSame(t, len(ids), 2)
	signs := func(w *world) string { return kid(t, must(w.Access.Exchange(t.Context(), key.Token))(t).Token) }
	t.Run("the key before signs until all replicas know the new one", func(t *testing.T) {
		w.clock.pass(settle - 1)
		wantSame(t, []string{signs(w), signs(replica), signs(w.replica(t))}, []string{ids[0], ids[0], ids[0]})
		w.clock.pass(1)
		wantSame(t, []string{signs(w), signs(replica), signs(w.replica(t))}, []string{ids[1], ids[1], ids[1]})
	})
	t.Run("what either has signed is good everywhere", func(t *testing.T) {
		for _, token := range append(old, must(w.Access.Exchange(t.Context(), session.Refresh))(t).Token) {
			w.authenticate(t, token)
			replica.authenticate(t, token)
		}
	})
	t.Run("a key settles from when others can see it, however long it had to wait for them", func(t *testing.T) {
		slow := w.with(t, func(s *service.Settings) {
			s.Store = &hooked{Store: w.store, transact: func() { w.clock.pass(time.Minute) }}
		})
		check(t, slow.Signing.Rotate(operator(t), false))
		keys := must(w.store.SigningKeys().List(t.Context()))(t)
		wantSame(t, keys[len(keys)-1].CreatedAt, w.clock.Now())
	})
}

func TestSigning_Rotate_Revoking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, user := w.newAPIKey(t), w.newUser(t)
	replica := w.replica(t)
	session := w.signIn(t, user)
	old := []domain.Secret{session.Refresh, session.Access.Token, must(w.Access.Exchange(t.Context(), key.Token))(t).Token}
	for _, token := range old {
		w.authenticate(t, token)
		replica.authenticate(t, token)
	}
	check(t, w.Signing.Rotate(operator(t), true))
	ids := w.kids(t)
	wantSame(t, len(ids), 1)
	for _, token := range old {
		wantOut(t, w, token)
	}
	w.clock.pass(time.Second)
	for _, token := range old {
		wantOut(t, replica, token)
	}
	for _, token := range []domain.Secret{key.Token, must(replica.Access.Exchange(t.Context(), key.Token))(t).Token, replica.signIn(t, user).Refresh} {
		w.authenticate(t, token)
		replica.authenticate(t, token)
		if token != key.Token {
			wantSame(t, kid(t, token), ids[0])
		}
	}
}

// TestSigning_RotateDue: of all the replicas that notice it one makes the next key.
func TestSigning_RotateDue(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			replicas := []*world{w, w.replica(t), w.replica(t), w.replica(t)}
			due := func() {
				t.Helper()
				check(t, together(len(replicas), func(i int) error { return replicas[i].Signing.RotateDue(t.Context()) }))
			}
			due()
			wantSame(t, len(w.kids(t)), 0) // the first is made by who needs it
			key := w.newAPIKey(t)
			w.clock.pass(signingKeyLife - time.Microsecond)
			due()
			wantSame(t, len(w.kids(t)), 1)
			w.clock.pass(time.Microsecond)
			due()
			due()
			wantSame(t, len(w.kids(t)), 2)
			events := must(w.Audit.Page(t.Context(), domain.AuditFilter{Action: domain.ActionRotate}, domain.PageRequest{Size: 10}))(t).Items
			wantSame(t, len(events), 1)
			wantSame(t, events[0].ActorKind, domain.PrincipalNobody)
			wantSame(t, events[0].ResourceName, w.kids(t)[1])
			w.clock.pass(settle)
			for _, replica := range replicas {
				wantSame(t, kid(t, must(replica.Access.Exchange(t.Context(), key.Token))(t).Token), w.kids(t)[1])
			}
		})
	}
}

// TestSigning_Useless: a key stays until its last session has ended, and not longer than until the second rotation after that.
func TestSigning_Useless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.newUser(t)
	first := kid(t, w.signIn(t, user).Refresh)
	w.clock.pass(day)
	check(t, w.Signing.Rotate(operator(t), false))
	w.clock.pass(settle - time.Second)
	last := w.signIn(t, user).Refresh
	wantSame(t, kid(t, last), first)
	w.clock.pass(auth.SessionLife)
	wantOut(t, w, last)
	w.clock.pass(time.Second)
	check(t, w.Signing.Rotate(operator(t), false))
	wantSame(t, w.kids(t)[0], first)
	w.clock.pass(time.Microsecond)
	check(t, w.Signing.Rotate(operator(t), false))
	wantSame(t, w.kids(t)[0], first)
	check(t, w.Signing.Rotate(operator(t), false))
	ids := w.kids(t)
	wantSame(t, len(ids), 4)
	if ids[0] == first {
		t.Error("it is still there")
	}
}

// TestSigning_ClockAhead: what a clock does that is ahead for a while ends no session, and later rotations are made all the same.
func TestSigning_ClockAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.newUser(t)
	session := w.signIn(t, user).Refresh
	w.clock.pass(day)
	check(t, w.Signing.Rotate(operator(t), false))
	w.clock.pass(1000 * day)
	for range 3 {
		check(t, w.Signing.RotateDue(t.Context()))
	}
	made := len(w.kids(t))
	w.clock.pass(-1000 * day)
	must(w.Access.Exchange(t.Context(), session))(t)
	check(t, w.Signing.RotateDue(t.Context()))
	wantSame(t, len(w.kids(t)), made)
	must(w.Access.Exchange(t.Context(), w.signIn(t, user).Refresh))(t)
	w.clock.pass(signingKeyLife)
	check(t, w.Signing.RotateDue(t.Context()))
	wantSame(t, len(w.kids(t)), made+1)
	check(t, w.Signing.RotateDue(t.Context()))
	wantSame(t, len(w.kids(t)), made+1)
}

// TestSigning_Sealed: a key that was moved to another name, or sealed under another master key, is a fault of the service and nobody's.
func TestSigning_Sealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access := must(w.Access.Exchange(t.Context(), w.newAPIKey(t).Token))(t).Token
	must(must(w.store.SQL())(t).ExecContext(t.Context(), "UPDATE signing_keys SET id = 'other'"))(t)
	if _, err := w.replica(t).Access.Authenticate(t.Context(), access, auth.Access); err == nil || domain.Faults(err) != nil {
		t.Errorf("error is %v", err)
	}
}
