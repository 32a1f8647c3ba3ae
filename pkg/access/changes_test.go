package access_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestAccess_Changes: a change of an apikey or a user is in force at once on the replica that made
// it, and on the others within a second. In the first half of that second the others do not ask the
// database.
func TestAccess_Changes(t *testing.T) {
	t.Parallel()
	for sentence, change := range map[string]func(context.Context, *World, int64) error{
		"an apikey that is deleted": func(ctx context.Context, w *World,
			id int64) error {
			return w.APIKeys.Delete(ctx, id)
		},
		"an apikey that is disabled": func(ctx context.Context, w *World, id int64) error {
			_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{Enabled: new(false)})
			return err
		},
		"an apikey whose time is over": func(ctx context.Context, w *World, id int64) error {
			_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{ExpiresAt: new(w.Clock.Now())})
			return err
		},
		"an apikey with a new token": func(ctx context.Context, w *World, id int64) error {
			_, err := w.APIKeys.Rotate(ctx, id, 0)
			return err
		},
		"an apikey with two new tokens, the last with an overlap": func(ctx context.Context, w *World, id int64) error {
			_, err := w.APIKeys.Rotate(ctx, id, time.Hour)
			_, again := w.APIKeys.Rotate(ctx, id, time.Hour)
			return errors.Join(err, again)
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			key := w.NewAPIKey(t, Weak)
			access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
			wantEnd(
				t, w, []domain.Secret{key.Token, access}, "apikeys",
				func() error { return change(Operator(t), w, key.ID) },
			)
		})
	}
	for sentence, change := range map[string]func(context.Context, *World, int64) error{
		"a user who is deleted": func(ctx context.Context, w *World, id int64) error { return w.Users.Delete(ctx, id) },
		"a user who is disabled": func(ctx context.Context, w *World, id int64) error {
			_, err := w.Users.Update(ctx, id, domain.UserUpdate{Enabled: new(false)})
			return err
		},
		"a user with a new password": func(ctx context.Context, w *World, id int64) error {
			_, err := w.Users.Update(ctx, id, domain.UserUpdate{Password: new(domain.Secret("outra senha boa"))})
			return err
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			user := w.NewUser(t)
			session := w.SignIn(t, user)
			wantEnd(
				t, w, []domain.Secret{session.Refresh, session.Access.Token}, "users",
				func() error { return change(Operator(t), w, user.ID) },
			)
		})
	}
}

// wantEnd checks that a change ends the tokens of one holder, which is stored in a repository.
func wantEnd(t *testing.T, w *World, tokens []domain.Secret, repository string, change func() error) {
	t.Helper()
	other, asked := counting(t, w)
	for _, token := range tokens {
		w.Authenticate(t, token)
		other.Authenticate(t, token)
	}
	asked.want(t, "epoch", "signing keys", repository)
	Check(t, change())
	for _, token := range tokens {
		WantOut(t, w, token)
		WantOut(t, w.Replica(t), token)
	}
	w.Clock.Pass(time.Second/2 - 1)
	for _, token := range tokens {
		other.Authenticate(t, token)
	}
	asked.want(t)
	w.Clock.Pass(time.Second / 2)
	w.Clock.Pass(1)
	for _, token := range tokens {
		WantOut(t, other, token)
	}
	asked.want(t, "epoch", "signing keys", repository)
}

func TestAccess_Roles(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	role := Must(
		w.Roles.Create(
			Operator(t), domain.Role{Name: "role", Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}},
		),
	)(t)
	key := Must(w.APIKeys.Create(Operator(t), domain.APIKey{Name: "key", Enabled: true}, []int64{role.ID}))(t)
	other, asked := counting(t, w)
	before, after := domain.RightsOf(role.Scopes),
		domain.RightsOf([]domain.Permission{{Scope: domain.ScopeClients, Write: true}})
	WantSame(t, other.Authenticate(t, key.Token).Rights, before)
	Must(w.Roles.Update(Operator(t), role.ID, domain.RoleUpdate{Scopes: after.Permissions()}))(t)
	WantSame(t, w.Authenticate(t, key.Token).Rights, after)
	WantSame(t, other.Authenticate(t, key.Token).Rights, before)
	w.Clock.Pass(time.Second)
	asked.want(t, "epoch", "signing keys", "apikeys")
	WantSame(t, other.Authenticate(t, key.Token).Rights, after)
	Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{Roles: []int64{}}))(t)
	WantSame(t, w.Authenticate(t, key.Token).Rights, domain.Rights{})
}

func TestAccess_Rotation(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t, Weak)
	access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	w.Clock.Pass(time.Minute)
	second := Must(w.APIKeys.Rotate(Operator(t), key.ID, 5*time.Minute))(t)
	replica := w.Replica(t)
	for _, token := range []domain.Secret{key.Token, access, second.Token} {
		w.Authenticate(t, token)
		replica.Authenticate(t, token)
	}
	w.Clock.Pass(5*time.Minute - time.Microsecond)
	for _, token := range []domain.Secret{key.Token, access, second.Token} {
		w.Authenticate(t, token)
	}
	w.Clock.Pass(time.Microsecond)
	for _, token := range []domain.Secret{key.Token, access} {
		WantOut(t, w, token)
		WantOut(t, replica, token)
	}
	w.Authenticate(t, second.Token)
}

func TestAccess_Expiry(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t, Weak, func(k *domain.APIKey) { k.ExpiresAt = Noon.Add(time.Second / 4) })
	w.Authenticate(t, key.Token)
	w.Clock.Pass(time.Second/4 - 1)
	access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	w.Authenticate(t, access)
	w.Clock.Pass(1)
	WantOut(t, w, key.Token)
	WantOut(t, w, access)
}

