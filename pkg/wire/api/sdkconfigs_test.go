package api_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// configKeys are the keys that the SDK reads of a config without a check.
var configKeys = []string{
	"client_id", "instance_id", "static_ip", "push_routes", "iroutes", "push_reset", "extra_conf", "dns_server",
	"dns_domain", "max_routes", "created_at", "updated_at",
}

// TestFlow_PythonSDK_Configs: the configs of a client, as the SDK asks for them and changes them.
func TestFlow_PythonSDK_Configs(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	c := newSession(t, s)
	c.logIn(s.Token)
	c.made(casPath, map[string]any{"name": "ca", "email": "a@b.com.br"}, caKeys)
	client := fmt.Sprint(c.made(clientsPath, map[string]any{"ca_id": 1, "name": "site", "email": "a@b.com.br"}, clientKeys))
	var instances []string
	for i := range 3 {
		instances = append(instances, fmt.Sprint(c.made(instancesPath, map[string]any{
			"ca_id": 1, "name": fmt.Sprint("vpn-", i), "network": fmt.Sprintf("10.%d.0.0/24", 8+i),
		}, []string{"id"})))
	}
	configs := clientsPath + "/" + client + "/configs"
	status, config := c.call("GET", configs+"/"+instances[0], nil) // never set
	if status != 200 {
		t.Fatalf("%d %v", status, config)
	}
	c.checkObject(config, configKeys)
	for i, id := range instances {
		status, config = c.call("PUT", configs+"/"+id, map[string]any{ // each that is not None
			"static_ip": fmt.Sprintf("10.%d.0.77", 8+i), "push_routes": []string{"10.10.0.0/24"}, "iroutes": []string{"10.100.0.0/16"},
			"push_reset": false, "extra_conf": "", "dns_domain": "", "dns_server": "10.0.0.53", "max_routes": 0,
		})
		if status != 200 || config["static_ip"] != fmt.Sprintf("10.%d.0.77", 8+i) || config["dns_server"] != "10.0.0.53" {
			t.Fatalf("%d %v", status, config)
		}
		c.checkObject(config, configKeys)
		if status, same := c.call("PUT", configs+"/"+id, map[string]any{}); status != 200 || same["updated_at"] != config["updated_at"] {
			t.Errorf("PUT of nothing: %d %v", status, same)
		}
	}
	status, config = c.call("PUT", configs+"/"+instances[0], map[string]any{"iroutes": []string{}, "dns_server": ""})
	if status != 200 || len(config["iroutes"].([]any)) != 0 || config["dns_server"] != "" || config["static_ip"] != "10.8.0.77" {
		t.Errorf("cleared: %d %v", status, config)
	}
	c.checkConfigs(configs, instances)
	wrong := map[string]any{"static_ip": "10.8.0", "iroutes": []string{"10.9.0.1/24"}}
	status, body := c.call("PUT", configs+"/"+instances[0], wrong)
	if got := c.fieldErrors(body); status != 409 || !slices.Equal(got, []string{"static_ip invalid", "iroutes[0] invalid"}) {
		t.Errorf("%d %v", status, got)
	}
	if status, body := c.call("GET", configs+"/99", nil); status != 404 {
		t.Errorf("%d %v", status, body)
	}
}

// checkConfigs reads the lists of the configs of a client, and of the sites of an instance.
func (c *session) checkConfigs(configs string, instances []string) {
	c.t.Helper()
	for _, size := range []string{"", "1", "2", "3"} {
		found, _ := c.pages(configs, "configs", size)
		var ids []string
		for _, one := range found {
			c.checkObject(one, configKeys)
			ids = append(ids, fmt.Sprintf("%.0f", one["instance_id"]))
		}
		if !slices.Equal(ids, instances) {
			c.t.Errorf("configs of %v instead of %v", ids, instances)
		}
	}
	if found, _ := c.pages(clientsPath+"?instance_id="+instances[1], "clients", ""); len(found) != 1 {
		c.t.Errorf("%d sites of an instance", len(found))
	}
}
