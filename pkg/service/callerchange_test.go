package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestCaller_Role: a role that loses rights stops the pending changes of its holders.
func TestCaller_Role(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			s, here := newStage(t, w), w.Replica(t)
			both := []domain.Permission{
				{Scope: domain.ScopeClients, Write: true}, {Scope: domain.ScopeDevices, Write: true},
				{Scope: domain.ScopeAPIKeys, Write: true},
			}
			role := Must(w.Roles.Create(Operator(t), domain.Role{Name: "both", Scopes: both}))(t)
			key := Must(w.APIKeys.Create(Operator(t), domain.APIKey{Name: "worker", Enabled: true}, []int64{role.ID}))(t)
			issue, store := here.RequestOf(t, key.Token, domain.ScopeClients),
				here.RequestOf(t, key.Token, domain.ScopeDevices)
			grant := here.RequestOf(t, key.Token, domain.ScopeAPIKeys)
			Must(w.Roles.Update(Operator(t), role.ID, domain.RoleUpdate{Scopes: both[1:]}))(t)
			WantFault(t, Second(here.Clients.Create(issue, Spec(s.ca))), domain.Forbidden)
			Check(t, Second(here.Devices.Upsert(store, DeviceSpec(Fresh("host")), nil)))
			Must(w.Roles.Update(Operator(t), role.ID, domain.RoleUpdate{Scopes: both[2:]}))(t)
			other := Must(w.Roles.Create(Operator(t), domain.Role{Name: "devices", Scopes: both[1:2]}))(t)
			err := Second(here.APIKeys.Create(grant, domain.APIKey{Name: "other", Enabled: true}, []int64{other.ID}))
			WantFaults(t, err, NewFault(domain.Forbidden, "roles", domain.ReasonBeyondOwn))
		})
	}
}

// TestCaller_Race: when a caller grants a right while an operator deletes the caller's apikey, the
// grant either comes first or is refused.
func TestCaller_Race(t *testing.T) {
	t.Parallel()
	w := WorldOn(t, NewPostgres(t), slog.DiscardHandler)
	w.NewAPIKey(t)
	here := w.Replica(t)
	for range 10 {
		key := w.NewAPIKey(t)
		ctx := here.RequestOf(t, key.Token, domain.ScopeAPIKeys)
		var granted atomic.Bool
		var racing sync.WaitGroup
		racing.Go(func() {
			granted.Store(
				Second(
					here.APIKeys.Create(ctx, domain.APIKey{Name: Fresh("heir"), Superuser: true, Enabled: true}, nil),
				) == nil,
			)
		})
		Check(t, w.APIKeys.Delete(Operator(t), key.ID))
		racing.Wait()
		if !granted.Load() {
			continue
		}
		page := Must(
			w.Audit.Page(
				t.Context(), domain.AuditFilter{Resource: domain.ScopeAPIKeys}, domain.PageRequest{Size: 1000},
			),
		)(t)
		if last := page.Items[len(page.Items)-1]; last.Action != domain.ActionDelete {
			t.Errorf("the last was %s by %s %d, and the apikey was gone", last.Action, last.ActorKind, last.ActorID)
		}
	}
}

// TestCaller_Restless: changes succeed even while others change access control without a pause.
func TestCaller_Restless(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			here, s := w.Replica(t), newStage(t, w)
			key := w.NewAPIKey(t)
			ctx, cancel := context.WithCancel(Operator(t))
			var others sync.WaitGroup
			for range 4 {
				others.Go(func() {
					for n := 0; ctx.Err() == nil; n++ {
						_, err := w.APIKeys.Update(ctx, s.helper, domain.APIKeyUpdate{Description: new(fmt.Sprint(n))})
						if err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
							t.Error(err)
							return
						}
					}
				})
			}
			request := here.RequestOf(t, key.Token, domain.ScopeClients)
			for range 30 {
				Check(t, Second(here.Clients.Create(request, Spec(s.ca))))
				Check(t, Second(here.Devices.Upsert(request, DeviceSpec(Fresh("host")), nil)))
			}
			cancel()
			others.Wait()
		})
	}
}

