package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// requestOf is the context of a request of one who was authenticated with a token a moment ago.
func (w *world) requestOf(t testing.TB, token domain.Secret, needs domain.Scope) context.Context {
	t.Helper()
	caller := w.authenticate(t, token)
	caller.Needs = domain.Permission{Scope: needs, Write: true}
	return domain.WithPrincipal(t.Context(), caller)
}

// falls are what can happen to an apikey between the moment at which it is authenticated and the one at which it changes something.
var falls = map[string]func(ctx context.Context, w *world, id int64) error{
	"deleted": func(ctx context.Context, w *world, id int64) error { return w.APIKeys.Delete(ctx, id) },
	"disabled": func(ctx context.Context, w *world, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{Enabled: new(false)})
		return err
	},
	"expired": func(ctx context.Context, w *world, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{ExpiresAt: new(w.clock.Now())})
		return err
	},
	"demoted": func(ctx context.Context, w *world, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{Superuser: new(false)})
		return err
	},
	"rotated": func(ctx context.Context, w *world, id int64) error {
		_, err := w.APIKeys.Rotate(ctx, id, 0)
		return err
	},
}

// deed is something that is changed, with the scope that it needs.
type deed struct {
	scope domain.Scope
	do    func(ctx context.Context, w *world) error
}

// second leaves out a value.
func second[T any](_ T, err error) error { return err }

// deeds are all kinds of changes. Each can be done once on a stage.
func (s *stage) deeds(t testing.TB) map[string]deed {
	old := newForeignCA(t)
	return map[string]deed{
		"make an apikey": {domain.ScopeAPIKeys, func(ctx context.Context, w *world) error {
			return second(w.APIKeys.Create(ctx, domain.APIKey{Name: fresh("heir"), Superuser: true, Enabled: true}, nil))
		}},
		"make an apikey of no rights": {domain.ScopeAPIKeys, func(ctx context.Context, w *world) error {
			return second(w.APIKeys.Create(ctx, domain.APIKey{Name: fresh("heir"), Enabled: true}, nil))
		}},
		"grant a role": {domain.ScopeAPIKeys, func(ctx context.Context, w *world) error {
			return second(w.APIKeys.Update(ctx, s.helper, domain.APIKeyUpdate{Roles: []int64{s.role}}))
		}},
		"rotate an apikey": {domain.ScopeAPIKeys, func(ctx context.Context, w *world) error { return second(w.APIKeys.Rotate(ctx, s.helper, 0)) }},
		"delete an apikey": {domain.ScopeAPIKeys, func(ctx context.Context, w *world) error { return w.APIKeys.Delete(ctx, s.doomed) }},
		"make a user": {domain.ScopeUsers, func(ctx context.Context, w *world) error {
			return second(w.Users.Create(ctx, domain.User{Username: fresh("heir"), Email: "a@example.com", FullName: "A", Enabled: true}, "correct horse battery", nil))
		}},
		"make a role": {domain.ScopeRoles, func(ctx context.Context, w *world) error {
			return second(w.Roles.Create(ctx, domain.Role{Name: fresh("role"), Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}}))
		}},
		"widen a role": {domain.ScopeRoles, func(ctx context.Context, w *world) error {
			return second(w.Roles.Update(ctx, s.role, domain.RoleUpdate{Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true, Write: true}}}))
		}},
		"make a CA": {domain.ScopeCAs, func(ctx context.Context, w *world) error {
			return second(w.CAs.Create(ctx, domain.CASpec{Name: fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}}))
		}},
		"import a CA": {domain.ScopeCAs, func(ctx context.Context, w *world) error { return second(w.CAs.Import(ctx, old.request(t, nil))) }},
		"change a CA": {domain.ScopeCAs, func(ctx context.Context, w *world) error {
			return second(w.CAs.Update(ctx, s.ca, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Description: new("new")}}))
		}},
		"issue": {domain.ScopeClients, func(ctx context.Context, w *world) error { return second(w.Clients.Create(ctx, spec(s.ca))) }},
		"change a client": {domain.ScopeClients, func(ctx context.Context, w *world) error {
			return second(w.Clients.Update(ctx, s.client, domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{Description: new("new")}}))
		}},
		"revoke":      {domain.ScopeClients, func(ctx context.Context, w *world) error { return w.Clients.Revoke(ctx, s.client) }},
		"fetch a key": {domain.ScopeKeys, func(ctx context.Context, w *world) error { return second(w.Clients.Key(ctx, s.client)) }},
		"store a device": {domain.ScopeDevices, func(ctx context.Context, w *world) error {
			return second(w.Devices.Upsert(ctx, deviceSpec(fresh("host"))))
		}},
		"change a device": {domain.ScopeDevices, func(ctx context.Context, w *world) error {
			changed := deviceSpec(s.device)
			changed.Vendor = "Another"
			return second(w.Devices.Upsert(ctx, changed))
		}},
		"disable a device": {domain.ScopeDevices, func(ctx context.Context, w *world) error { return w.Devices.Disable(ctx, s.device) }},
		"import devices": {domain.ScopeDevices, func(ctx context.Context, w *world) error {
			return second(w.Devices.Import(ctx, strings.NewReader("hostname,ip,model,type,vendor,site\n"+fresh("host")+",10.0.0.1,RHEL,Server,Red Hat,Cloud\n"), true))
		}},
		"import devices in part": {domain.ScopeDevices, func(ctx context.Context, w *world) error {
			return second(w.Devices.Import(ctx, strings.NewReader("hostname,ip,model,type,vendor,site\n"+fresh("host")+",10.0.0.1,RHEL,Server,Red Hat,Cloud\n"), false))
		}},
		"register a domain": {domain.ScopeDomains, func(ctx context.Context, w *world) error {
			return second(w.DeviceDomains.Create(ctx, domain.DeviceDomain{Name: fresh("domain") + ".example.com"}))
		}},
		"make an application": {domain.ScopeApplications, func(ctx context.Context, w *world) error {
			return second(w.Applications.Create(ctx, domain.Application{Name: fresh("app"), Method: domain.AuthOAuth2, Enabled: true}))
		}},
		"make an authorization": {domain.ScopeApplications, func(ctx context.Context, w *world) error {
			return second(w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: s.application, Name: fresh("auth"), Enabled: true}))
		}},
	}
}

