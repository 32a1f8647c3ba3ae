package api_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// The keys that the product's SDK reads without a check.
var (
	instanceKeys = []string{
		"id", "model_id", "ca_id", "name", "description", "country", "province", "city", "organization", "sector", "email",
		"port", "network", "proto", "dhcp_enabled", "dhcp_start", "dhcp_end", "dns_server", "dns_domain", "push_routes",
		"routes", "ldap_auth", "remotes", "revoked", "expired", "expiry_date", "created_at", "updated_at",
	}
	instanceModelKeys = []string{"id", "name", "template", "created_at", "updated_at"}
)

// TestFlow_PythonSDK_Instances does what the product's SDK does with models and instances. It sends
// what is truthy, and dhcp_enabled and ldap_auth also when they are false.
func TestFlow_PythonSDK_Instances(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	sdk := newSession(t, s)
	sdk.logIn(s.Token)
	const models = instancesPath + "/models"
	ca := sdk.made(casPath, map[string]any{"name": "ca", "email": "ca@example.com"}, caKeys)
	status, usual := sdk.call("GET", models+"/default", nil)
	if status != 200 || usual["name"] == nil || usual["template"] == nil {
		t.Fatalf("%d %v", status, usual)
	}
	model := sdk.made(models, map[string]any{"name": "Padrão", "template": usual["template"]}, instanceModelKeys)
	instance := sdk.made(instancesPath, map[string]any{
		"model_id": model, "ca_id": ca, "name": "vpn", "port": 8001, "network": "192.168.1.0/24", "proto": "tcp",
		"email": "vpn@example.com", "dhcp_enabled": true, "ldap_auth": false, "push_routes": []string{"10.10.0.0/24"},
		"routes": []string{"10.11.0.0/24"}, "remotes": []string{"vpn.example.com"},
	}, instanceKeys)
	one := fmt.Sprintf("%s/%v", instancesPath, instance)
	changed := sdk.put(one, map[string]any{
		"model_id": model, "description": "Matriz", "port": 8002, "network": "192.168.2.0/24", "proto": "udp",
		"dhcp_enabled": false, "dhcp_start": "192.168.2.100", "dhcp_end": "192.168.2.200", "dns_server": "10.10.0.1",
		"dns_domain": "example.com", "push_routes": []string{"10.20.0.0/24"}, "routes": []string{"10.21.0.0/24"},
		"ldap_auth": false, "remotes": []string{"vpn.example.com:8002", "vpn2.example.com"},
	}, instanceKeys)
	got := maps.Clone(changed)
	maps.DeleteFunc(got, func(key string, _ any) bool { return key != "remotes" && key != "network" && key != "dhcp_enabled" })
	want := map[string]any{
		"remotes": []any{"vpn.example.com:8002", "vpn2.example.com"}, "network": "192.168.2.0/24", "dhcp_enabled": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sdk.put(fmt.Sprintf("%s/%v", models, model), map[string]any{"name": "Outro"}, instanceModelKeys)
	for list, uri := range map[string]string{"instances": instancesPath, "instances_models": models} {
		keys := map[string][]string{"instances": instanceKeys, "instances_models": instanceModelKeys}[list]
		items, _ := sdk.pages(uri, list, "")
		if len(items) != 1 {
			t.Errorf("%d %s", len(items), list)
		}
		for _, item := range items {
			sdk.checkObject(item, keys)
		}
	}
	for _, step := range [][2]string{
		{"POST", one + "/reload"}, {"DELETE", one}, {"DELETE", fmt.Sprintf("%s/%v", models, model)},
	} {
		if status, body := sdk.call(step[0], step[1], nil); status != 200 {
			t.Errorf("%s %s: %d %v", step[0], step[1], status, body)
		}
	}
}

// made makes something, and returns its id.
func (c *session) made(uri string, body map[string]any, keys []string) any {
	c.t.Helper()
	status, object := c.call("POST", uri, body)
	if status != 200 {
		c.t.Fatalf("%s: %d %v", uri, status, object)
	}
	c.checkObject(object, keys)
	return object["id"]
}

// put changes something, and returns it.
func (c *session) put(uri string, body map[string]any, keys []string) map[string]any {
	c.t.Helper()
	status, object := c.call("PUT", uri, body)
	if status != 200 {
		c.t.Fatalf("%s: %d %v", uri, status, object)
	}
	c.checkObject(object, keys)
	return object
}
