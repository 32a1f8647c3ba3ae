package access_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

var tooManyAttempts = NewFault(domain.Unauthenticated, "authorization", domain.ReasonLimit)

// guess tries a wrong password.
func guess(ctx context.Context, w *World, username string) error {
	_, err := w.Login.Password(ctx, username, "errada")
	return err
}

// wantGuesses checks that n guesses are compared, and how long the next one has to wait.
func wantGuesses(t testing.TB, guess func() error, n int, wait time.Duration) {
	t.Helper()
	for range n {
		WantFaults(t, guess(), Unauthenticated)
	}
	err := guess()
	WantFaults(t, err, tooManyAttempts)
	WantSame(t, domain.Faults(err)[0].Wait, wait)
}

func TestLogin_Limit_Account(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	user := w.NewUser(t, cheaply)
	addresses := 0
	// elsewhere returns a function that guesses from another address each time.
	elsewhere := func(username string) func() error {
		return func() error {
			addresses++
			return guess(From(t.Context(), fmt.Sprintf("10.0.%d.%d", addresses/250, addresses%250)), w, username)
		}
	}
	wantGuesses(t, elsewhere(user.Username), 10, 30*time.Second)
	t.Run("the limit holds for every spelling, on every replica, and for the right password", func(t *testing.T) {
		WantFaults(t, elsewhere(strings.ToUpper(user.Username))(), tooManyAttempts)
		_, err := w.Replica(t).Login.Password(From(t.Context(), "10.9.9.9"), user.Username, Password)
		WantFaults(t, err, tooManyAttempts)
	})
	t.Run("another account is not affected", func(t *testing.T) {
		w.SignIn(t, w.NewUser(t))
	})
	t.Run("there is one more every half minute", func(t *testing.T) {
		w.Clock.Pass(12 * time.Second)
		wantGuesses(t, elsewhere(user.Username), 0, 18*time.Second)
		w.Clock.Pass(18 * time.Second)
		wantGuesses(t, elsewhere(user.Username), 1, 30*time.Second)
		w.Clock.Pass(90 * time.Second)
		wantGuesses(t, elsewhere(user.Username), 3, 30*time.Second)
	})
	t.Run("signing in resets the limit", func(t *testing.T) {
		w.Clock.Pass(30 * time.Second)
		Must(w.Login.Password(From(t.Context(), "10.9.9.8"), user.Username, Password))(t)
		Check(
			t,
			w.Store.Users().
				Rehash(
					t.Context(), user.ID, Must(w.Users.Get(t.Context(), user.ID))(t).PasswordHash, user.PasswordHash,
				),
		)
		wantGuesses(t, elsewhere(user.Username), 10, 30*time.Second)
	})
	t.Run("what is long past is forgotten", func(t *testing.T) {
		w.Clock.Pass(time.Hour)
		Check(t, w.Login.Forget(t.Context()))
		var left int
		Check(t, Must(w.Store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM throttles").Scan(&left))
		WantSame(t, left, 0)
	})
}

func TestLogin_Limit_Address(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	users := make([]domain.User, 8)
	for i := range users {
		users[i] = w.NewUser(t, cheaply)
	}
	turns := 0
	guessing := func(address string) func() error {
		return func() error {
			turns++
			return guess(From(t.Context(), address), w, users[turns%len(users)].Username)
		}
	}
	wantGuesses(t, guessing("192.0.2.1"), 30, 2*time.Second)
	wantGuesses(t, guessing("::ffff:192.0.2.1"), 0, 2*time.Second)
	w.Clock.Pass(3 * time.Second)
	wantGuesses(t, guessing("192.0.2.1"), 1, time.Second)
	t.Run("an IPv6 address counts as its network", func(t *testing.T) {
		w.Clock.Pass(time.Hour)
		addresses := 0
		wantGuesses(t, func() error {
			addresses++
			return guessing(fmt.Sprintf("2001:db8:0:1::%x", addresses))()
		}, 30, 2*time.Second)
		w.Clock.Pass(time.Minute)
		WantFaults(t, guessing("2001:db8:0:2::1")(), Unauthenticated)
	})
	t.Run("an address that is refused costs no account an attempt", func(t *testing.T) {
		w.Clock.Pass(time.Hour)
		victim := w.NewUser(t, cheaply)
		wantGuesses(t, guessing("192.0.2.7"), 30, 2*time.Second)
		for range 20 {
			WantFaults(t, guess(From(t.Context(), "192.0.2.7"), w, victim.Username), tooManyAttempts)
		}
		wantGuesses(
			t, func() error { return guess(From(t.Context(), "192.0.2.8"), w, victim.Username) }, 10, 30*time.Second,
		)
	})
}

// TestLogin_Limit_Concurrency: of many concurrent guesses on several replicas, exactly as many are
// compared as of guesses one after the other.
func TestLogin_Limit_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t), w.Replica(t)}
			users := make([]domain.User, 50)
			for i := range users {
				users[i] = w.NewUser(t, cheaply)
			}
			one := w.NewUser(t, cheaply)
			// looked returns how many guesses are compared.
			looked := func(guess func(w *World, i int) error) int {
				t.Helper()
				var n atomic.Int64
				Check(t, Together(len(users), func(i int) error {
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
			WantSame(t, looked(func(w *World, i int) error {
				return guess(From(t.Context(), fmt.Sprintf("10.0.0.%d", i)), w, one.Username)
			}), 10)
			WantSame(
				t,
				looked(
					func(w *World, i int) error { return guess(From(t.Context(), "192.0.2.1"), w, users[i].Username) },
				), 30,
			)
		})
	}
}
