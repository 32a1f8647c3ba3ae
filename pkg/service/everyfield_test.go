package service_test

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// editable is a record whose fields are changed one by one.
type editable struct {
	record any               // before any change
	update any               // a value of the type of its changes
	values map[string]any    // another value for each field of update
	fixed  map[string]string // fields of update that can't be changed, with the reason
	// fields of record that update does not have, with the reason
	other map[string]string
	apply func(ctx context.Context, update any) error      // makes a change
	get   func(ctx context.Context, id int64) (any, error) // reads the record
}

// TestEveryField changes each field of each resource alone. The change is stored and audited, and
// making the same change again is none. A new field of a resource or of its changes fails this test
// until it is listed.
func TestEveryField(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			for name, one := range editables(t, w) {
				t.Run(name, func(t *testing.T) {
					checkListed(t, one)
					for field, value := range one.values {
						checkField(t, w, one, field, value)
					}
				})
			}
		})
	}
}

// checkListed checks that every field of the record and of its changes is accounted for.
func checkListed(t *testing.T, one editable) {
	t.Helper()
	changes := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(one.update)) {
		if field.Anonymous {
			continue
		}
		changes[field.Name] = true
		if _, tried := one.values[field.Name]; tried == (one.fixed[field.Name] != "") {
			t.Errorf("%s of the change is neither tried nor fixed, or both", field.Name)
		}
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(one.record)) {
		if !field.Anonymous && !changes[field.Name] && one.other[field.Name] == "" {
			t.Errorf("%s of the record is in no change, and it is not said why", field.Name)
		}
	}
}

func checkField(t *testing.T, w *World, one editable, field string, value any) {
	t.Helper()
	ctx, id := Operator(t), reflect.ValueOf(one.record).FieldByName("ID").Int()
	update := reflect.New(reflect.TypeOf(one.update)).Elem()
	update.FieldByName(field).Set(reflect.ValueOf(value))
	before, events := Must(one.get(ctx, id))(t), w.CountEvents(t)
	w.Clock.Pass(time.Second)
	Check(t, one.apply(ctx, update.Interface()))
	after := Must(one.get(ctx, id))(t)
	if reflect.DeepEqual(before, after) {
		t.Errorf("%s: nothing was stored", field)
	}
	told := w.Events(t)
	if last := told[len(told)-1]; len(told) != events+1 || last.Before == "{}" || last.Before == last.After {
		t.Errorf(
			"%s: %d events for one change, the last from %s to %s", field, len(told)-events, last.Before, last.After,
		)
	}
	if field == "Password" { // a password never counts as unchanged
		return
	}
	Check(t, one.apply(ctx, update.Interface()))
	if w.CountEvents(t) != events+1 || !reflect.DeepEqual(after, Must(one.get(ctx, id))(t)) {
		t.Errorf("%s: the same change again changes something", field)
	}
}

// The reasons for which an update does not change a field.
const (
	byDatabase    = "the database or the clock gives it"
	byCertificate = "it is what the certificate says"
	byOthers      = "other operations change it"
)

// given returns the fields that most records have, and more.
func given(more map[string]string) map[string]string {
	all := map[string]string{"ID": byDatabase, "CreatedAt": byDatabase, "UpdatedAt": byDatabase}
	for field, why := range more {
		all[field] = why
	}
	return all
}

// subject returns another value for each field that CAs and clients share.
func subject() map[string]any {
	return map[string]any{
		"Description": new("another"), "Country": new("PT"), "Province": new("Lisboa"), "City": new("Lisboa"),
		"Organization": new("Outra"),
		"Sector":       new("TI"), "Email": new("outra@example.com"),
	}
}

