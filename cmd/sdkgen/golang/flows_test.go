package golang_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/gen/sdk/go"
)

// flowClient: a CA, a client, its files, a conflict, and its revocation.
func flowClient(t *testing.T, sdk live) {
	ctx := t.Context()
	ca := newCA(t, sdk.SDK, "flow")
	in := chaveiro.ClientSite2SiteCreate{
		CAID: ca.ID, Name: "flow-client", Email: "site@example.com", Description: chaveiro.Set("Matriz"),
	}
	client := must(sdk.OpenVPN.CreateClientSite2Site(ctx, in))(t)
	if client.Description != "Matriz" || client.Revoked || client.ExpiryDate.Before(client.CreatedAt) {
		t.Errorf("created %+v", client)
	}
	_, err := sdk.OpenVPN.CreateClientSite2Site(ctx, in)
	if e := fails[*chaveiro.ConflictError](t, err); e.Errors[0].Field != "name" || e.Errors[0].Type != "duplicated" {
		t.Errorf("conflict %+v", e.Errors)
	}
	in.Name, in.CAID = "_", ca.ID+1000
	_, err = sdk.OpenVPN.CreateClientSite2Site(ctx, in)
	fails[*chaveiro.ConflictError](t, err)
	_, err = sdk.OpenVPN.GetClientSite2Site(ctx, 1<<53-1)
	if e := fails[*chaveiro.NotFoundError](t, err); e.RequestID == "" || e.Operation == "" {
		t.Errorf("%+v", e)
	}
	pem, file := content(sdk.OpenVPN.GetClientSite2SiteCertificate(ctx, client.ID))(t)
	if !strings.Contains(string(pem), "BEGIN CERTIFICATE") || file.MediaType != "application/x-pem-file" || file.Name == "" {
		t.Errorf("certificate %q of %+v", pem, file)
	}
	if pem, _ := content(sdk.OpenVPN.GetClientSite2SiteKey(ctx, client.ID))(t); !strings.Contains(string(pem), "PRIVATE KEY") {
		t.Errorf("key %q", pem)
	}
	p12, file := content(sdk.OpenVPN.CreateClientSite2SitePKCS12(ctx, client.ID, chaveiro.PKCS12Request{Password: "senha"}))(t)
	if len(p12) < 500 || p12[0] != 0x30 || file.MediaType != "application/x-pkcs12" {
		t.Errorf("%d bytes of %+v", len(p12), file)
	}
	said := must(sdk.OpenVPN.RevokeClientSite2SiteDryRun(ctx, client.ID))(t)
	if !said.DryRun || !said.Changes || said.Name != client.Name || said.Reversible {
		t.Errorf("the dry run says %+v", said)
	}
	if err := sdk.OpenVPN.RevokeClientSite2Site(ctx, client.ID); err != nil {
		t.Fatal(err)
	}
	if client := must(sdk.OpenVPN.GetClientSite2Site(ctx, client.ID))(t); !client.Revoked {
		t.Errorf("not revoked: %+v", client)
	}
	checkCRL(t, sdk, ca.ID)
}

// checkCRL reads the CRL in both forms, and asks whether it is still the same.
func checkCRL(t *testing.T, sdk live, ca int64) {
	t.Helper()
	pem, file := content(sdk.OpenVPN.GetCACRL(t.Context(), ca, chaveiro.GetCACRLParams{}))(t)
	if !strings.Contains(string(pem), "BEGIN X509 CRL") || file.MediaType != "application/x-pem-file" {
		t.Errorf("CRL %q of %+v", pem, file)
	}
	der, file := content(sdk.OpenVPN.GetCACRL(t.Context(), ca, chaveiro.GetCACRLParams{Format: "der"}))(t)
	if der[0] != 0x30 || file.MediaType != "application/pkix-crl" {
		t.Errorf("CRL %q of %+v", der, file)
	}
	same := chaveiro.GetCACRLParams{Format: "der", IfNoneMatch: file.Header.Get("ETag")}
	if data, file := content(sdk.OpenVPN.GetCACRL(t.Context(), ca, same))(t); !file.NotModified || len(data) != 0 {
		t.Errorf("%d bytes of %+v", len(data), file)
	}
}