// stage is what the deeds are done to.
type stage struct {
	ca, client, role, helper, doomed, application int64
	device                                        string
}

func newStage(t testing.TB, w *world) *stage {
	t.Helper()
	ctx := operator(t)
	s := &stage{ca: w.newCA(t).ID, device: fresh("host"), helper: w.newAPIKey(t, weak).ID, doomed: w.newAPIKey(t, weak).ID}
	w.newAPIKey(t) // one superuser is left
	s.client = w.newClient(t, s.ca).ID
	s.role = must(w.Roles.Create(ctx, domain.Role{Name: fresh("role"), Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}}))(t).ID
	s.application = must(w.Applications.Create(ctx, domain.Application{Name: fresh("app"), Method: domain.AuthOAuth2, Enabled: true}))(t).ID
	must(w.Devices.Upsert(ctx, deviceSpec(s.device)))(t)
	return s
}

// TestCaller_Fallen: a caller that was authenticated a moment ago, and has since lost its rights on another replica, changes nothing.
func TestCaller_Fallen(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			here, s := w.replica(t), newStage(t, w)
			deeds := s.deeds(t)
			for fall, lose := range falls {
				for what, deed := range deeds {
					t.Run(fall+"/"+what, func(t *testing.T) {
						key := w.newAPIKey(t)
						ctx := here.requestOf(t, key.Token, deed.scope)
						check(t, lose(operator(t), w, key.ID))
						err := deed.do(ctx, here)
						if kind := domain.Unauthenticated; fall == "demoted" {
							wantFault(t, err, domain.Forbidden)
						} else {
							wantFault(t, err, kind)
						}
						wantNoDeed(t, w, key.ID)
					})
				}
			}
			t.Run("in good standing", func(t *testing.T) { testStanding(t, w, here, deeds) })
		})
	}
}

func wantFault(t testing.TB, err error, kind domain.Kind) {
	t.Helper()
	if !domain.IsKind(err, kind) {
		t.Errorf("got %v, want a fault of kind %d", err, kind)
	}
}

// wantNoDeed: the audit has nothing that the apikey has done.
func wantNoDeed(t testing.TB, w *world, id int64) {
	t.Helper()
	page := must(w.Audit.Page(t.Context(), domain.AuditFilter{ActorKind: new(domain.PrincipalAPIKey), ActorID: id}, domain.PageRequest{Size: 10}))(t)
	for _, e := range page.Items {
		t.Errorf("it was done: %s %s", e.Action, e.Resource)
	}
}

