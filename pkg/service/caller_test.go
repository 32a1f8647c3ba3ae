package service_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// falls are the ways in which an apikey can lose its rights between its authentication and its
// change.
var falls = map[string]func(ctx context.Context, w *World, id int64) error{
	"deleted": func(ctx context.Context, w *World, id int64) error { return w.APIKeys.Delete(ctx, id) },
	"disabled": func(ctx context.Context, w *World, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{Enabled: new(false)})
		return err
	},
	"expired": func(ctx context.Context, w *World, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{ExpiresAt: new(w.Clock.Now())})
		return err
	},
	"demoted": func(ctx context.Context, w *World, id int64) error {
		_, err := w.APIKeys.Update(ctx, id, domain.APIKeyUpdate{Superuser: new(false)})
		return err
	},
	"rotated": func(ctx context.Context, w *World, id int64) error {
		_, err := w.APIKeys.Rotate(ctx, id, 0)
		return err
	},
}

// deed is a change and the scope that it needs.
type deed struct {
	scope domain.Scope
	do    func(ctx context.Context, w *World) error
}

// deeds returns changes of all kinds. Each can be made once per stage.
func (s *stage) deeds(t testing.TB) map[string]deed {
	old, fleet := NewForeignCA(t), NewForeignCA(t)
	found := domain.ForeignPKI{
		CA: CertPEM(fleet.Cert.Raw), CAKey: KeyPEM(t, fleet.Key),
		Certificates: []domain.ForeignPart{{Path: "a.crt", PEM: domain.Secret(fleet.Issue(t, NewKey(t).Public()))}},
	}
	return map[string]deed{
		"import a PKI": {domain.ScopeCAs, func(ctx context.Context, w *World) error {
			return Second(w.Imports.Run(ctx, domain.PKIImport{ForeignPKI: found}, nil))
		}},
		"make an apikey": {domain.ScopeAPIKeys, func(ctx context.Context, w *World) error {
			return Second(
				w.APIKeys.Create(ctx, domain.APIKey{Name: Fresh("heir"), Superuser: true, Enabled: true}, nil),
			)
		}},
		"make an apikey of no rights": {domain.ScopeAPIKeys, func(ctx context.Context, w *World) error {
			return Second(w.APIKeys.Create(ctx, domain.APIKey{Name: Fresh("heir"), Enabled: true}, nil))
		}},
		"grant a role": {domain.ScopeAPIKeys, func(ctx context.Context, w *World) error {
			return Second(w.APIKeys.Update(ctx, s.helper, domain.APIKeyUpdate{Roles: []int64{s.role}}))
		}},
		"rotate an apikey": {
			domain.ScopeAPIKeys,
			func(ctx context.Context, w *World) error { return Second(w.APIKeys.Rotate(ctx, s.helper, 0)) },
		},
		"delete an apikey": {
			domain.ScopeAPIKeys, func(ctx context.Context, w *World) error { return w.APIKeys.Delete(ctx, s.doomed) },
		},
		"make a user": {domain.ScopeUsers, func(ctx context.Context, w *World) error {
			return Second(
				w.Users.Create(
					ctx, domain.User{Username: Fresh("heir"), Email: "a@example.com", FullName: "A", Enabled: true},
					"correct horse battery", nil,
				),
			)
		}},
		"make a role": {domain.ScopeRoles, func(ctx context.Context, w *World) error {
			return Second(
				w.Roles.Create(
					ctx, domain.Role{
						Name: Fresh("role"), Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true}},
					},
				),
			)
		}},
		"widen a role": {domain.ScopeRoles, func(ctx context.Context, w *World) error {
			return Second(
				w.Roles.Update(
					ctx, s.role, domain.RoleUpdate{
						Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true, Write: true}},
					},
				),
			)
		}},
		"make a CA": {domain.ScopeCAs, func(ctx context.Context, w *World) error {
			return Second(
				w.CAs.Create(ctx, domain.CASpec{Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}}),
			)
		}},
		"import a CA": {
			domain.ScopeCAs,
			func(ctx context.Context, w *World) error { return Second(w.CAs.Import(ctx, old.Request(t, nil))) },
		},
		"change a CA": {domain.ScopeCAs, func(ctx context.Context, w *World) error {
			return Second(
				w.CAs.Update(ctx, s.ca, domain.CAUpdate{RecordUpdate: domain.RecordUpdate{Description: new("new")}}),
			)
		}},
		"issue": {
			domain.ScopeClients,
			func(ctx context.Context, w *World) error { return Second(w.Clients.Create(ctx, Spec(s.ca))) },
		},
		"issue many": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(w.Clients.CreateMany(ctx, manySpecs(s.ca), nil))
		}},
		"change a client": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(
				w.Clients.Update(
					ctx, s.client, domain.ClientUpdate{RecordUpdate: domain.RecordUpdate{Description: new("new")}},
				),
			)
		}},
		"renew": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(w.Clients.Renew(ctx, s.client, domain.ClientRenewal{}))
		}},
		"make a user of an instance": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(w.RemoteUsers.Create(ctx, Spec(s.ca), domain.UserPlace{InstanceID: &s.instance}))
		}},
		"put a config": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(w.Configs.Put(ctx, s.router, s.instance, domain.ClientConfigUpdate{MaxRoutes: new(7)}))
		}},
		"remove a config": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return w.Configs.Remove(ctx, s.gone, s.instance)
		}},
		"suspend": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(w.Clients.Suspend(ctx, s.site))
		}},
		"resume": {domain.ScopeClients, func(ctx context.Context, w *World) error {
			return Second(w.Clients.Resume(ctx, s.held))
		}},
		"revoke": {
			domain.ScopeClients, func(ctx context.Context, w *World) error { return w.RevokeClient(ctx, s.client) },
		},
		"fetch a key": {
			domain.ScopeKeys, func(ctx context.Context, w *World) error { return Second(w.Clients.Key(ctx, s.client)) },
		},
		"store a device": {domain.ScopeDevices, func(ctx context.Context, w *World) error {
			return Second(w.Devices.Upsert(ctx, DeviceSpec(Fresh("host")), nil))
		}},
		"change a device": {domain.ScopeDevices, func(ctx context.Context, w *World) error {
			changed := DeviceSpec(s.device)
			changed.Vendor = "Another"
			return Second(w.Devices.Upsert(ctx, changed, nil))
		}},
		"disable a device": {domain.ScopeDevices, func(ctx context.Context, w *World) error {
			return w.Devices.Disable(ctx, vault.Ref{Path: s.device}, nil)
		}},
		"import devices": {domain.ScopeDevices, func(ctx context.Context, w *World) error {
			return Second(
				w.Devices.Import(
					ctx,
					strings.NewReader(
						"hostname,ip,model,type,vendor,site\n"+Fresh("host")+",10.0.0.1,RHEL,Server,Red Hat,Cloud\n",
					), true,
				),
			)
		}},
		"import devices in part": {domain.ScopeDevices, func(ctx context.Context, w *World) error {
			return Second(
				w.Devices.Import(
					ctx,
					strings.NewReader(
						"hostname,ip,model,type,vendor,site\n"+Fresh("host")+",10.0.0.1,RHEL,Server,Red Hat,Cloud\n",
					), false,
				),
			)
		}},
		"make an instance": {domain.ScopeInstances, func(ctx context.Context, w *World) error {
			return Second(newInstance(ctx, w, s.ca, Fresh("server")))
		}},
		"add a recipient of mail": {domain.ScopeMail, func(ctx context.Context, w *World) error {
			return Second(w.MailRecipients.Create(ctx, domain.MailRecipient{
				Address: Fresh("noc") + "@example.com", Language: domain.MailEnglish, Days: 30,
			}))
		}},
		"make a webhook": {domain.ScopeWebhooks, func(ctx context.Context, w *World) error {
			return Second(w.Webhooks.Create(ctx, domain.Webhook{Name: Fresh("hook"), URL: "https://hooks.example.com"}))
		}},
		"register a domain": {domain.ScopeDomains, func(ctx context.Context, w *World) error {
			return Second(w.DeviceDomains.Create(ctx, domain.DeviceDomain{Name: Fresh("domain") + ".example.com"}))
		}},
		"make an application": {domain.ScopeApplications, func(ctx context.Context, w *World) error {
			return Second(
				w.Applications.Create(
					ctx, domain.Application{Name: Fresh("app"), Method: domain.AuthOAuth2, Enabled: true},
				),
			)
		}},
		"make an authorization": {domain.ScopeApplications, func(ctx context.Context, w *World) error {
			return Second(
				w.Authorizations.Create(
					ctx, domain.PAMAuthorization{ApplicationID: s.application, Name: Fresh("auth"), Enabled: true},
				),
			)
		}},
	}
}

