package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestJSON_IsThatOfTheAPI: a list as JSON has the same objects as the page of the API, octet for
// octet; only the token of apikeys is left out. What show prints of one record has all of that and
// more.
func TestJSON_IsThatOfTheAPI(t *testing.T) {
	t.Parallel()
	o := tunnelDir(t)
	must(t, o, "client config set site-rio 1 --lan 192.168.1.0/24 --nat 192.168.1.0/24=172.20.1.0/24 --push-route 10.2.0.0/16")
	must(t, o, "client profile site-rio --out "+filepath.Join(t.TempDir(), "a.ovpn"))
	must(t, o, "client link create site-rio --instance 1 --format openvpn")
	must(t, o, "model create --name filial --template "+writeText(t, "port {{.Port}}\nproto {{.Proto}}\n"))
	must(t, o, "client revoke site-rio --yes --reason superseded")
	must(t, o, "client renew site-recife --overlap 12h")
	must(t, o, "cert create --ca 1 --name vpn.example.com")
	must(t, o, "role create --name leitura --scope openvpn.cas:r --scope audit:r")
	must(t, o, "user create --username maria --role leitura --superuser")
	must(t, o, "apikey create --name ci --role leitura --expires 90d --rate-limit 60 --allowed-ip 127.0.0.1")
	token := strings.TrimSpace(must(t, o, "apikey create --name root --superuser"))
	c := &apptest.Client{URL: apptest.Start(t, o).URL, Token: token}
	for _, test := range []struct{ command, path, list string }{
		{"ca", "/api/openvpn/cas", "cas"},
		{"client", "/api/openvpn/clients/site2site", "clients"},
		{"cert", "/api/openvpn/certificates", "certificates"},
		{"role", "/api/roles", "roles"},
		{"user", "/api/users", "users"},
		{"apikey", "/api/3rdparty/apikeys", "apikeys"},
		{"instance", "/api/openvpn/instances", "instances"},
		{"model", "/api/openvpn/instances/models", "instances_models"},
		{"client config", "/api/openvpn/clients/site2site/1/configs", "configs"},
		{"client link", "/api/openvpn/clients/site2site/1/enrolments", "enrolments"},
	} {
		var page map[string]json.RawMessage
		if err := c.Do(t.Context(), "GET", test.path, nil, &page); err != nil {
			t.Fatal(err)
		}
		var items []json.RawMessage
		if err := json.Unmarshal(page[test.list], &items); err != nil || len(items) == 0 {
			t.Fatalf("%s: %d items (%v)", test.list, len(items), err)
		}
		command := test.command + " list --json"
		ofClient := strings.HasPrefix(test.command, "client ")
		if ofClient {
			command += " site-rio"
		}
		lines := strings.Split(strings.TrimSuffix(must(t, o, command), "\n"), "\n")
		for i, item := range items {
			want := withoutToken(t, string(item))
			if diff := cmp.Diff(want, lines[i]); diff != "" && test.command != "apikey" {
				t.Errorf("%s: %s", test.command, diff)
			}
			wantFields(t, want, lines[i])
			if !ofClient {
				wantFields(t, want, must(t, o, fmt.Sprintf("%s show %d --json", test.command, i+1)))
			}
		}
		if len(lines) != len(items) {
			t.Errorf("%s: %d lines for %d items", test.command, len(lines), len(items))
		}
	}
}

// withoutToken takes the token out of an object, and when it was last used, which is written later.
func withoutToken(t *testing.T, object string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatal(err)
	}
	if _, there := fields["token"]; !there {
		return object
	}
	for _, name := range []string{"token", "last_used_at", "last_used_ip"} {
		delete(fields, name)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantFields checks that an object has all fields of another one.
func wantFields(t *testing.T, want, got string) {
	t.Helper()
	var all, some map[string]any
	if err := json.Unmarshal([]byte(got), &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &some); err != nil {
		t.Fatal(err)
	}
	for name, value := range some {
		if diff := cmp.Diff(value, all[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, there := all["token"]; there {
		t.Errorf("a token in %s", got)
	}
}

// TestAudit_NamesTheCommand: the audit says which command made a change, and by which account.
func TestAudit_NamesTheCommand(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "client key site-rio --out -")
	must(t, o, "client revoke site-rio --yes")
	token := strings.TrimSpace(must(t, o, "apikey create --name root --superuser"))
	c := &apptest.Client{URL: apptest.Start(t, o).URL, Token: token}
	var page struct {
		Events []struct {
			Action, Operation string
			Actor             struct{ Type, Name string }
		}
	}
	if err := c.Do(t.Context(), "GET", "/api/audit/events", nil, &page); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, event := range page.Events {
		got = append(got, event.Action+" "+event.Operation)
		if event.Actor.Type != "command" || event.Actor.Name == "" {
			t.Errorf("%+v", event)
		}
	}
	if diff := cmp.Diff([]string{
		"create chaveiro ca create", "create chaveiro client create", "create chaveiro client create",
		"export chaveiro client key", "revoke chaveiro client revoke", "create chaveiro apikey create",
	}, got); diff != "" {
		t.Error(diff)
	}
}

// TestLists_OfSeveralPages: a list has all records, however many pages they take.
func TestLists_OfSeveralPages(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "ca create --name ca-matriz --email ca@example.com")
	token := strings.TrimSpace(must(t, o, "apikey create --name root --superuser"))
	c := &apptest.Client{URL: apptest.Start(t, o).URL, Token: token}
	const count = 2*pageSize + 1
	for i := range count {
		if err := c.Do(t.Context(), "POST", "/api/openvpn/clients/site2site", map[string]any{
			"ca_id": 1, "name": fmt.Sprintf("site-%d", i), "email": "a@example.com",
		}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for flag, lines := range map[string]int{"": count + 1, "--csv": count + 1, "--json": count} {
		got := must(t, o, "client list "+flag)
		if strings.Count(got, "\n") != lines || strings.Count(got, fmt.Sprintf("site-%d", count-1)) != 1 {
			t.Errorf("%q: %d lines, want %d", flag, strings.Count(got, "\n"), lines)
		}
	}
	wantWords(t, must(t, o, fmt.Sprintf("client show SITE-%d", count-1)), fmt.Sprintf("\nname                 site-%d\n", count-1))
}