// TestCaller_Vault: an authorization of the vault that was just authenticated, but has lost its
// rights since, stores nothing.
func TestCaller_Vault(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			here := w.Replica(t)
			app := Must(
				w.Applications.Create(
					Operator(t), domain.Application{Name: "app", Method: domain.AuthOAuth2, Enabled: true},
				),
			)(t)
			update := func(u domain.PAMAuthorizationUpdate) func(int64) error {
				return func(id int64) error { return Second(w.Authorizations.Update(Operator(t), id, u)) }
			}
			for fall, lose := range map[string]func(id int64) error{
				"deleted":   func(id int64) error { return w.Authorizations.Delete(Operator(t), id) },
				"disabled":  update(domain.PAMAuthorizationUpdate{Enabled: new(false)}),
				"expired":   update(domain.PAMAuthorizationUpdate{ExpiresAt: new(w.Clock.Now())}),
				"read only": update(domain.PAMAuthorizationUpdate{Write: new(false)}),
				"elsewhere": update(domain.PAMAuthorizationUpdate{Resources: []domain.PAMResource{}}),
				"rotated":   func(id int64) error { return Second(w.Authorizations.Rotate(Operator(t), id, 0)) },
				"the application is disabled": func(int64) error {
					return Second(
						w.Applications.Update(Operator(t), app.ID, domain.ApplicationUpdate{Enabled: new(false)}),
					)
				},
			} {
				t.Run(fall, func(t *testing.T) {
					Must(w.Applications.Update(Operator(t), app.ID, domain.ApplicationUpdate{Enabled: new(true)}))(t)
					a := Must(w.Authorizations.Create(Operator(t), domain.PAMAuthorization{
						ApplicationID: app.ID, Name: Fresh("auth"), Enabled: true, Write: true,
						Resources: []domain.PAMResource{domain.PAMCore},
					}))(t)
					here := here.Replica(t) // a replica that has not cached the authorization
					token := Must(here.PAMAccess.Token(t.Context(), a.Key, a.Secret, OverTLS))(t)
					found := Must(here.PAMAccess.Bearer(t.Context(), token.Token, OverTLS))(t)
					caller := found.Principal()
					caller.Needs = domain.Permission{Scope: domain.ScopeDevices, Write: true}
					ctx := domain.WithPrincipal(t.Context(), caller)
					Check(t, Second(here.Devices.Upsert(ctx, DeviceSpec(Fresh("host")), nil)))
					Check(t, lose(a.ID))
					host := Fresh("host")
					if err := Second(here.Devices.Upsert(ctx, DeviceSpec(host), nil)); !domain.IsKind(
						err, domain.Unauthenticated,
					) && !domain.IsKind(
						err, domain.Forbidden,
					) {
						t.Errorf("got %v", err)
					}
					WantFault(t, Second(w.Devices.Get(Operator(t), host)), domain.Missing)
				})
			}
		})
	}
}

// TestAccess_Confirm: confirming a caller from the cache notices a change of its rights within a
// second, and the end of its access token.
func TestAccess_Confirm(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	here := w.Replica(t)
	w.NewAPIKey(t)
	for fall, lose := range falls {
		t.Run(fall, func(t *testing.T) {
			key := w.NewAPIKey(t)
			ctx := here.RequestOf(t, key.Token, domain.ScopeCAs)
			Check(t, Second(here.Access.Confirm(ctx)))
			Check(t, lose(Operator(t), w, key.ID))
			w.Clock.Pass(time.Second)
			if err := Second(here.Access.Confirm(ctx)); !domain.IsKind(err, domain.Unauthenticated) &&
				!domain.IsKind(err, domain.Forbidden) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("an access token that ends meanwhile", func(t *testing.T) {
		access := Must(here.Access.Exchange(t.Context(), w.NewAPIKey(t).Token))(t)
		ctx := here.RequestOf(t, access.Token, domain.ScopeCAs)
		w.Clock.Pass(auth.AccessLife)
		WantFault(t, Second(here.Access.Confirm(ctx)), domain.Unauthenticated)
	})
}
