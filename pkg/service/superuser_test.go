package service_test

import (
	"cmp"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var lastSuperuser = fault{domain.Rule, "superuser", domain.ReasonLastSuperuser}

func super(u *domain.User) { u.Superuser = true }

// ending makes an apikey that ends in an hour.
func ending(k *domain.APIKey) { k.ExpiresAt = noon.Add(time.Hour) }

// weakening is a change after which somebody is less of a superuser than before.
type weakening struct {
	sentence string
	do       func(ctx context.Context, w *world, id int64) error
}

func updateKey(update domain.APIKeyUpdate) func(context.Context, *world, int64) error {
	return func(ctx context.Context, w *world, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, update)
		return err
	}
}

func updateUser(update domain.UserUpdate) func(context.Context, *world, int64) error {
	return func(ctx context.Context, w *world, id int64) error {
		_, err := w.Users.Update(ctx, id, update)
		return err
	}
}

var (
	weakeningKeys = []weakening{
		{"delete", func(ctx context.Context, w *world, id int64) error { return w.APIKeys.Delete(ctx, id) }},
		{"demote", updateKey(domain.APIKeyUpdate{Superuser: new(false)})},
		{"disable", updateKey(domain.APIKeyUpdate{Enabled: new(false)})},
		{"end", updateKey(domain.APIKeyUpdate{ExpiresAt: new(noon)})},
		{"let end", updateKey(domain.APIKeyUpdate{ExpiresAt: new(noon.Add(time.Hour))})},
	}
	weakeningUsers = []weakening{
		{"delete", func(ctx context.Context, w *world, id int64) error { return w.Users.Delete(ctx, id) }},
		{"demote", updateUser(domain.UserUpdate{Superuser: new(false)})},
		{"disable", updateUser(domain.UserUpdate{Enabled: new(false)})},
	}
)

// TestLastSuperuser: somebody is left who may everything.
func TestLastSuperuser(t *testing.T) {
	t.Parallel()
	for sentence, others := range map[string]func(w *world){
		"alone":                       func(*world) {},
		"beside a user of no rights":  func(w *world) { w.newUser(t) },
		"beside a disabled superuser": func(w *world) { w.newUser(t, super, disabled) },
		"beside a disabled apikey":    func(w *world) { w.newAPIKey(t, func(k *domain.APIKey) { k.Enabled = false }) },
		"beside an apikey that ended": func(w *world) { w.newAPIKey(t, func(k *domain.APIKey) { k.ExpiresAt = noon }) },
		"beside all rights by a role": func(w *world) {
			w.newUser(t, func(u *domain.User) { u.Roles = []domain.Role{w.newRole(t, domain.Scopes()...)} })
		},
		"beside one who was a moment":  func(w *world) { check(t, w.APIKeys.Delete(operator(t), w.newAPIKey(t).ID)) },
		"beside an apikey that ends":   func(w *world) { w.newAPIKey(t, ending) },
		"beside an apikey of no right": func(w *world) { w.newAPIKey(t, weak) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			user := w.newUser(t, super)
			others(w)
			for _, weaken := range weakeningUsers {
				wantFaults(t, weaken.do(operator(t), w, user.ID), lastSuperuser)
			}
			wantSame(t, must(w.Users.Get(t.Context(), user.ID))(t), user)

			key := w.newAPIKey(t)
			check(t, w.Users.Delete(operator(t), user.ID))
			for _, weaken := range weakeningKeys {
				wantFaults(t, weaken.do(operator(t), w, key.ID), lastSuperuser)
			}
			wantSame(t, must(w.APIKeys.Get(operator(t), key.ID))(t), key)
			t.Run("what makes nobody less of a superuser is allowed", func(t *testing.T) {
				must(w.APIKeys.Rotate(operator(t), key.ID, 0))(t)
				must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{
					Description: new("the last"), Superuser: new(true), Enabled: new(true), ExpiresAt: new(time.Time{}), Roles: []int64{},
				}))(t)
			})
		})
	}
}

// TestLastSuperuser_Others: with another one that is good every change is allowed.
func TestLastSuperuser_Others(t *testing.T) {
	t.Parallel()
	for sentence, other := range map[string]func(w *world){
		"a user":    func(w *world) { w.newUser(t, super) },
		"an apikey": func(w *world) { w.newAPIKey(t) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			other(w)
			for _, weaken := range weakeningKeys {
				check(t, weaken.do(operator(t), w, w.newAPIKey(t).ID))
			}
			for _, weaken := range weakeningUsers {
				check(t, weaken.do(operator(t), w, w.newUser(t, super).ID))
			}
		})
	}
}

// TestLastSuperuser_Ending: one that will end anyway may be given any other end, as long as it has not come.
func TestLastSuperuser_Ending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t, ending)
	for _, end := range []time.Time{noon.Add(time.Minute), noon.Add(1000 * day)} {
		must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{ExpiresAt: &end}))(t)
	}
	for _, weaken := range weakeningKeys[:4] {
		wantFaults(t, weaken.do(operator(t), w, key.ID), lastSuperuser)
	}
	w.clock.pass(1000 * day)
	must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{Superuser: new(false)}))(t) // it is none any more
}

// TestLastSuperuser_Race: of two superusers that turn against each other at the same moment one is left.
func TestLastSuperuser_Race(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			replicas := []*world{w, w.replica(t)}
			for round := range 40 {
				one, endOne := w.rival(t, round)
				other, endOther := w.rival(t, round/2)
				faults := make([]error, 2)
				check(t, together(2, func(i int) error {
					if i == 0 {
						faults[i] = endOther(domain.WithPrincipal(t.Context(), one), replicas[0])
					} else {
						faults[i] = endOne(domain.WithPrincipal(t.Context(), other), replicas[1])
					}
					return nil
				}))
				wantSame(t, must(w.store.AccessControl().Superusers(t.Context(), noon))(t), 1)
				if (faults[0] == nil) == (faults[1] == nil) {
					t.Fatalf("round %d: both have the same outcome: %v, %v", round, faults[0], faults[1])
				}
				wantFaults(t, cmp.Or(faults...), lastSuperuser)
				for _, table := range []string{"users", "apikeys"} {
					must(must(w.store.SQL())(t).ExecContext(t.Context(), "UPDATE "+table+" SET superuser = false"))(t)
				}
			}
		})
	}
}

// rival makes a superuser, and a way in which another ends that.
func (w *world) rival(t testing.TB, round int) (domain.Principal, func(context.Context, *world) error) {
	t.Helper()
	if round%2 == 0 {
		key, way := w.newAPIKey(t), weakeningKeys[round/2%4]
		return key.Holder().Principal(), func(ctx context.Context, w *world) error { return way.do(ctx, w, key.ID) }
	}
	user, way := w.newUser(t, super), weakeningUsers[round/2%3]
	return user.Holder().Principal(), func(ctx context.Context, w *world) error { return way.do(ctx, w, user.ID) }
}
