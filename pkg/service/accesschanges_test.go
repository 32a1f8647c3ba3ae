package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// weak makes an apikey that is no superuser.
func weak(k *domain.APIKey) { k.Superuser = false }

// TestAccess_Changes: what happens to an apikey or a user holds on the replica that did it at once, on the others within a second, and in
// between nobody asks the database.
func TestAccess_Changes(t *testing.T) {
	t.Parallel()
	for sentence, change := range map[string]func(context.Context, *world, int64) error{
		"an apikey that is deleted": func(ctx context.Context, w *world, id int64) error { return w.APIKeys.Delete(ctx, id) },
		"an apikey that is disabled": func(ctx context.Context, w *world, id int64) error {
			_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{Enabled: new(false)})
			return err
		},
		"an apikey whose time is over": func(ctx context.Context, w *world, id int64) error {
			_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{ExpiresAt: new(w.clock.Now())})
			return err
		},
		"an apikey with a new token": func(ctx context.Context, w *world, id int64) error {
			_, err := w.APIKeys.Rotate(ctx, id, 0)
			return err
		},
		"an apikey with two new tokens, the last with an overlap": func(ctx context.Context, w *world, id int64) error {
			_, err := w.APIKeys.Rotate(ctx, id, time.Hour)
			_, again := w.APIKeys.Rotate(ctx, id, time.Hour)
			return errors.Join(err, again)
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			key := w.newAPIKey(t, weak)
			access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
			wantEnd(t, w, []domain.Secret{key.Token, access}, "apikeys", func() error { return change(operator(t), w, key.ID) })
		})
	}
	for sentence, change := range map[string]func(context.Context, *world, int64) error{
		"a user who is deleted": func(ctx context.Context, w *world, id int64) error { return w.Users.Delete(ctx, id) },
		"a user who is disabled": func(ctx context.Context, w *world, id int64) error {
			_, err := w.Users.Update(ctx, id, domain.UserUpdate{Enabled: new(false)})
			return err
		},
		"a user with a new password": func(ctx context.Context, w *world, id int64) error {
			_, err := w.Users.Update(ctx, id, domain.UserUpdate{Password: new(domain.Secret("outra senha boa"))})
			return err
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			user := w.newUser(t)
			session := w.signIn(t, user)
			wantEnd(t, w, []domain.Secret{session.Refresh, session.Access.Token}, "users", func() error { return change(operator(t), w, user.ID) })
		})
	}
}

// wantEnd checks that tokens of one holder, which is kept in a repository, end with a change.
func wantEnd(t *testing.T, w *world, tokens []domain.Secret, repository string, change func() error) {
	t.Helper()
	other, asked := w.counting(t)
	for _, token := range tokens {
		w.authenticate(t, token)
		other.authenticate(t, token)
	}
	asked.want(t, "epoch", "signing keys", repository)
	check(t, change())
	for _, token := range tokens {
		wantOut(t, w, token)
		wantOut(t, w.replica(t), token)
	}
	w.clock.pass(time.Second/2 - 1)
	for _, token := range tokens {
		other.authenticate(t, token)
	}
	asked.want(t)
	w.clock.pass(time.Second / 2)
	w.clock.pass(1)
	for _, token := range tokens {
		wantOut(t, other, token)
	}
	asked.want(t, "epoch", "signing keys", repository)
}

func TestAccess_Roles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := must(w.Roles.Create(operator(t), domain.Role{Name: "role", Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}}))(t)
	key := must(w.APIKeys.Create(operator(t), domain.APIKey{Name: "key", Enabled: true}, []int64{role.ID}))(t)
	other, asked := w.counting(t)
	before, after := domain.RightsOf(role.Scopes), domain.RightsOf([]domain.Permission{{Scope: domain.ScopeClients, Write: true}})
	wantSame(t, other.authenticate(t, key.Token).Rights, before)
	must(w.Roles.Update(operator(t), role.ID, domain.RoleUpdate{Scopes: after.Permissions()}))(t)
	wantSame(t, w.authenticate(t, key.Token).Rights, after)
	wantSame(t, other.authenticate(t, key.Token).Rights, before)
	w.clock.pass(time.Second)
	asked.want(t, "epoch", "signing keys", "apikeys")
	wantSame(t, other.authenticate(t, key.Token).Rights, after)
	must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{Roles: []int64{}}))(t)
	wantSame(t, w.authenticate(t, key.Token).Rights, domain.Rights{})
}

func TestAccess_Rotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t, weak)
	access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	w.clock.pass(time.Minute)
	second := must(w.APIKeys.Rotate(operator(t), key.ID, 5*time.Minute))(t)
	replica := w.replica(t)
	for _, token := range []domain.Secret{key.Token, access, second.Token} {
		w.authenticate(t, token)
		replica.authenticate(t, token)
	}
	w.clock.pass(5*time.Minute - time.Microsecond)
	for _, token := range []domain.Secret{key.Token, access, second.Token} {
		w.authenticate(t, token)
	}
	w.clock.pass(time.Microsecond)
	for _, token := range []domain.Secret{key.Token, access} {
		wantOut(t, w, token)
		wantOut(t, replica, token)
	}
	w.authenticate(t, second.Token)
}