// stage holds the resources that the deeds change.
type stage struct {
	ca, client, site, held, router, gone, instance, role, helper, doomed, application int64
	device                                                                            string
}

func newStage(t testing.TB, w *World) *stage {
	t.Helper()
	ctx := Operator(t)
	s := &stage{
		ca: w.NewCA(t).ID, device: Fresh("host"), helper: w.NewAPIKey(t, Weak).ID, doomed: w.NewAPIKey(t, Weak).ID,
	}
	w.NewAPIKey(t) // so that one superuser is left
	s.client, s.site, s.held = w.NewClient(t, s.ca).ID, w.NewClient(t, s.ca).ID, w.NewClient(t, s.ca).ID
	Must(w.Clients.Suspend(ctx, s.held))(t)
	s.instance = Must(w.Instances.Create(ctx, domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{
		CAID: &s.ca, Name: new(Fresh("vpn")), Network: new("10.8.0.0/24"),
	}}))(t).ID
	s.router, s.gone = w.NewClient(t, s.ca).ID, w.NewClient(t, s.ca).ID
	Must(w.Configs.Put(ctx, s.gone, s.instance, domain.ClientConfigUpdate{}))(t)
	s.role = Must(
		w.Roles.Create(
			ctx, domain.Role{Name: Fresh("role"), Scopes: []domain.Permission{{Scope: domain.ScopeCAs, Read: true}}},
		),
	)(t).ID
	s.application = Must(
		w.Applications.Create(ctx, domain.Application{Name: Fresh("app"), Method: domain.AuthOAuth2, Enabled: true}),
	)(t).ID
	Must(w.Devices.Upsert(ctx, DeviceSpec(s.device), nil))(t)
	return s
}

