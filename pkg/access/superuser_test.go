package access_test

import (
	"cmp"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

var lastSuperuser = NewFault(domain.Rule, "superuser", domain.ReasonLastSuperuser)

func super(u *domain.User) { u.Superuser = true }

// ending makes an apikey expire in an hour.
func ending(k *domain.APIKey) { k.ExpiresAt = Noon.Add(time.Hour) }

// change is a change of the apikey or the user of an id.
type change func(ctx context.Context, w *World, id int64, guards ...access.Guard) error

// weakening is a change after which a holder is less of a superuser than before.
type weakening struct {
	sentence string
	do       change
}

func updateKey(update domain.APIKeyUpdate) change {
	return func(ctx context.Context, w *World, id int64, guards ...access.Guard) error {
		_, err := w.APIKeys.Update(ctx, id, update, guards...)
		return err
	}
}

func updateUser(update domain.UserUpdate) change {
	return func(ctx context.Context, w *World, id int64, guards ...access.Guard) error {
		_, err := w.Users.Update(ctx, id, update, guards...)
		return err
	}
}

var (
	weakeningKeys = []weakening{
		{"delete", func(ctx context.Context, w *World, id int64, guards ...access.Guard) error {
			return w.APIKeys.Delete(ctx, id, guards...)
		}},
		{"demote", updateKey(domain.APIKeyUpdate{Superuser: new(false)})},
		{"disable", updateKey(domain.APIKeyUpdate{Enabled: new(false)})},
		{"end", updateKey(domain.APIKeyUpdate{ExpiresAt: new(Noon)})},
		{"let end", updateKey(domain.APIKeyUpdate{ExpiresAt: new(Noon.Add(time.Hour))})},
	}
	weakeningUsers = []weakening{
		{"delete", func(ctx context.Context, w *World, id int64, guards ...access.Guard) error {
			return w.Users.Delete(ctx, id, guards...)
		}},
		{"demote", updateUser(domain.UserUpdate{Superuser: new(false)})},
		{"disable", updateUser(domain.UserUpdate{Enabled: new(false)})},
	}
)

// TestLastSuperuser: a superuser always remains.
func TestLastSuperuser(t *testing.T) {
	t.Parallel()
	for sentence, others := range map[string]func(w *World){
		"alone":                       func(*World) {},
		"beside a user of no rights":  func(w *World) { w.NewUser(t) },
		"beside a disabled superuser": func(w *World) { w.NewUser(t, super, disabled) },
		"beside a disabled apikey":    func(w *World) { w.NewAPIKey(t, func(k *domain.APIKey) { k.Enabled = false }) },
		"beside an apikey that ended": func(w *World) { w.NewAPIKey(t, func(k *domain.APIKey) { k.ExpiresAt = Noon }) },
		"beside all rights by a role": func(w *World) {
			w.NewUser(t, func(u *domain.User) { u.Roles = []domain.Role{w.NewRole(t, domain.Scopes()...)} })
		},
		"beside one who was a moment":  func(w *World) { Check(t, w.APIKeys.Delete(Operator(t), w.NewAPIKey(t).ID)) },
		"beside an apikey that ends":   func(w *World) { w.NewAPIKey(t, ending) },
		"beside an apikey of no right": func(w *World) { w.NewAPIKey(t, Weak) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			user := w.NewUser(t, super)
			others(w)
			for _, weaken := range weakeningUsers {
				WantFaults(t, weaken.do(Operator(t), w, user.ID), lastSuperuser)
			}
			WantSame(t, Must(w.Users.Get(t.Context(), user.ID))(t), user)

			key := w.NewAPIKey(t)
			Check(t, w.Users.Delete(Operator(t), user.ID))
			for _, weaken := range weakeningKeys {
				WantFaults(t, weaken.do(Operator(t), w, key.ID), lastSuperuser)
			}
			WantSame(t, Must(w.APIKeys.Get(Operator(t), key.ID))(t), key)
			t.Run("what makes nobody less of a superuser is allowed", func(t *testing.T) {
				Must(w.APIKeys.Rotate(Operator(t), key.ID, 0))(t)
				Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{
					Description: new("the last"), Superuser: new(true), Enabled: new(true), ExpiresAt: new(time.Time{}),
					Roles: []int64{},
				}))(t)
			})
		})
	}
}

// TestLastSuperuser_Others: when there is another active superuser, every change is allowed.
func TestLastSuperuser_Others(t *testing.T) {
	t.Parallel()
	for sentence, other := range map[string]func(w *World){
		"a user":    func(w *World) { w.NewUser(t, super) },
		"an apikey": func(w *World) { w.NewAPIKey(t) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			other(w)
			for _, weaken := range weakeningKeys {
				Check(t, weaken.do(Operator(t), w, w.NewAPIKey(t).ID))
			}
			for _, weaken := range weakeningUsers {
				Check(t, weaken.do(Operator(t), w, w.NewUser(t, super).ID))
			}
		})
	}
}

// TestLastSuperuser_Ending: an apikey that expires may be given any other expiry that is in the
// future.
func TestLastSuperuser_Ending(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t, ending)
	for _, end := range []time.Time{Noon.Add(time.Minute), Noon.Add(1000 * Day)} {
		Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{ExpiresAt: &end}))(t)
	}
	for _, weaken := range weakeningKeys[:4] {
		WantFaults(t, weaken.do(Operator(t), w, key.ID), lastSuperuser)
	}
	w.Clock.Pass(1000 * Day)
	// it has expired, so it is no superuser any more
	Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{Superuser: new(false)}))(t)
}

// TestLastSuperuser_Race: when two superusers remove each other at the same moment, one remains.
func TestLastSuperuser_Race(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t)}
			for round := range 40 {
				one, endOne := rival(t, w, round)
				other, endOther := rival(t, w, round/2)
				faults := make([]error, 2)
				Check(t, Together(2, func(i int) error {
					if i == 0 {
						faults[i] = endOther(domain.WithPrincipal(t.Context(), one), replicas[0])
					} else {
						faults[i] = endOne(domain.WithPrincipal(t.Context(), other), replicas[1])
					}
					return nil
				}))
				WantSame(t, Must(w.Store.AccessControl().Superusers(t.Context(), Noon))(t), 1)
				if (faults[0] == nil) == (faults[1] == nil) {
					t.Fatalf("round %d: both have the same outcome: %v, %v", round, faults[0], faults[1])
				}
				WantFaults(t, cmp.Or(faults...), lastSuperuser)
				for _, table := range []string{"users", "apikeys"} {
					Must(Must(w.Store.SQL())(t).ExecContext(t.Context(), "UPDATE "+table+" SET superuser = false"))(t)
				}
			}
		})
	}
}

// rival makes a superuser, and returns a way in which another caller ends that.
func rival(t testing.TB, w *World, round int) (domain.Principal, func(context.Context, *World) error) {
	t.Helper()
	if round%2 == 0 {
		key, way := w.NewAPIKey(t), weakeningKeys[round/2%4]
		return key.Holder().Principal(), func(ctx context.Context, w *World) error { return way.do(ctx, w, key.ID) }
	}
	user, way := w.NewUser(t, super), weakeningUsers[round/2%3]
	return user.Holder().Principal(), func(ctx context.Context, w *World) error { return way.do(ctx, w, user.ID) }
}