func editables(t *testing.T, w *World) map[string]editable {
	t.Helper()
	w.NewAPIKey(t) // so that one superuser is left
	ca := w.NewCA(t)
	client := w.NewClient(t, ca.ID)
	role, other := w.NewRole(t, Read(domain.ScopeCAs)), w.NewRole(t, Write(domain.ScopeClients))
	key, user := w.NewAPIKey(t, Weak).APIKey, w.NewUser(t)
	all := vaultEditables(t, w)
	maps.Copy(all, instanceEditables(t, w))
	maps.Copy(all, map[string]editable{"recipient of mail": mailEditable(t, w)})
	all["remote user"] = userEditable(t, w)
	all["webhook"] = webhookEditable(t, w)
	all["CA"] = editable{
		ca, domain.CAUpdate{}, subject(), map[string]string{
			"Name": byCertificate, "Expiration": byCertificate, "KeyAlgorithm": byCertificate,
		},
		given(map[string]string{
			"ExpiresAt": byCertificate, "ParentID": byCertificate, "RenewedAt": byOthers, "PredecessorID": byOthers,
			"SuccessorID": byOthers, "KeyURI": "a CA keeps its key",
		}),
		func(ctx context.Context, u any) error { return Second(w.CAs.Update(ctx, ca.ID, u.(domain.CAUpdate))) },
		func(ctx context.Context, id int64) (any, error) { return w.CAs.Get(ctx, id) },
	}
	all["client"] = editable{
		client, domain.ClientUpdate{}, subject(),
		map[string]string{
			"Name": byCertificate, "CAID": byCertificate, "Expiration": byCertificate,
			"Password": "the key keeps the one it has",
		},
		given(map[string]string{
			"Kind": "it never changes", "Serial": byCertificate, "Fingerprint": byCertificate, "KeyAlgorithm": byCertificate, "KeyProtected": byOthers,
			"NotBefore": byCertificate, "ExpiresAt": byCertificate, "RevokedAt": byOthers, "Reason": byOthers,
		}),
		func(ctx context.Context, u any) error {
			return Second(w.Clients.Update(ctx, client.ID, u.(domain.ClientUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.Clients.Get(ctx, id) },
	}
	all["apikey"] = editable{
		key, domain.APIKeyUpdate{}, map[string]any{
			"Name": new("another"), "Description": new("another"), "Superuser": new(true), "Roles": []int64{role.ID},
			"Enabled":   new(false),
			"ExpiresAt": new(Noon.Add(Day)), "AllowedIPs": []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
			"RateLimit": new(60),
		}, map[string]string{"Instances": "a superuser has none: the bound apikey"},
		given(map[string]string{
			"Generation": byOthers, "PreviousUntil": byOthers, "Binding": byOthers, "LastUsedAt": byOthers,
			"LastUsedIP": byOthers,
		}),
		func(ctx context.Context, u any) error {
			return Second(w.APIKeys.Update(ctx, key.ID, u.(domain.APIKeyUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.Store.APIKeys().Get(ctx, id) },
	}
	bound := w.NewAPIKey(t, Weak).APIKey
	all["bound apikey"] = editable{
		bound, domain.APIKeyUpdate{}, map[string]any{"Instances": []int64{7, 3}}, everyOther(all["apikey"].values),
		all["apikey"].other, func(ctx context.Context, u any) error {
			return Second(w.APIKeys.Update(ctx, bound.ID, u.(domain.APIKeyUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.Store.APIKeys().Get(ctx, id) },
	}
	all["role"] = editable{
		other, domain.RoleUpdate{}, map[string]any{
			"Name": new("another"), "Scopes": []domain.Permission{Read(domain.ScopeUsers)},
		}, nil, given(nil),
		func(ctx context.Context, u any) error {
			return Second(w.Roles.Update(ctx, other.ID, u.(domain.RoleUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.Roles.Get(ctx, id) },
	}
	all["user"] = editable{
		user, domain.UserUpdate{}, map[string]any{
			"Email": new("outra@example.com"), "FullName": new("Outra"),
			"Password": new(domain.Secret("uma senha bem diferente")), "Superuser": new(true),
			"Roles": []int64{role.ID}, "Enabled": new(false),
		}, map[string]string{"Username": "who signs in is known by it"},
		given(map[string]string{"PasswordHash": "Password changes it", "Generation": byOthers, "Binding": byOthers}),
		func(ctx context.Context, u any) error {
			return Second(w.Users.Update(ctx, user.ID, u.(domain.UserUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.Users.Get(ctx, id) },
	}
	return all
}

// everyOther are the fields that are tried elsewhere.
func everyOther(values map[string]any) map[string]string {
	fixed := map[string]string{}
	for field := range values {
		fixed[field] = "it is tried with another record"
	}
	return fixed
}

func vaultEditables(t *testing.T, w *World) map[string]editable {
	t.Helper()
	ctx := Operator(t)
	application := Must(
		w.Applications.Create(ctx, domain.Application{Name: "one", Method: domain.AuthOAuth2, Enabled: true}),
	)(t)
	authorization := w.NewAuthorization(t, domain.AuthOAuth1).PAMAuthorization
	corp := Must(w.DeviceDomains.Create(ctx, domain.DeviceDomain{Name: "corp.example.com", ShortName: "CORP"}))(t)
	device := Must(w.Devices.Upsert(ctx, DeviceSpec("srv-a"), nil))(t).After
	return map[string]editable{
		"application": {
			application, domain.ApplicationUpdate{}, map[string]any{
				"Name": new("another"), "Description": new("another"), "Enabled": new(false),
			},
			map[string]string{"Method": "its authorizations have the secrets of it"},
			given(map[string]string{"Passing": byOthers}),
			func(ctx context.Context, u any) error {
				return Second(w.Applications.Update(ctx, application.ID, u.(domain.ApplicationUpdate)))
			},
			func(ctx context.Context, id int64) (any, error) { return w.Applications.Get(ctx, id) },
		},
		"authorization": {
			authorization, domain.PAMAuthorizationUpdate{}, map[string]any{
				"Name": new("another"), "Enabled": new(false), "Write": new(false), "Resources": []domain.PAMResource{},
				"ExpiresAt": new(Noon.Add(Day)), "AllowedIPs": []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
				"Referrers": []string{"https://vault.example.com/"}, "Fingerprint": new(strings.Repeat("ab", 32)),
				"Devices": []int64{device.ID},
			}, nil,
			given(map[string]string{
				"ApplicationID": "it stays with its application", "Application": "it is read with it",
				"Key": "it is its public name", "Token": byOthers,
				"Secrets": byOthers, "Generation": byOthers, "PreviousUntil": byOthers, "Binding": byOthers,
				"Proof": "it is of a request",
			}),
			func(ctx context.Context, u any) error {
				return Second(w.Authorizations.Update(ctx, authorization.ID, u.(domain.PAMAuthorizationUpdate)))
			},
			func(ctx context.Context, id int64) (any, error) { return w.Authorizations.Get(ctx, id) },
		},
		"device domain": {
			corp, domain.DeviceDomainUpdate{}, map[string]any{"ShortName": new("OTHER")},
			map[string]string{"Name": "devices are in it by its name"}, given(nil),
			func(ctx context.Context, u any) error {
				return Second(w.DeviceDomains.Update(ctx, corp.ID, u.(domain.DeviceDomainUpdate)))
			},
			func(ctx context.Context, id int64) (any, error) { return w.DeviceDomains.Get(ctx, id) },
		},
		"device": {
			device, domain.DeviceUpdate{}, map[string]any{
				"Hostname": new("SRV-A"), "IP": new("10.0.0.2"), "Model": new("another"), "Type": new("another"),
				"Vendor": new("another"),
				"Site":   new("another"), "Domains": []string{"corp.example.com"},
				"Connectivities": []domain.ConnectivityUpdate{{Type: "SSH"}},
				"Remote":         []domain.RemoteExpression{{Connectivity: "SSH", Expect: "login", Fill: "root"}},
				"Tags":           []string{"a tag"}, "Enabled": new(false),
			}, nil,
			given(map[string]string{
				"CreatorID": byDatabase, "Revision": byDatabase, "ImportID": byOthers,
				"Earlier": "it says how the device was read",
			}),
			func(ctx context.Context, u any) error {
				return Second(w.Devices.Update(ctx, device.ID, u.(domain.DeviceUpdate)))
			},
			func(ctx context.Context, id int64) (any, error) { return w.Devices.ByID(ctx, id) },
		},
	}
}
