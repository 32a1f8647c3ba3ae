package service_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var tooManyAttempts = fault{domain.Unauthenticated, "authorization", domain.ReasonLimit}

// guess tries a password that is wrong.
func (w *world) guess(ctx context.Context, username string) error {
	_, err := w.Login.Password(ctx, username, "errada")
	return err
}

// wantGuesses checks that n guesses are looked at, and how long the next one has to wait.
func wantGuesses(t testing.TB, guess func() error, n int, wait time.Duration) {
	t.Helper()
	for range n {
		wantFaults(t, guess(), unauthenticated)
	}
	err := guess()
	wantFaults(t, err, tooManyAttempts)
	wantSame(t, domain.Faults(err)[0].Wait, wait)
}

func TestLogin_Limit_Account(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.newUser(t, cheaply)
	addresses := 0
	// elsewhere guesses from another address each time.
	elsewhere := func(username string) func() error {
		return func() error {
			addresses++
			return w.guess(from(t.Context(), fmt.Sprintf("10.0.%d.%d", addresses/250, addresses%250)), username)
		}
	}
	wantGuesses(t, elsewhere(user.Username), 10, 30*time.Second)
	t.Run("however the name is written, on every replica, and for who knows the password too", func(t *testing.T) {
		wantFaults(t, elsewhere(strings.ToUpper(user.Username))(), tooManyAttempts)
		_, err := w.replica(t).Login.Password(from(t.Context(), "10.9.9.9"), user.Username, password)
		wantFaults(t, err, tooManyAttempts)
	})
	t.Run("another account is not concerned", func(t *testing.T) {
		w.signIn(t, w.newUser(t))
	})
	t.Run("there is one more every half minute", func(t *testing.T) {
		w.clock.pass(12 * time.Second)
		wantGuesses(t, elsewhere(user.Username), 0, 18*time.Second)
		w.clock.pass(18 * time.Second)
		wantGuesses(t, elsewhere(user.Username), 1, 30*time.Second)
		w.clock.pass(90 * time.Second)
		wantGuesses(t, elsewhere(user.Username), 3, 30*time.Second)
	})
	t.Run("who signs in begins anew", func(t *testing.T) {
		w.clock.pass(30 * time.Second)
		must(w.Login.Password(from(t.Context(), "10.9.9.8"), user.Username, password))(t)
		check(t, w.store.Users().Rehash(t.Context(), user.ID, must(w.Users.Get(t.Context(), user.ID))(t).PasswordHash, user.PasswordHash))
		wantGuesses(t, elsewhere(user.Username), 10, 30*time.Second)
	})
	t.Run("what is long past is forgotten", func(t *testing.T) {
		w.clock.pass(time.Hour)
		check(t, w.Login.Forget(t.Context()))
		var left int
		check(t, must(w.store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM throttles").Scan(&left))
		wantSame(t, left, 0)
	})
}

func TestLogin_Limit_Address(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := make([]domain.User, 8)
	for i := range users {
		users[i] = w.newUser(t, cheaply)
	}
	turns := 0
	guess := func(address string) func() error {
		return func() error {
			turns++
			return w.guess(from(t.Context(), address), users[turns%len(users)].Username)
		}
	}
	wantGuesses(t, guess("192.0.2.1"), 30, 2*time.Second)
	wantGuesses(t, guess("::ffff:192.0.2.1"), 0, 2*time.Second)
	w.clock.pass(3 * time.Second)
	wantGuesses(t, guess("192.0.2.1"), 1, time.Second)
	t.Run("who has an IPv6 address has a network of them", func(t *testing.T) {
		w.clock.pass(time.Hour)
		addresses := 0
		wantGuesses(t, func() error {
			addresses++
			return guess(fmt.Sprintf("2001:db8:0:1::%x", addresses))()
		}, 30, 2*time.Second)
		w.clock.pass(time.Minute)
		wantFaults(t, guess("2001:db8:0:2::1")(), unauthenticated)
	})
	t.Run("an address that is refused costs no account an attempt", func(t *testing.T) {
		w.clock.pass(time.Hour)
		victim := w.newUser(t, cheaply)
		wantGuesses(t, guess("192.0.2.7"), 30, 2*time.Second)
		for range 20 {
			wantFaults(t, w.guess(from(t.Context(), "192.0.2.7"), victim.Username), tooManyAttempts)
		}
		wantGuesses(t, func() error { return w.guess(from(t.Context(), "192.0.2.8"), victim.Username) }, 10, 30*time.Second)
	})
}

// TestLogin_Limit_Concurrency: of many guesses at once on several replicas exactly as many are looked at as one after the other would be.
func TestLogin_Limit_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			replicas := []*world{w, w.replica(t), w.replica(t)}
			users := make([]domain.User, 50)
			for i := range users {
				users[i] = w.newUser(t, cheaply)
			}
			one := w.newUser(t, cheaply)
			// looked counts the guesses that are looked at.
			looked := func(guess func(w *world, i int) error) int {
				t.Helper()
				var n atomic.Int64
				check(t, together(len(users), func(i int) error {
					err := guess(replicas[i%len(replicas)], i)
					told := domain.Faults(err)
					switch {
					case len(told) != 1 || told[0].Kind != domain.Unauthenticated:
						return err
					case told[0].Reason == domain.ReasonCredential:
						n.Add(1)
					case told[0].Wait <= 0:
						return fmt.Errorf("the wait is %s", told[0].Wait)
					}
					return nil
				}))
				return int(n.Load())
			}
			wantSame(t, looked(func(w *world, i int) error {
				return w.guess(from(t.Context(), fmt.Sprintf("10.0.0.%d", i)), one.Username)
			}), 10)
			wantSame(t, looked(func(w *world, i int) error { return w.guess(from(t.Context(), "192.0.2.1"), users[i].Username) }), 30)
		})
	}
}