// flowPages goes over 1000 clients, forward and back, by pages and by items.
func flowPages(t *testing.T, sdk live) {
	const count = 1000
	ca := newCA(t, sdk.SDK, "pages")
	fill(t, sdk.SDK, ca.ID, count)
	params := chaveiro.GetClientsSite2SitePagesParams{Size: 100, CAID: ca.ID}
	pages := sdk.OpenVPN.GetClientsSite2SitePages(params)
	forward, back := map[int64]bool{}, 0
	for pages.HasNext() {
		for _, client := range must(pages.Next(t.Context()))(t).Items {
			forward[client.ID] = true
		}
	}
	for pages.HasPrevious() {
		for _, client := range must(pages.Previous(t.Context()))(t).Items {
			if back++; !forward[client.ID] {
				t.Errorf("%d was not met before", client.ID)
			}
		}
	}
	if len(forward) != count || back != count-100 {
		t.Errorf("%d clients forward, %d back", len(forward), back)
	}
	var last int64
	met := 0
	for client, err := range pages.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if met++; client.ID <= last {
			t.Errorf("%d after %d", client.ID, last)
		}
		last = client.ID
	}
	if met != count {
		t.Errorf("%d clients", met)
	}
}

// flowMoved deletes each item when it is met, so that pages move: every one is met once.
func flowMoved(t *testing.T, sdk live) {
	const count = 7
	for i := range count {
		in := chaveiro.DeviceDomainCreate{Name: fmt.Sprintf("moved-%d.example", i)}
		must(sdk.PAM.CreateDeviceDomain(t.Context(), in))(t)
	}
	met := 0
	pages := sdk.PAM.GetDeviceDomainsPages(chaveiro.GetDeviceDomainsPagesParams{Size: 2})
	for domain, err := range pages.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if met++; sdk.PAM.DeleteDeviceDomain(t.Context(), domain.ID) != nil {
			t.Errorf("%d is met twice, or can't be deleted", domain.ID)
		}
	}
	if met != count {
		t.Errorf("%d of %d domains", met, count)
	}
}

// flowApikeys: roles as ids and as objects, a key that may do little, and a rotation.
func flowApikeys(t *testing.T, sdk live) {
	ctx := t.Context()
	scopes := must(sdk.Auth.GetScopes(ctx))(t).Scopes
	if len(scopes) == 0 {
		t.Error("no scopes")
	}
	role := must(sdk.Auth.CreateRole(ctx, chaveiro.RoleCreate{
		Name: "auditor", Scopes: chaveiro.Set([]chaveiro.ScopeRights{{Name: "audit", Read: true}}),
	}))(t)
	key := must(sdk.Auth.CreateApikey(ctx, chaveiro.ApikeyCreate{
		Name: "auditor", Roles: chaveiro.Set([]chaveiro.RoleID{chaveiro.RoleIDInteger(role.ID)}),
	}))(t)
	if len(key.Roles) != 1 || key.Roles[0].ID != role.ID || key.Token == "" || key.ExpiresAt != nil {
		t.Errorf("created %+v", key)
	}
	same := must(sdk.Auth.UpdateApikey(
		ctx, key.ID, chaveiro.ApikeyUpdate{Roles: chaveiro.Set(asObjects(role.ID))}, chaveiro.UpdateApikeyParams{},
	))(t)
	if len(same.Roles) != 1 || same.Roles[0].Name != "auditor" {
		t.Errorf("updated %+v", same)
	}
	none := must(sdk.Auth.UpdateApikey(
		ctx, key.ID, chaveiro.ApikeyUpdate{Roles: chaveiro.Set([]chaveiro.RoleID{})}, chaveiro.UpdateApikeyParams{},
	))(t)
	if len(none.Roles) != 0 {
		t.Errorf("updated %+v", none)
	}
	must(sdk.Auth.UpdateApikey(
		ctx, key.ID, chaveiro.ApikeyUpdate{Roles: chaveiro.Set(asObjects(role.ID))}, chaveiro.UpdateApikeyParams{},
	))(t)
	checkAuditor(t, sdk, key.Token)
	rotated := must(sdk.Auth.RotateApikey(
		ctx, key.ID, chaveiro.ApikeyRotate{Overlap: chaveiro.Set(0)}, chaveiro.RotateApikeyParams{},
	))(t)
	if rotated.Token == key.Token {
		t.Error("the token is the same")
	}
	said := must(sdk.Auth.DeleteApikeyDryRun(ctx, key.ID, chaveiro.DeleteApikeyDryRunParams{Self: new(true)}))(t)
	if said.Name != "auditor" || said.Before["name"] != "auditor" {
		t.Errorf("the dry run says %+v", said)
	}
	if err := sdk.Auth.DeleteApikey(ctx, key.ID, chaveiro.DeleteApikeyParams{}); err != nil {
		t.Error(err)
	}
}

