package vault_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// keeper returns the context of a user who may change applications, and has these rights on
// devices.
func keeper(t testing.TB, devices ...domain.Permission) context.Context {
	rights := domain.RightsOf(
		append(devices, domain.Permission{Scope: domain.ScopeApplications, Read: true, Write: true}),
	)
	return domain.WithPrincipal(
		t.Context(), domain.Principal{Kind: domain.PrincipalUser, ID: 7, Name: "keeper", Rights: rights},
	)
}

// TestAuthorizations_Rights: a caller can neither give an authorization rights on devices that it
// lacks itself, nor change one that has such rights.
func TestAuthorizations_Rights(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	beyond := NewFault(domain.Forbidden, "authorization", domain.ReasonBeyondOwn)
	reader := keeper(t, domain.Permission{Scope: domain.ScopeDevices, Read: true})
	writer := keeper(t, domain.Permission{Scope: domain.ScopeDevices, Read: true, Write: true})
	for _, test := range []struct {
		ctx         context.Context
		read, write bool
	}{
		{keeper(t), false, false}, {reader, true, false}, {writer, true, true}, {Operator(t), true, true},
		{t.Context(), false, false},
	} {
		for write, allowed := range map[bool]bool{false: test.read, true: test.write} {
			a := w.NewAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Write = write })
			calls := []func() error{
				func() error {
					_, err := w.Authorizations.Create(
						test.ctx, domain.PAMAuthorization{
							ApplicationID: a.ApplicationID, Name: Fresh("new"), Write: write,
						},
					)
					return err
				},
				func() error {
					_, err := w.Authorizations.Update(
						test.ctx, a.ID, domain.PAMAuthorizationUpdate{Name: new(Fresh("renamed"))},
					)
					return err
				},
				func() error { _, err := w.Authorizations.Rotate(test.ctx, a.ID, 0); return err },
				func() error { return w.Authorizations.Delete(test.ctx, a.ID) },
			}
			for i, call := range calls {
				if err := call(); allowed {
					Check(t, err)
				} else if WantFaults(t, err, beyond); t.Failed() {
					t.Fatalf("call %d, write %v", i, write)
				}
			}
		}
	}
	read := w.NewAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Write = false })
	_, err := w.Authorizations.Update(reader, read.ID, domain.PAMAuthorizationUpdate{Write: new(true)})
	WantFaults(t, err, beyond)
	WantSame(t, Must(w.Authorizations.Get(t.Context(), read.ID))(t).Write, false)
}

func TestAuthorizations(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			app, one := makeAnsible(t, w)
			before := w.CountEvents(t)
			wantUnchanged(t, w, app, one.ID)
			WantSame(t, w.CountEvents(t), before)
			wantChanged(t, w, one.ID)
			ctx := Operator(t)
			Must(w.Authorizations.Rotate(ctx, one.ID, time.Hour))(t)
			WantFaults(t, w.Applications.Delete(ctx, app.ID), NewFault(domain.Rule, "id", domain.ReasonInUse))
			Check(t, w.Authorizations.Delete(ctx, one.ID))
			Check(t, w.Applications.Delete(ctx, app.ID))
			var actions []string
			for _, e := range w.Events(t)[before:] {
				actions = append(actions, string(e.Action)+" "+e.ResourceName)
			}
			WantSame(
				t, actions, []string{
					"update Ansible/one", "rotate Ansible/one", "delete Ansible/one", "delete Ansible",
				},
			)
			WantSame(t, len(Must(w.Audit.Verify(ctx))(t).Problems), 0)
		})
	}
}