// testStanding: that somebody else has changed something else is no hindrance.
func testStanding(t *testing.T, w, here *world, deeds map[string]deed) {
	for what, deed := range deeds {
		if what == "disable a device" {
			continue // it would be in the way of the others
		}
		key := w.newAPIKey(t)
		ctx := here.requestOf(t, key.Token, deed.scope)
		w.newAPIKey(t, weak) // moves the epoch
		if err := deed.do(ctx, here); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCaller_Overlap: the token before a rotation changes nothing once the overlap is over.
func TestCaller_Overlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newStage(t, w)
	key := w.newAPIKey(t)
	must(w.APIKeys.Rotate(operator(t), key.ID, time.Minute))(t)
	ctx := w.requestOf(t, key.Token, domain.ScopeClients)
	w.newAPIKey(t, weak)
	check(t, second(w.Clients.Create(ctx, spec(s.ca))))
	ctx = w.requestOf(t, key.Token, domain.ScopeAPIKeys)
	w.clock.pass(time.Minute)
	wantFault(t, second(w.APIKeys.Create(ctx, domain.APIKey{Name: "late", Enabled: true}, nil)), domain.Unauthenticated)
	w.newAPIKey(t, weak)
	wantFault(t, second(w.Clients.Create(ctx, spec(s.ca))), domain.Unauthenticated)
	wantFault(t, second(w.Access.Confirm(ctx)), domain.Unauthenticated)
}

// TestCaller_Role: a role that is made narrower takes from those who have it what they are about to do.
func TestCaller_Role(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			s, here := newStage(t, w), w.replica(t)
			both := []domain.Permission{{Scope: domain.ScopeClients, Write: true}, {Scope: domain.ScopeDevices, Write: true}, {Scope: domain.ScopeAPIKeys, Write: true}}
			role := must(w.Roles.Create(operator(t), domain.Role{Name: "both", Scopes: both}))(t)
			key := must(w.APIKeys.Create(operator(t), domain.APIKey{Name: "worker", Enabled: true}, []int64{role.ID}))(t)
			issue, store := here.requestOf(t, key.Token, domain.ScopeClients), here.requestOf(t, key.Token, domain.ScopeDevices)
			grant := here.requestOf(t, key.Token, domain.ScopeAPIKeys)
			must(w.Roles.Update(operator(t), role.ID, domain.RoleUpdate{Scopes: both[1:]}))(t)
			wantFault(t, second(here.Clients.Create(issue, spec(s.ca))), domain.Forbidden)
			check(t, second(here.Devices.Upsert(store, deviceSpec(fresh("host")))))
			must(w.Roles.Update(operator(t), role.ID, domain.RoleUpdate{Scopes: both[2:]}))(t)
			other := must(w.Roles.Create(operator(t), domain.Role{Name: "devices", Scopes: both[1:2]}))(t)
			err := second(here.APIKeys.Create(grant, domain.APIKey{Name: "other", Enabled: true}, []int64{other.ID}))
			wantFaults(t, err, fault{domain.Forbidden, "roles", domain.ReasonBeyondOwn})
		})
	}
}

// TestCaller_Race: of one who takes away a right, and one who grants it at the same moment, the second is refused or was first.
func TestCaller_Race(t *testing.T) {
	t.Parallel()
	w := worldOn(t, newPostgres(t), slog.DiscardHandler)
	w.newAPIKey(t)
	here := w.replica(t)
	for range 10 {
		key := w.newAPIKey(t)
		ctx := here.requestOf(t, key.Token, domain.ScopeAPIKeys)
		var granted atomic.Bool
		var racing sync.WaitGroup
		racing.Go(func() {
			granted.Store(second(here.APIKeys.Create(ctx, domain.APIKey{Name: fresh("heir"), Superuser: true, Enabled: true}, nil)) == nil)
		})
		check(t, w.APIKeys.Delete(operator(t), key.ID))
		racing.Wait()
		if !granted.Load() {
			continue
		}
		page := must(w.Audit.Page(t.Context(), domain.AuditFilter{Resource: domain.ScopeAPIKeys}, domain.PageRequest{Size: 1000}))(t)
		if last := page.Items[len(page.Items)-1]; last.Action != domain.ActionDelete {
			t.Errorf("the last was %s by %s %d, and the apikey was gone", last.Action, last.ActorKind, last.ActorID)
		}
	}
}

