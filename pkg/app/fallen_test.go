package app_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestReplicas_Fallen: an apikey that loses its rights at one server can change nothing at the
// other from the next moment on, although the other still admits it for reads.
func TestReplicas_Fallen(t *testing.T) {
	t.Parallel()
	a, b, o := startReplicas(t)
	admin := login(t, a)
	authority := createCA(t, admin, "shared")
	site := createClient(t, admin, authority.ID, "site")
	role := createRole(t, admin, "keeper", scope("auth.apikeys", true, true), scope("openvpn.clients", true, true),
		scope("openvpn.cas", true, false),
		scope("openvpn.keys", true, false), scope("pam.domains", true, true))
	accomplice := find(t, admin, create(t, admin, apikeys, object{"name": "accomplice"}).Name)
	deeds := []struct {
		method, path string
		in           any
	}{
		{http.MethodPut, accomplice.path(), object{"roles": []int64{role}}},
		{http.MethodPost, apikeys, object{"name": "heir", "roles": []int64{role}}},
		{http.MethodPost, clients, object{"ca_id": authority.ID, "name": "heir", "email": "a@example.com"}},
		{http.MethodDelete, clientPath(site.ID, ""), nil},
		{http.MethodGet, clientPath(site.ID, "/key"), nil},
		{http.MethodPost, "/api/pam/domains", object{"name": "heir.example.com"}},
	}
	for i, test := range []struct {
		name   string
		fall   func(apikey) (method, path string, in any)
		status int
	}{
		{
			"demoted",
			func(k apikey) (string, string, any) { return http.MethodPut, k.path(), object{"roles": []int64{}} },
			http.StatusForbidden,
		},
		{
			"disabled",
			func(k apikey) (string, string, any) { return http.MethodPut, k.path(), object{"enabled": false} },
			http.StatusUnauthorized,
		},
		{"rotated", func(k apikey) (string, string, any) {
			return http.MethodPost, k.path() + "/rotate", object{"overlap": 0}
		}, http.StatusUnauthorized},
		{
			"deleted", func(k apikey) (string, string, any) { return http.MethodDelete, k.path(), nil },
			http.StatusUnauthorized,
		},
	} {
		for _, deed := range deeds {
			name := fmt.Sprintf("%s %d %s", test.name, i, deed.path+deed.method)
			fallen := &apptest.Client{URL: b.URL, Token: createKey(t, o, "--name", name, "--role", fmt.Sprint(role))}
			method, path, in := test.fall(find(t, admin, name))
			wantStatus(t, fallen, http.MethodGet, apikeys, nil, http.StatusOK)
			wantStatus(t, admin, method, path, in, http.StatusOK)
			wantStatus(t, fallen, deed.method, deed.path, deed.in, test.status)
		}
	}
	if got := find(t, admin, "accomplice"); len(got.Roles) > 0 {
		t.Errorf("it has got %v", got.Roles)
	}
}