// makeAnsible creates an application and an authorization of it. Names that are taken and an
// application that does not exist are refused.
func makeAnsible(t *testing.T, w *World) (domain.Application, vault.IssuedAuthorization) {
	t.Helper()
	ctx := Operator(t)
	app := Must(
		w.Applications.Create(ctx, domain.Application{Name: "Ansible", Method: domain.AuthOAuth1, Enabled: true}),
	)(t)
	_, err := w.Applications.Create(ctx, domain.Application{Name: "ANSIBLE", Method: domain.AuthOAuth2})
	WantFaults(t, err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
	_, err = w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: 1 << 40, Name: "a"})
	WantFaults(t, err, NewFault(domain.NotFound, "application_id", domain.ReasonNotFound))
	one := Must(w.Authorizations.Create(ctx, domain.PAMAuthorization{
		ApplicationID: app.ID, Name: "one", Enabled: true, Resources: []domain.PAMResource{domain.PAMCore},
		Referrers: []string{"https://a"},
	}))(t)
	_, err = w.Authorizations.Create(ctx, domain.PAMAuthorization{ApplicationID: app.ID, Name: "ONE"})
	WantFaults(t, err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
	return app, one
}

// wantUnchanged makes updates that say what is stored already.
func wantUnchanged(t *testing.T, w *World, app domain.Application, id int64) {
	t.Helper()
	ctx := Operator(t)
	stored := Must(w.Authorizations.Get(ctx, id))(t)
	same := domain.PAMAuthorizationUpdate{Name: new("one"), Referrers: []string{"https://a"}}
	WantSame(t, Must(w.Authorizations.Update(ctx, id, same))(t), stored)
	sameApp := domain.ApplicationUpdate{Name: new("Ansible"), Method: new("oauth1")}
	WantSame(t, Must(w.Applications.Update(ctx, app.ID, sameApp))(t), app)
}

// wantChanged makes an update a minute later, and checks its event.
func wantChanged(t *testing.T, w *World, id int64) {
	t.Helper()
	w.Clock.Pass(time.Minute)
	update := domain.PAMAuthorizationUpdate{
		Write: new(true), Referrers: []string{}, ExpiresAt: new(Noon.Add(Day)),
	}
	changed := Must(w.Authorizations.Update(Operator(t), id, update))(t)
	WantSame(
		t, []any{changed.Write, len(changed.Referrers), changed.ExpiresAt, changed.UpdatedAt},
		[]any{true, 0, Noon.Add(Day), Noon.Add(time.Minute)},
	)
	events := w.Events(t)
	WantSame(t, events[len(events)-1].After, `{"expires_at":"2026-03-05T12:00:00Z","referrers":[],"write":true}`)
}

// TestAuthorizations_Secrets searches for the secrets in what the database has written, in the
// audit and in the log.
func TestAuthorizations_Secrets(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			log := &LockedBuffer{}
			w := WorldOn(t, open(t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			var secrets []Needle
			var known string
			for _, method := range []domain.AuthMethod{domain.AuthOAuth1, domain.AuthOAuth2} {
				first := w.NewAuthorization(t, method)
				for _, a := range []vault.IssuedAuthorization{
					first, Must(w.Authorizations.Rotate(Operator(t), first.ID, time.Hour))(t),
				} {
					secrets = append(secrets, NewNeedle("secret", []byte(string(a.Secret))))
					if a.TokenSecret != "" {
						secrets = append(secrets, NewNeedle("token secret", []byte(string(a.TokenSecret))))
					}
					known = a.Key
				}
				if method == domain.AuthOAuth2 {
					token := Must(w.PAMAccess.Token(t.Context(), first.Key, first.Secret, vault.Request{}))(t).Token
					secrets = append(secrets, NewNeedle("access token", []byte(string(token))))
				}
			}
			WantSame(t, len(secrets), 7)
			for _, e := range w.Events(t) {
				WantNone(t, "audit", []byte(e.Before+e.After), secrets)
				if strings.Contains(e.Before+e.After, "ecret") {
					t.Errorf("the audit tells of secrets: %s %s", e.Before, e.After)
				}
			}
			for what, haystack := range Written(t, w.Store) {
				WantNone(t, what, haystack, secrets)
				if what != "write-ahead log" && !bytes.Contains(haystack, []byte(known)) {
					t.Errorf("the %s does not even have a key: it is not searched right", what)
				}
			}
			WantNone(t, "log", []byte(log.String()), secrets)
			if !strings.Contains(log.String(), `"msg":"changed"`) {
				t.Errorf("the log has %d bytes", len(log.String()))
			}
		})
	}
}