// TestCaller_Restless: while others change who may do what without a pause, changes come through.
func TestCaller_Restless(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			here, s := w.replica(t), newStage(t, w)
			key := w.newAPIKey(t)
			ctx, cancel := context.WithCancel(operator(t))
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
			request := here.requestOf(t, key.Token, domain.ScopeClients)
			for range 30 {
				check(t, second(here.Clients.Create(request, spec(s.ca))))
				check(t, second(here.Devices.Upsert(request, deviceSpec(fresh("host")))))
			}
			cancel()
			others.Wait()
		})
	}
}

// TestCaller_Vault: an authorization of the vault that was authenticated a moment ago and has lost its rights since stores nothing.
func TestCaller_Vault(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			here := w.replica(t)
			app := must(w.Applications.Create(operator(t), domain.Application{Name: "app", Method: domain.AuthOAuth2, Enabled: true}))(t)
			update := func(u domain.PAMAuthorizationUpdate) func(int64) error {
				return func(id int64) error { return second(w.Authorizations.Update(operator(t), id, u)) }
			}
			for fall, lose := range map[string]func(id int64) error{
				"deleted":   func(id int64) error { return w.Authorizations.Delete(operator(t), id) },
				"disabled":  update(domain.PAMAuthorizationUpdate{Enabled: new(false)}),
				"expired":   update(domain.PAMAuthorizationUpdate{ExpiresAt: new(w.clock.Now())}),
				"read only": update(domain.PAMAuthorizationUpdate{Write: new(false)}),
				"elsewhere": update(domain.PAMAuthorizationUpdate{Resources: []domain.PAMResource{}}),
				"rotated":   func(id int64) error { return second(w.Authorizations.Rotate(operator(t), id, 0)) },
				"the application is disabled": func(int64) error {
					return second(w.Applications.Update(operator(t), app.ID, domain.ApplicationUpdate{Enabled: new(false)}))
				},
			} {
				t.Run(fall, func(t *testing.T) {
					must(w.Applications.Update(operator(t), app.ID, domain.ApplicationUpdate{Enabled: new(true)}))(t)
					a := must(w.Authorizations.Create(operator(t), domain.PAMAuthorization{
						ApplicationID: app.ID, Name: fresh("auth"), Enabled: true, Write: true, Resources: []domain.PAMResource{domain.PAMCore},
					}))(t)
					here := here.replica(t) // it has not seen the authorization before
					token := must(here.PAMAccess.Token(t.Context(), a.Key, a.Secret, overTLS))(t)
					found := must(here.PAMAccess.Bearer(t.Context(), token.Token, overTLS))(t)
					caller := found.Principal()
					caller.Needs = domain.Permission{Scope: domain.ScopeDevices, Write: true}
					ctx := domain.WithPrincipal(t.Context(), caller)
					check(t, second(here.Devices.Upsert(ctx, deviceSpec(fresh("host")))))
					check(t, lose(a.ID))
					host := fresh("host")
					if err := second(here.Devices.Upsert(ctx, deviceSpec(host))); !domain.IsKind(err, domain.Unauthenticated) && !domain.IsKind(err, domain.Forbidden) {
						t.Errorf("got %v", err)
					}
					wantFault(t, second(w.Devices.Get(operator(t), host)), domain.Missing)
				})
			}
		})
	}
}

// TestAccess_Confirm: a second look by memory sees within a second what has changed, and asks nobody when it has just been asked.
func TestAccess_Confirm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here := w.replica(t)
	w.newAPIKey(t)
	for fall, lose := range falls {
		t.Run(fall, func(t *testing.T) {
			key := w.newAPIKey(t)
			ctx := here.requestOf(t, key.Token, domain.ScopeCAs)
			check(t, second(here.Access.Confirm(ctx)))
			check(t, lose(operator(t), w, key.ID))
			w.clock.pass(time.Second)
			if err := second(here.Access.Confirm(ctx)); !domain.IsKind(err, domain.Unauthenticated) && !domain.IsKind(err, domain.Forbidden) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("an access token that ends meanwhile", func(t *testing.T) {
		access := must(here.Access.Exchange(t.Context(), w.newAPIKey(t).Token))(t)
		ctx := here.requestOf(t, access.Token, domain.ScopeCAs)
		w.clock.pass(auth.AccessLife)
		wantFault(t, second(here.Access.Confirm(ctx)), domain.Unauthenticated)
	})
}
