package api_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// userClientKeys are the keys that the SDK reads of a user without a check.
var userClientKeys = []string{
	"id", "ca_id", "instance_id", "name", "email", "description", "ip", "push_routes", "revoked", "expired", "expiry_date",
	"created_at", "updated_at",
}

// TestFlow_PythonSDK_Users: users as the SDK makes, changes, lists and revokes them. Of a change it
// sends what is not empty; of a list the cursor and the size, which may be empty.
func TestFlow_PythonSDK_Users(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	c := newSession(t, s)
	c.logIn(s.Token)
	c.made(casPath, map[string]any{"name": "ca", "email": "a@b.com.br"}, caKeys)
	c.made(instancesPath, map[string]any{"ca_id": 1, "name": "vpn", "network": "10.8.0.0/24"}, []string{"id"})
	c.made(clientsPath, map[string]any{"ca_id": 1, "name": "site", "email": "a@b.com.br"}, clientKeys)
	var ids []string
	for i := range 4 {
		ids = append(ids, fmt.Sprint(c.made(userClientsPath, map[string]any{
			"ca_id": 1, "instance_id": 1, "name": fmt.Sprint("user-", i), "email": "a@b.com.br", "description": nil,
			"password": nil, "ip": nil, "push_routes": nil, "unknown": nil,
		}, userClientKeys)))
	}
	one := userClientsPath + "/" + ids[1]
	status, user := c.call("PUT", one, map[string]any{
		"description": "Notebook", "ip": "10.8.0.77", "push_routes": []string{"10.10.0.0/24"},
	})
	if status != 200 || user["ip"] != "10.8.0.77" || user["description"] != "Notebook" {
		t.Fatalf("%d %v", status, user)
	}
	c.checkObject(user, userClientKeys)
	for _, size := range []string{"", "1", "3"} {
		found, _ := c.pages(userClientsPath, "clients", size)
		var got []string
		for _, user := range found {
			c.checkObject(user, userClientKeys)
			got = append(got, fmt.Sprintf("%.0f", user["id"]))
		}
		if !slices.Equal(got, ids) {
			t.Errorf("the users are %v, want %v", got, ids)
		}
	}
	if found, _ := c.pages(clientsPath, "clients", ""); len(found) != 1 {
		t.Errorf("%d sites", len(found))
	}
	if status, body := c.call("PUT", one, map[string]any{"ip": "10.9.0.1"}); status != 409 ||
		!slices.Equal(c.fieldErrors(body), []string{"ip invalid"}) {
		t.Errorf("%d %v", status, body)
	}
	if status, body := c.call("DELETE", one, nil); status != 200 || body != nil {
		t.Errorf("%d %v", status, body)
	}
	status, user = c.call("GET", one, nil)
	if status != 200 || user["revoked"] != true || user["ip"] != "10.8.0.77" {
		t.Errorf("%d %v", status, user)
	}
	if status, _ := c.call("GET", userClientsPath+"/1", nil); status != 404 {
		t.Errorf("a site is a user: %d", status)
	}
}