// asObjects returns a role as an object that has its id.
func asObjects(role int64) []chaveiro.RoleID {
	return []chaveiro.RoleID{chaveiro.RoleIDObject{ID: role}}
}

// checkAuditor: the key reads the audit, and nothing else.
func checkAuditor(t *testing.T, sdk live, key string) {
	t.Helper()
	auditor := sdk.as(t, chaveiro.APIKey(key), nil)
	newest := chaveiro.GetEventsPagesParams{Order: "desc", Resource: "auth.apikeys", Action: "create"}
	events := must(auditor.Audit.GetEventsPages(newest).Next(t.Context()))(t).Items
	if len(events) == 0 || events[0].Action != "create" || events[0].After["name"] != "auditor" || events[0].Before != nil {
		t.Errorf("the newest event is %+v", events)
	}
	if event := must(auditor.Audit.GetEvent(t.Context(), events[0].ID))(t); event.Hash != events[0].Hash {
		t.Errorf("the event is %+v", event)
	}
	_, err := auditor.OpenVPN.GetCAsPages(chaveiro.GetCAsPagesParams{}).Next(t.Context())
	fails[*chaveiro.ForbiddenError](t, err)
}

func flowUsers(t *testing.T, sdk live) {
	ctx := t.Context()
	user := must(sdk.Auth.CreateUser(ctx, chaveiro.UserCreate{Username: "joana", Password: "uma senha bem longa"}))(t)
	update := chaveiro.UserUpdate{Fullname: chaveiro.Set("Joana"), Email: chaveiro.Set("joana@example.com")}
	user = must(sdk.Auth.UpdateUser(ctx, user.ID, update, chaveiro.UpdateUserParams{}))(t)
	if user.Fullname != "Joana" || !user.Enabled || len(user.Roles) != 0 {
		t.Errorf("updated %+v", user)
	}
	found := false
	for other, err := range sdk.Auth.GetUsersPages(chaveiro.GetUsersPagesParams{Size: 1}).All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		found = found || other.ID == user.ID
	}
	if !found {
		t.Error("the user is not in the list")
	}
	if err := sdk.Auth.DeleteUser(ctx, user.ID, chaveiro.DeleteUserParams{}); err != nil {
		t.Error(err)
	}
	fails[*chaveiro.NotFoundError](t, sdk.Auth.DeleteUser(ctx, user.ID, chaveiro.DeleteUserParams{}))
}

