package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// wantUpdate runs an update, and checks that of the fields that show prints these alone are
// changed.
func wantUpdate(t *testing.T, o apptest.Options, kind, flags string, want map[string]any) {
	t.Helper()
	id := strings.Fields(flags)[0]
	expected := record(t, o, kind+" show "+id)
	got := record(t, o, kind+" update "+flags)
	for name, value := range want {
		if _, known := expected[name]; !known {
			t.Errorf("%s: there is no field %s", kind, name)
		}
		expected[name] = value
	}
	for _, fields := range []map[string]any{expected, got} {
		delete(fields, "updated_at")
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("%s update %s (-want +got):\n%s", kind, flags, diff)
	}
	shown := record(t, o, kind+" show "+id)
	delete(shown, "updated_at")
	if diff := cmp.Diff(expected, shown); diff != "" {
		t.Errorf("%s update %s, shown (-want +got):\n%s", kind, flags, diff)
	}
}

// TestUpdate_PKI: all that the API lets change of a client and of a CA is a flag, and "" clears.
func TestUpdate_PKI(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	for _, kind := range []string{"ca", "client"} {
		wantUpdate(t, o, kind, "1 --email=nova@example.com --description=Centro", map[string]any{
			"email": "nova@example.com", "description": "Centro",
		})
		wantUpdate(t, o, kind, "1 --country=BR --province=RJ --city=Niterói --organization=Exemplo --sector=Redes", map[string]any{
			"country": "BR", "province": "RJ", "city": "Niterói", "organization": "Exemplo", "sector": "Redes",
		})
		wantUpdate(t, o, kind, "1 --description= --city=", map[string]any{"description": "", "city": ""})
		wantFail(t, o, 2, "there is nothing to change", kind+" update 1")
		wantFail(t, o, 2, "email", kind+" update 1 --email nowhere")
		wantFail(t, o, 2, "email", kind+" update 1 --email=")
		wantFail(t, o, 2, "country", kind+" update 1 --country Brasil")
		wantFail(t, o, 2, "unknown flag --name", kind+" update 1 --name other")
		wantFail(t, o, 3, "there is no", kind+" update 99 --city Rio")
	}
	wantWords(t, must(t, o, "client update SITE-RIO --city Rio"), "city ", "Rio\n")
}

func TestUpdate_Role(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "role create --name leitura --scope openvpn.cas:r")
	must(t, o, "role create --name outra")
	wantUpdate(t, o, "role", "1 --name=Escrita", map[string]any{"name": "Escrita"})
	must(t, o, "role update escrita --scope openvpn.clients:rw --scope audit:r")
	wantWords(t, must(t, o, "role show 1"), "scopes      openvpn.clients:rw, audit:r\n")
	wantUpdate(t, o, "role", "1 --no-scope", map[string]any{"scopes": []any{}})
	wantFail(t, o, 2, "there is nothing to change", "role update 1")
	wantFail(t, o, 2, "can't be used together", "role update 1 --no-scope --scope audit:r")
	wantFail(t, o, 4, "name: duplicated", "role update 1 --name OUTRA")
	wantFail(t, o, 2, "there is no scope", "role update 1 --scope all:r")
}

func TestUpdate_User(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "role create --name leitura")
	must(t, o, "user create --username root --superuser")
	must(t, o, "user create --username maria --email maria@example.com --role leitura")
	wantUpdate(t, o, "user", "2 --email=m@example.com --fullname=Maria", map[string]any{
		"email": "m@example.com", "fullname": "Maria",
	})
	wantUpdate(t, o, "user", "2 --superuser", map[string]any{"superuser": true})
	wantUpdate(t, o, "user", "2 --no-superuser --no-role --email=", map[string]any{
		"superuser": false, "roles": []any{}, "email": "",
	})
	must(t, o, "user update maria --role leitura")
	wantWords(t, must(t, o, "user show maria"), "leitura")
	wantFail(t, o, 2, "there is nothing to change", "user update maria")
	wantFail(t, o, 3, `there is no role named "none"`, "user update maria --role none")
	wantFail(t, o, 2, "email", "user update maria --email nowhere")
	wantFail(t, o, 4, "at least one superuser must remain", "user update root --no-superuser")
	wantFail(t, o, 3, `there is no user named "joao"`, "user update joao --superuser")
}

func TestUpdate_APIKey(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "role create --name leitura")
	must(t, o, "apikey create --name root --superuser")
	must(t, o, "apikey create --name ci --role leitura --expires 2099-12-31 --allowed-ip 192.0.2.1 --rate-limit 60")
	wantUpdate(t, o, "apikey", "2 --name=CD --description=Entrega --rate-limit=0", map[string]any{
		"name": "CD", "description": "Entrega", "rate_limit": nil,
	})
	wantUpdate(t, o, "apikey", "2 --expires=2098-01-31 --allowed-ip=2001:db8::/32 --allowed-ip=192.0.2.7", map[string]any{
		"expires_at": "2098-01-31T00:00:00.000000+00:00", "allowed_ips": []any{"2001:db8::/32", "192.0.2.7/32"},
	})
	wantUpdate(t, o, "apikey", "2 --no-expiry --any-ip --no-role --description= --superuser", map[string]any{
		"expires_at": nil, "allowed_ips": []any{}, "roles": []any{}, "description": "", "superuser": true,
	})
	wantUpdate(t, o, "apikey", "2 --no-superuser", map[string]any{"superuser": false})
	must(t, o, "apikey update cd --role leitura")
	wantWords(t, must(t, o, "apikey show cd"), "leitura")
	wantFail(t, o, 2, "there is nothing to change", "apikey update cd")
	wantFail(t, o, 2, "allowed_ips[0]", "apikey update cd --allowed-ip here")
	wantFail(t, o, 2, "in the future", "apikey update cd --expires 2020-01-01")
	wantFail(t, o, 2, "can't be used together", "apikey update cd --expires 90d --no-expiry")
	wantFail(t, o, 4, "at least one superuser must remain", "apikey update root --no-superuser")
}