// TestCaller_Fallen: a caller that was just authenticated, but has lost its rights on another
// replica since, changes nothing.
func TestCaller_Fallen(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			here, s := w.Replica(t), newStage(t, w)
			deeds := s.deeds(t)
			for fall, lose := range falls {
				for what, deed := range deeds {
					t.Run(fall+"/"+what, func(t *testing.T) {
						key := w.NewAPIKey(t)
						ctx := here.RequestOf(t, key.Token, deed.scope)
						Check(t, lose(Operator(t), w, key.ID))
						err := deed.do(ctx, here)
						if kind := domain.Unauthenticated; fall == "demoted" {
							WantFault(t, err, domain.Forbidden)
						} else {
							WantFault(t, err, kind)
						}
						wantNoDeed(t, w, key.ID)
					})
				}
			}
			t.Run("in good standing", func(t *testing.T) { testStanding(t, w, here, deeds) })
		})
	}
}

// wantNoDeed checks that the audit has no event of the apikey.
func wantNoDeed(t testing.TB, w *World, id int64) {
	t.Helper()
	page := Must(
		w.Audit.Page(
			t.Context(), domain.AuditFilter{ActorKind: new(domain.PrincipalAPIKey), ActorID: id},
			domain.PageRequest{Size: 10},
		),
	)(t)
	for _, e := range page.Items {
		t.Errorf("it was done: %s %s", e.Action, e.Resource)
	}
}

// testStanding checks that an unrelated change of access control does not stop a caller.
func testStanding(t *testing.T, w, here *World, deeds map[string]deed) {
	for what, deed := range deeds {
		if what == "disable a device" {
			continue // it would break the other deeds
		}
		key := w.NewAPIKey(t)
		ctx := here.RequestOf(t, key.Token, deed.scope)
		w.NewAPIKey(t, Weak) // moves the epoch
		if err := deed.do(ctx, here); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCaller_Overlap: the previous token of an apikey changes nothing once the overlap is over.
func TestCaller_Overlap(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	s := newStage(t, w)
	key := w.NewAPIKey(t)
	Must(w.APIKeys.Rotate(Operator(t), key.ID, time.Minute))(t)
	ctx := w.RequestOf(t, key.Token, domain.ScopeClients)
	w.NewAPIKey(t, Weak)
	Check(t, Second(w.Clients.Create(ctx, Spec(s.ca))))
	ctx = w.RequestOf(t, key.Token, domain.ScopeAPIKeys)
	w.Clock.Pass(time.Minute)
	WantFault(t, Second(w.APIKeys.Create(ctx, domain.APIKey{Name: "late", Enabled: true}, nil)), domain.Unauthenticated)
	w.NewAPIKey(t, Weak)
	WantFault(t, Second(w.Clients.Create(ctx, Spec(s.ca))), domain.Unauthenticated)
	WantFault(t, Second(w.Access.Confirm(ctx)), domain.Unauthenticated)
}