// flowStates: an update leaves alone what is absent, and clears by null or by an empty value.
func flowStates(t *testing.T, sdk live) {
	ctx := t.Context()
	key := must(sdk.Auth.CreateApikey(ctx, chaveiro.ApikeyCreate{
		Name: "states", Description: chaveiro.Set("text"), RateLimit: chaveiro.Set(60), Superuser: chaveiro.Set(false),
		ExpiresAt: chaveiro.Set("2099-01-02T03:04:05Z"),
	}))(t)
	if want := time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC); key.ExpiresAt == nil || !key.ExpiresAt.Equal(want) {
		t.Errorf("it ends %v", key.ExpiresAt)
	}
	key = must(sdk.Auth.UpdateApikey(
		ctx, key.ID, chaveiro.ApikeyUpdate{}, chaveiro.UpdateApikeyParams{},
	))(t)
	if key.Description != "text" || key.RateLimit == nil || *key.RateLimit != 60 || key.ExpiresAt == nil {
		t.Errorf("after no change: %+v", key)
	}
	key = must(sdk.Auth.UpdateApikey(ctx, key.ID, chaveiro.ApikeyUpdate{
		Description: chaveiro.Set(""), RateLimit: chaveiro.Set(0), ExpiresAt: chaveiro.Set(""),
	}, chaveiro.UpdateApikeyParams{}))(t)
	if key.Description != "" || key.RateLimit != nil || key.ExpiresAt != nil {
		t.Errorf("after clearing: %+v", key)
	}
	key = must(sdk.Auth.UpdateApikey(
		ctx, key.ID, chaveiro.ApikeyUpdate{Description: chaveiro.Null[string]()}, chaveiro.UpdateApikeyParams{},
	))(t)
	if key.Name != "states" {
		t.Errorf("after null: %+v", key)
	}
}

const devices = "hostname,ip,model,type,vendor,site,device_domain,device_tags,connectivities,session_remote_config,enabled\n" +
	"sdk-1,192.0.2.1,RedHat,Server,Linux,AWS,,\"api,app\",SSH:22,,true\nsdk-2,192.0.2.2,RedHat,Server,Linux,AWS,,,,,true\n"

// flowDevices: an import, its faults, and an export that gives back what was imported.
func flowDevices(t *testing.T, sdk live) {
	ctx := t.Context()
	counts := must(sdk.PAM.ImportDevices(ctx, strings.NewReader(devices), chaveiro.ImportDevicesParams{}))(t)
	if counts.Created != 2 || counts.Failed != 0 {
		t.Errorf("imported %+v", counts)
	}
	faulty := strings.NewReader(devices + ",192.0.2.3,RedHat,Server,Linux,AWS,,,,,true\n")
	_, err := sdk.PAM.ImportDevices(ctx, faulty, chaveiro.ImportDevicesParams{})
	if e := fails[*chaveiro.ConflictError](t, err); !strings.Contains(e.Errors[0].Field, "hostname") {
		t.Errorf("the faults are %+v", e.Errors)
	}
	atomic := false
	_, _ = faulty.Seek(0, io.SeekStart)
	counts = must(sdk.PAM.ImportDevices(ctx, faulty, chaveiro.ImportDevicesParams{Atomic: &atomic}))(t)
	if counts.Unchanged != 2 || counts.Failed != 1 || counts.Errors[0].Line != 4 {
		t.Errorf("imported %+v", counts)
	}
	csv, file := content(sdk.PAM.ExportDevices(ctx, chaveiro.ExportDevicesParams{Q: "sdk-"}))(t)
	if string(csv) != devices || file.MediaType != "text/csv" || !strings.HasSuffix(file.Name, ".csv") {
		t.Errorf("exported %q of %+v", csv, file)
	}
	enabled := false
	none := chaveiro.GetDevicesPagesParams{Hostname: "sdk-1", Enabled: &enabled}
	if page := must(sdk.PAM.GetDevicesPages(none).Next(ctx))(t); len(page.Items) != 0 {
		t.Errorf("disabled are %+v", page.Items)
	}
}

