package wire_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
	genpam "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// createAll creates an item with the id 1 in every list, but a user with 2, and returns a token of
// the vault's dialect.
func createAll(t *testing.T, s *wiretest.Server) string {
	t.Helper()
	createCA(t, s)
	var authorization struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	for _, one := range [][3]string{
		{"/api/openvpn/clients/site2site", `{"ca_id": 1, "name": "site", "email": "a@b.c"}`, http.MethodPost},
		{"/api/openvpn/instances", `{"ca_id": 1, "name": "vpn", "network": "10.8.0.0/24", "remotes": ["vpn.example.com"]}`, http.MethodPost},
		{"/api/openvpn/clients/site2site/1/configs/1", `{}`, http.MethodPut},
		{"/api/openvpn/clients/site2site/1/enrolments", `{"instance_id": 1}`, http.MethodPost},
		{"/api/openvpn/clients/site2site/1/profile", `{}`, http.MethodPost},
		{"/api/openvpn/clients/site2user", `{"instance_id": 1, "name": "user", "email": "a@b.c"}`, http.MethodPost},
		{"/api/openvpn/clients/site2user/2/enrolments", `{}`, http.MethodPost},
		{"/api/openvpn/instances/1", `{"port": 1195}`, http.MethodPut},
		{"/api/openvpn/instances/models", `{"name": "model", "template": "port {{.Port}}"}`, http.MethodPost},
		{"/api/roles", `{"name": "role", "scopes": [{"name": "pam.devices", "read": true, "write": true}]}`, http.MethodPost},
		{"/api/users", `{"username": "user", "password": "correct horse battery"}`, http.MethodPost},
		{"/api/mail/recipients", `{"address": "noc@example.com"}`, http.MethodPost},
		{"/api/webhooks", `{"name": "hook", "url": "https://hooks.example.com"}`, http.MethodPost},
		{"/api/pam/domains", `{"name": "example.com"}`, http.MethodPost},
		{"/api/pam/applications", `{"name": "app", "method": "oauth2"}`, http.MethodPost},
		{"/api/pam/authorizations", `{"application_id": 1, "name": "auth", "resources": ["PAM Core"]}`, http.MethodPost},
	} {
		got := ask(s.Handler, one[2], one[0], one[1], "Authorization", "Bearer "+s.Token)
		if got.Code != 200 {
			t.Fatalf("%s: %d %s", one[0], got.Code, got.Body)
		}
		if strings.HasSuffix(one[0], "authorizations") {
			if err := json.Unmarshal(got.Body.Bytes(), &authorization); err != nil {
				t.Fatal(err)
			}
		}
	}
	putDelivery(t, s)
	const devices = "hostname,ip,model,type,vendor,site\nx,10.0.0.1,m,t,v,s\n"
	if got := ask(
		s.Handler, "POST", "/api/pam/devices/import", devices, "Authorization", "Bearer "+s.Token, "Content-Type",
		"text/csv",
	); got.Code != 200 {
		t.Fatal(got.Body)
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {authorization.ID}, "client_secret": {authorization.Secret},
	}
	var token struct {
		Value string `json:"access_token"`
	}
	got := ask(
		s.Handler, "POST", "/iso/oauth2/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"X-Forwarded-Proto", "https",
	)
	if err := json.Unmarshal(got.Body.Bytes(), &token); err != nil || token.Value == "" {
		t.Fatalf("token: %d %s", got.Code, got.Body)
	}
	return token.Value
}

// gets returns the paths of all GET operations of a document.
func gets(t *testing.T, read func() (*openapi3.T, error), prefixes ...string) (paths []string) {
	t.Helper()
	spec, err := read()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range spec.Paths.Map() {
		if item.Get == nil {
			continue
		}
		for _, prefix := range prefixes {
			paths = append(paths, prefix+strings.NewReplacer(
				"site2user/{id}/enrolments/{enrolment_id}", "site2user/2/enrolments/2", "site2user/{id}", "site2user/2",
				"{id}", "1", "{instance_id}", "1", "{enrolment_id}", "1", "{campaign_id}", "1", "{event_id}", "1", "{ref}", "x",
			).Replace(path))
		}
	}
	slices.Sort(paths)
	return paths
}

// TestHead_AllOperations: HEAD has the status and the header of GET at every operation, for every
// caller, and no content.
func TestHead_AllOperations(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	vault := createAll(t, s)
	for _, path := range append(gets(t, gen.GetSpec, "/api"), gets(t, genpam.GetSpec, "/iso", "/api")...) {
		answered := 0
		for _, token := range []string{"", s.Powerless, s.Token, vault} {
			want, content := askOver(t, s, http.MethodGet, path, token)
			got, body := askOver(t, s, http.MethodHead, path, token)
			if want.StatusCode == http.StatusOK {
				answered += len(content)
			}
			for _, header := range []http.Header{got.Header, want.Header} {
				for _, name := range []string{"X-Request-Id", "Date", "Retry-After"} { // of which each answer has its own
					header.Del(name)
				}
			}
			if diff := cmp.Diff(want.Header, got.Header); diff != "" || got.StatusCode != want.StatusCode ||
				body != "" {
				t.Errorf("HEAD %s: %d, GET %d, %q\n%s", path, got.StatusCode, want.StatusCode, body, diff)
			}
		}
		if answered == 0 {
			t.Errorf("GET %s: nobody was answered with 200", path)
		}
	}
}