// TestAccess_RoundTrips: most requests cost no round trip to the database.
func TestAccess_RoundTrips(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key, another := w.NewAPIKey(t, Weak), w.NewAPIKey(t)
	replica, asked := counting(t, w)
	t.Run("the first request asks for everything, the others for what is new", func(t *testing.T) {
		replica.Authenticate(t, key.Token)
		asked.want(t, "epoch", "signing keys", "apikeys")
		access := Must(replica.Access.Exchange(t.Context(), key.Token))(t).Token
		replica.Authenticate(t, access)
		asked.want(t)
		replica.Authenticate(t, another.Token)
		asked.want(t, "apikeys")
	})
	t.Run("as long as nothing changes, it is only asked whether anything has", func(t *testing.T) {
		for range 5 {
			w.Clock.Pass(time.Second / 2)
			replica.Authenticate(t, key.Token)
			asked.want(t, "epoch")
			w.Clock.Pass(time.Second/2 - time.Microsecond)
			replica.Authenticate(t, another.Token)
			asked.want(t)
		}
	})
	t.Run("what is no token costs none", func(t *testing.T) {
		forged := NewWorld(t).NewAPIKey(t).Token
		for range 100 {
			for _, token := range []domain.Secret{"", "garbage", forged, key.Token + "x"} {
				WantOut(t, replica, token)
			}
		}
		asked.want(t)
	})
	t.Run("an apikey that is gone is asked for once", func(t *testing.T) {
		Check(t, w.APIKeys.Delete(Operator(t), key.ID))
		w.Clock.Pass(time.Second)
		for range 100 {
			WantOut(t, replica, key.Token)
		}
		asked.want(t, "epoch", "signing keys", "apikeys")
	})
	t.Run("a clock that was set back trusts nothing older than a second", func(t *testing.T) {
		replica.Authenticate(t, another.Token)
		w.Clock.Pass(-time.Second)
		asked.want(t, "apikeys")
		replica.Authenticate(t, another.Token)
		asked.want(t, "epoch")
	})
	t.Run("a database that fails is no missing credential", func(t *testing.T) {
		w.Clock.Pass(time.Second)
		Check(t, w.Store.Close())
		if _, err := replica.Access.Authenticate(t.Context(), another.Token, auth.Refresh); err == nil ||
			domain.Faults(err) != nil {
			t.Errorf("error is %v", err)
		}
	})
}

// TestAccess_Race: a change that is made while this replica asks whether there was one is in force
// once it has returned.
func TestAccess_Race(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t, Weak)
	replica, asked := counting(t, w)
	replica.Authenticate(t, key.Token)
	w.Clock.Pass(time.Second)
	asked.afterEpoch = func() {
		asked.afterEpoch = nil
		Check(t, replica.APIKeys.Delete(Operator(t), key.ID))
	}
	_, _ = replica.Access.Authenticate(t.Context(), key.Token, auth.Refresh) // it began before the change
	WantOut(t, replica, key.Token)
}

// TestAccess_Concurrency deletes apikeys while many requests use them on two replicas. On the
// replica that deletes, an apikey is useless once the deletion has returned; on the other one a
// second later.
func TestAccess_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := WorldOn(t, open(t), slog.DiscardHandler)
			lasting := one.NewAPIKey(t)
			keys := make([]mortal, 8)
			for i := range keys {
				keys[i].IssuedKey = one.NewAPIKey(t, Weak)
			}
			replicas := []*World{one, one.Replica(t)}
			ctx, end := context.WithCancel(Operator(t))
			Check(t, Together(6, func(n int) error {
				switch n {
				case 0:
					defer end()
					return kill(ctx, one, keys)
				case 1:
					for ctx.Err() == nil {
						one.Clock.Pass(50 * time.Millisecond)
						time.Sleep(time.Millisecond)
					}
					return nil
				}
				return use(ctx, replicas[n%2], lasting.Token, keys, time.Duration(n%2)*time.Second)
			}))
		})
	}
}

// mortal is an apikey that will be deleted. gone is when its deletion returned, in microseconds
// since 1970.
type mortal struct {
	access.IssuedKey
	gone atomic.Int64
}

func (m *mortal) goneFor(now time.Time) time.Duration {
	if m.gone.Load() == 0 {
		return -1
	}
	return time.Duration(now.UnixMicro()-m.gone.Load()) * time.Microsecond
}

// kill deletes apikeys one by one, and waits until every replica knows.
func kill(ctx context.Context, w *World, keys []mortal) error {
	for i := range keys {
		if err := w.APIKeys.Delete(ctx, keys[i].ID); err != nil {
			return err
		}
		keys[i].gone.Store(w.Clock.Now().UnixMicro())
	}
	for last := &keys[len(keys)-1]; last.goneFor(w.Clock.Now()) < 2*time.Second; {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// use authenticates until ctx ends. An apikey that was deleted at least enough ago must not work.
func use(ctx context.Context, w *World, lasting domain.Secret, keys []mortal, enough time.Duration) error {
	for {
		if _, err := w.Access.Authenticate(context.WithoutCancel(ctx), lasting, auth.Refresh); err != nil {
			return err
		}
		for i := range keys {
			goneFor := keys[i].goneFor(w.Clock.Now())
			_, err := w.Access.Authenticate(context.WithoutCancel(ctx), keys[i].Token, auth.Refresh)
			switch {
			case err == nil && goneFor >= enough:
				return fmt.Errorf("key %d works %s after it was deleted", i, goneFor)
			case err != nil && !domain.IsKind(err, domain.Unauthenticated):
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		time.Sleep(100 * time.Microsecond)
	}
}