func TestAccess_Expiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t, weak, func(k *domain.APIKey) { k.ExpiresAt = noon.Add(time.Second / 4) })
	w.authenticate(t, key.Token)
	w.clock.pass(time.Second/4 - 1)
	access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
	w.authenticate(t, access)
	w.clock.pass(1)
	wantOut(t, w, key.Token)
	wantOut(t, w, access)
}

// TestAccess_RoundTrips: most requests cost none.
func TestAccess_RoundTrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, another := w.newAPIKey(t, weak), w.newAPIKey(t)
	replica, asked := w.counting(t)
	t.Run("the first request asks for everything, the others for what is new", func(t *testing.T) {
		replica.authenticate(t, key.Token)
		asked.want(t, "epoch", "signing keys", "apikeys")
		access := must(replica.Access.Exchange(t.Context(), key.Token))(t).Token
		replica.authenticate(t, access)
		asked.want(t)
		replica.authenticate(t, another.Token)
		asked.want(t, "apikeys")
	})
	t.Run("as long as nothing changes, only whether anything has", func(t *testing.T) {
		for range 5 {
			w.clock.pass(time.Second / 2)
			replica.authenticate(t, key.Token)
			asked.want(t, "epoch")
			w.clock.pass(time.Second/2 - time.Microsecond)
			replica.authenticate(t, another.Token)
			asked.want(t)
		}
	})
	t.Run("what is no token costs none", func(t *testing.T) {
		forged := newWorld(t).newAPIKey(t).Token
		for range 100 {
			for _, token := range []domain.Secret{"", "garbage", forged, key.Token + "x"} {
				wantOut(t, replica, token)
			}
		}
		asked.want(t)
	})
	t.Run("an apikey that is gone is asked for once", func(t *testing.T) {
		check(t, w.APIKeys.Delete(operator(t), key.ID))
		w.clock.pass(time.Second)
		for range 100 {
			wantOut(t, replica, key.Token)
		}
		asked.want(t, "epoch", "signing keys", "apikeys")
	})
	t.Run("a clock that was set back trusts nothing older than a second", func(t *testing.T) {
		replica.authenticate(t, another.Token)
		w.clock.pass(-time.Second)
		asked.want(t, "apikeys")
		replica.authenticate(t, another.Token)
		asked.want(t, "epoch")
	})
	t.Run("a database that fails is no missing credential", func(t *testing.T) {
		w.clock.pass(time.Second)
		check(t, w.store.Close())
		if _, err := replica.Access.Authenticate(t.Context(), another.Token, auth.Refresh); err == nil || domain.Faults(err) != nil {
			t.Errorf("error is %v", err)
		}
	})
}

// TestAccess_Race: a change that is made while this replica asks whether there was one holds when it has returned.
func TestAccess_Race(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t, weak)
	replica, asked := w.counting(t)
	replica.authenticate(t, key.Token)
	w.clock.pass(time.Second)
	asked.afterEpoch = func() {
		asked.afterEpoch = nil
		check(t, replica.APIKeys.Delete(operator(t), key.ID))
	}
	_, _ = replica.Access.Authenticate(t.Context(), key.Token, auth.Refresh) // began before
	wantOut(t, replica, key.Token)
}

// TestAccess_Concurrency deletes apikeys while many use them on two replicas: on the one that deletes, a key is useless when that has returned; on
// the other a second later.
func TestAccess_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			one := worldOn(t, open(t), slog.DiscardHandler)
			lasting := one.newAPIKey(t)
			keys := make([]mortal, 8)
			for i := range keys {
				keys[i].IssuedKey = one.newAPIKey(t, weak)
			}
			replicas := []*world{one, one.replica(t)}
			ctx, end := context.WithCancel(operator(t))
			check(t, together(6, func(n int) error {
				switch n {
				case 0:
					defer end()
					return kill(ctx, one, keys)
				case 1:
					for ctx.Err() == nil {
						one.clock.pass(50 * time.Millisecond)
						time.Sleep(time.Millisecond)
					}
					return nil
				}
				return use(ctx, replicas[n%2], lasting.Token, keys, time.Duration(n%2)*time.Second)
			}))
		})
	}
}

// mortal is an apikey that will be deleted; gone is when that has returned, in microseconds since 1970.
type mortal struct {
	service.IssuedKey
	gone atomic.Int64
}

func (m *mortal) goneFor(now time.Time) time.Duration {
	if m.gone.Load() == 0 {
		return -1
	}
	return time.Duration(now.UnixMicro()-m.gone.Load()) * time.Microsecond
}

// kill deletes apikeys one by one, and waits until everybody knows.
func kill(ctx context.Context, w *world, keys []mortal) error {
	for i := range keys {
		if err := w.APIKeys.Delete(ctx, keys[i].ID); err != nil {
			return err
		}
		keys[i].gone.Store(w.clock.Now().UnixMicro())
	}
	for last := &keys[len(keys)-1]; last.goneFor(w.clock.Now()) < 2*time.Second; {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// use authenticates until ctx ends. A key that has been gone for long enough must not work.
func use(ctx context.Context, w *world, lasting domain.Secret, keys []mortal, enough time.Duration) error {
	for {
		if _, err := w.Access.Authenticate(context.WithoutCancel(ctx), lasting, auth.Refresh); err != nil {
			return err
		}
		for i := range keys {
			goneFor := keys[i].goneFor(w.clock.Now())
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