// flowVault: devices by OAuth 1.0 with both methods, and by OAuth 2.0.
func flowVault(t *testing.T, sdk live) {
	for name, keys := range map[string]func(*chaveiro.AuthorizationSecrets) chaveiro.Authenticator{
		"oauth1": func(a *chaveiro.AuthorizationSecrets) chaveiro.Authenticator {
			return chaveiro.OAuth1{
				ConsumerKey: a.ClientID, ConsumerSecret: a.ClientSecret, Token: a.Token, TokenSecret: a.TokenSecret,
			}
		},
		"oauth1-sha1": func(a *chaveiro.AuthorizationSecrets) chaveiro.Authenticator {
			return chaveiro.OAuth1{
				ConsumerKey: a.ClientID, ConsumerSecret: a.ClientSecret, Token: a.Token, TokenSecret: a.TokenSecret,
				Method: chaveiro.HMACSHA1,
			}
		},
		"oauth2": func(a *chaveiro.AuthorizationSecrets) chaveiro.Authenticator {
			return chaveiro.ClientCredentials{ID: a.ClientID, Secret: a.ClientSecret}
		},
	} {
		method, _, _ := strings.Cut(name, "-")
		application := must(sdk.PAM.CreateApplication(t.Context(), chaveiro.ApplicationCreate{
			Name: name, Method: chaveiro.ApplicationMethod(method),
		}))(t)
		authorization := must(sdk.PAM.CreateAuthorization(t.Context(), chaveiro.AuthorizationCreate{
			ApplicationID: application.ID, Name: "live", Write: chaveiro.Set(true),
		}))(t)
		useVault(t, sdk.as(t, nil, keys(authorization)), "vault "+name)
		wrong := *authorization
		wrong.ClientSecret += "x"
		_, err := sdk.as(t, nil, keys(&wrong)).Vault.GetDevices(t.Context())
		fails[*chaveiro.UnauthorizedError](t, err)
	}
}

// useVault registers a device, disables it and meets the error of a device that there is not.
func useVault(t *testing.T, sdk *chaveiro.SDK, hostname string) {
	t.Helper()
	ctx := t.Context()
	created := must(sdk.Vault.CreateDevice(ctx, upsert(t, hostname)))(t)
	if created.Device.Hostname != hostname || created.Code != 201 {
		t.Errorf("created %+v", created)
	}
	got := must(sdk.Vault.GetDevice(ctx, hostname))(t)
	if got.Device.ID != created.Device.ID || got.Device.DeviceTags != "a, b" {
		t.Errorf("got %+v", got)
	}
	must(sdk.Vault.DisableDevice(ctx, created.Device.ID))(t)
	must(sdk.Vault.EnableDevice(ctx, created.Device.ID))(t)
	if list := must(sdk.Vault.GetDevices(ctx))(t); len(list.Devices) == 0 {
		t.Error("no devices")
	}
	_, err := sdk.Vault.GetDevice(ctx, "nowhere")
	if e := fails[*chaveiro.BadRequestError](t, err); e.Exception == nil || e.Exception.Code != 1011 || e.Message == "" {
		t.Errorf("%+v", e)
	}
	_, err = sdk.Auth.GetUserInfo(ctx)
	if !errors.Is(err, chaveiro.ErrNoCredential) {
		t.Errorf("error %v", err)
	}
}

// upsert returns a device. It is read from JSON, so that it does not matter which fields are
// required.
func upsert(t *testing.T, hostname string) chaveiro.VaultDeviceUpsert {
	t.Helper()
	var device chaveiro.VaultDeviceUpsert
	text := `{"ip":"192.0.2.9","model":"RedHat","type":"Server","vendor":"Linux","site":"AWS","device_tags":"a,b","hostname":"` +
		hostname + `"}`
	if err := json.Unmarshal([]byte(text), &device); err != nil {
		t.Fatal(err)
	}
	return device
}
