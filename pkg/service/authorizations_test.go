package service_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// keeper is somebody who keeps applications, and has some rights on devices.
func keeper(t testing.TB, devices ...domain.Permission) context.Context {
	rights := domain.RightsOf(append(devices, domain.Permission{Scope: domain.ScopeApplications, Read: true, Write: true}))
	return domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalUser, ID: 7, Name: "keeper", Rights: rights})
}

// TestAuthorizations_Rights: nobody lets an application do with devices what he may not do, nor touches one that may.
func TestAuthorizations_Rights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	beyond := fault{domain.Forbidden, "authorization", domain.ReasonBeyondOwn}
	reader := keeper(t, domain.Permission{Scope: domain.ScopeDevices, Read: true})
	writer := keeper(t, domain.Permission{Scope: domain.ScopeDevices, Read: true, Write: true})
	for _, test := range []struct {
		ctx         context.Context
		read, write bool
	}{{keeper(t), false, false}, {reader, true, false}, {writer, true, true}, {operator(t), true, true}, {t.Context(), false, false}} {
		for write, allowed := range map[bool]bool{false: test.read, true: test.write} {
			a := w.newAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Write = write })
			calls := []func() error{
				func() error {
					_, err := w.Authorizations.Create(test.ctx, domain.PAMAuthorization{ApplicationID: a.ApplicationID, Name: fresh("new"), Write: write})
					return err
				},
				func() error {
					_, err := w.Authorizations.Update(test.ctx, a.ID, domain.PAMAuthorizationUpdate{Name: new(fresh("renamed"))})
					return err
				},
				func() error { _, err := w.Authorizations.Rotate(test.ctx, a.ID, 0); return err },
				func() error { return w.Authorizations.Delete(test.ctx, a.ID) },
			}
			for i, call := range calls {
				if err := call(); allowed {
					check(t, err)
				} else if wantFaults(t, err, beyond); t.Failed() {
					t.Fatalf("call %d, write %v", i, write)
				}
			}
		}
	}
	read := w.newAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Write = false })
	_, err := w.Authorizations.Update(reader, read.ID, domain.PAMAuthorizationUpdate{Write: new(true)})
	wantFaults(t, err, beyond)
	wantSame(t, must(w.Authorizations.Get(t.Context(), read.ID))(t).Write, false)
}

func TestAuthorizations(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			ctx := operator(t)
			app := must(w.Applications.Create(ctx, domain.Application{Name: "Ansible", Method: domain.AuthOAuth1, Enabled: true}))(t)
			_, err := w.Applications.Create(ctx, domain.Application{Name: "ANSIBLE", Method: domain.AuthOAuth2})
			wantFaults(t, err, fault{domain.Duplicated, "name", domain.ReasonDuplicated})
			_, err = w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: 1 << 40, Name: "a"})
			wantFaults(t, err, fault{domain.NotFound, "application_id", domain.ReasonNotFound})
			one := must(w.Authorizations.Create(ctx, domain.PAMAuthorization{
				ApplicationID: app.ID, Name: "one", Enabled: true, Resources: []domain.PAMResource{domain.PAMCore}, Referrers: []string{"https://a"},
			}))(t)
			_, err = w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: app.ID, Name: "ONE"})
			wantFaults(t, err, fault{domain.Duplicated, "name", domain.ReasonDuplicated})
			stored := must(w.Authorizations.Get(ctx, one.ID))(t)
			before := w.countEvents(t)
			wantSame(t, must(w.Authorizations.Update(ctx, one.ID, domain.PAMAuthorizationUpdate{Name: new("one"), Referrers: []string{"https://a"}}))(t), stored)
			wantSame(t, must(w.Applications.Update(ctx, app.ID, domain.ApplicationUpdate{Name: new("Ansible"), Method: new("oauth1")}))(t), app)
			wantSame(t, w.countEvents(t), before)
			w.clock.pass(time.Minute)
			changed := must(w.Authorizations.Update(ctx, one.ID, domain.PAMAuthorizationUpdate{Write: new(true), Referrers: []string{}, ExpiresAt: new(noon.Add(day))}))(t)
			wantSame(t, []any{changed.Write, len(changed.Referrers), changed.ExpiresAt, changed.UpdatedAt}, []any{true, 0, noon.Add(day), noon.Add(time.Minute)})
			events := w.events(t)
			wantSame(t, events[len(events)-1].After, `{"expires_at":"2026-03-05T12:00:00Z","referrers":[],"write":true}`)
			must(w.Authorizations.Rotate(ctx, one.ID, time.Hour))(t)
			wantFaults(t, w.Applications.Delete(ctx, app.ID), fault{domain.Rule, "id", domain.ReasonInUse})
			check(t, w.Authorizations.Delete(ctx, one.ID))
			check(t, w.Applications.Delete(ctx, app.ID))
			var actions []string
			for _, e := range w.events(t)[before:] {
				actions = append(actions, string(e.Action)+" "+e.ResourceName)
			}
			wantSame(t, actions, []string{"update Ansible/one", "rotate Ansible/one", "delete Ansible/one", "delete Ansible"})
			wantSame(t, len(must(w.Audit.Verify(ctx))(t).Problems), 0)
		})
	}
}

// TestAuthorizations_Secrets looks for the secrets in what the database has written, in the audit and in the log.
func TestAuthorizations_Secrets(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			log := &lockedBuffer{}
			w := worldOn(t, open(t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			var secrets []needle
			var known string
			for _, method := range []domain.AuthMethod{domain.AuthOAuth1, domain.AuthOAuth2} {
				first := w.newAuthorization(t, method)
				for _, a := range []service.IssuedAuthorization{first, must(w.Authorizations.Rotate(operator(t), first.ID, time.Hour))(t)} {
					secrets = append(secrets, needle{"secret", []byte(string(a.Secret))})
					if a.TokenSecret != "" {
						secrets = append(secrets, needle{"token secret", []byte(string(a.TokenSecret))})
					}
					known = a.Key
				}
				if method == domain.AuthOAuth2 {
					token := must(w.PAMAccess.Token(t.Context(), first.Key, first.Secret, service.PAMRequest{}))(t).Token
					secrets = append(secrets, needle{"access token", []byte(string(token))})
				}
			}
			wantSame(t, len(secrets), 7)
			for _, e := range w.events(t) {
				wantNone(t, "audit", []byte(e.Before+e.After), secrets)
				if strings.Contains(e.Before+e.After, "ecret") {
					t.Errorf("the audit tells of secrets: %s %s", e.Before, e.After)
				}
			}
			for what, haystack := range written(t, w.store) {
				wantNone(t, what, haystack, secrets)
				if what != "write-ahead log" && !bytes.Contains(haystack, []byte(known)) {
					t.Errorf("the %s does not even have a key: it is not searched right", what)
				}
			}
			wantNone(t, "log", []byte(log.String()), secrets)
			if !strings.Contains(log.String(), "authorization changed") {
				t.Errorf("the log has %d bytes", len(log.String()))
			}
		})
	}
}
