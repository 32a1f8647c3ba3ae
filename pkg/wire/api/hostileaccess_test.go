package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// withAccess starts a server with the role 1, the apikey 3 that has it, and the user 1 without a
// password.
func withAccess(t testing.TB) *wiretest.Server {
	t.Helper()
	s := wiretest.Start(t)
	role := s.Role(t, "users", domain.Permission{Scope: domain.ScopeUsers, Read: true, Write: true})
	s.APIKey(t, domain.APIKey{Name: "key"}, role)
	user := domain.User{Username: "maria", Enabled: true, Generation: 1}
	if err := s.Storage.Store.Users().Create(t.Context(), &user); err != nil {
		t.Fatal(err)
	}
	return s
}

// A key that the document does not name is told or ignored, wherever it stands; it never has an
// effect. A duplicate key is refused.
func TestHostileAccess_Injection(t *testing.T) {
	t.Parallel()
	s := withAccess(t)
	for body, field := range map[string]string{
		`{"name": "evil", "SUPERUSER": true, "Superuser": true, "roles": []}`:    "SUPERUSER",
		`{"name": "evil", "ROLES": [1], "roles": []}`:                            "ROLES",
		`{"name": "evil", "roles": null, "Roles": [1], "rOLES": [{"id": 1}]}`:    "Roles",
		`{"name": "evil", "superu\u017fer": true}`:                               "superu\u017fer",
		`{"name": "evil", "id": 1}`:                                              "id",
		`{"name": "evil", "created_at": "2000-01-01"}`:                           "created_at",
		`{"name": "evil", "rate_limit": 0.0, "RATE_LIMIT": 5, "ENABLED": false}`: "RATE_LIMIT",
		`{"name": "evil", "roles": [{"id": 1, "ID": 77, "superuser": true}]}`:    "roles[0].ID",
	} {
		send(t, s, "POST", apikeysPath, body).want(t, 409, field, "invalid")
	}
	// generated code can't read 0.0 directly
	foreign := `{"name": "n", "roles": [], "apikey": {"superuser": true}, "generation": 9, "rate_limit": 0.0}`
	if got := send(t, s, "POST", apikeysPath, foreign).object(t); got["superuser"] != false ||
		len(got["roles"].([]any)) != 0 || got["enabled"] != true || got["rate_limit"] != nil {
		t.Errorf("%s makes %v", foreign, got)
	}
	roles := `{"name": "%s", "roles": [{"id": 1, "superuser": true, "name": "evil", "scopes": [{"name": "audit", "read": true, "write": true}]}]}`
	got := send(t, s, "POST", apikeysPath, fmt.Sprintf(roles, "with a role")).object(t)
	if diff := cmp.Diff([]any{map[string]any{"id": 1.0, "name": "users"}}, got["roles"]); diff != "" ||
		got["superuser"] != false {
		t.Errorf("superuser %v, roles (-want +got):\n%s", got["superuser"], diff)
	}
	before := inventory(t, s)
	for uri, bodies := range map[string][]string{
		apikeysPath: {
			`{"name": "evil", "superuser": false, "superuser": true}`,
			`{"name": "evil", "roles": [{"id": 1, "id": 2}]}`, `{"name": "evil", "n\u0061me": "x"}`,
		},
		apikeysPath + "/3": {`{"superuser": false, "superuser": true}`, `{"roles": [{"id": 1, "\u0069d": 1}]}`},
		rolesPath: {
			`{"name": "evil", "scopes": [{"name": "audit", "read": false, "write": false, "read": true}]}`,
		},
		usersPath + "/1": {
			`{"superuser": null, "superuser": true}`, `{"password": "12345678", "password": "87654321"}`,
		},
		tokenPath: {`{"grant_type": "refresh_token", "refresh_token": "x", "refresh_token": "y"}`},
	} {
		for _, body := range bodies {
			method := "POST"
			if strings.HasSuffix(uri, "/1") || strings.HasSuffix(uri, "/3") {
				method = "PUT"
			}
			if got := send(t, s, method, uri, body); got.status != 400 ||
				!strings.Contains(string(got.body), "Chave repetida") {
				t.Errorf("%s %s %s: %d %s", method, uri, body, got.status, got.body)
			}
		}
	}
	before.unchanged(t, s)
}

// Ids that are malformed are answered with 400 and those that do not exist with 404, with every
// method, and nothing changes.
func TestHostileAccess_Paths(t *testing.T) {
	t.Parallel()
	s := withAccess(t)
	before := inventory(t, s)
	bodies := map[string]string{
		"PUT": `{"superuser": true, "name": "evil", "fullname": "evil"}`, "POST": `{"overlap": 0}`,
	}
	for path, methods := range map[string][]string{
		apikeysPath + "/%s": {"GET", "PUT", "DELETE"}, apikeysPath + "/%s/rotate": {"POST"},
		rolesPath + "/%s": {"GET", "PUT", "DELETE"},
		usersPath + "/%s": {"GET", "PUT", "DELETE"}, auditPath + "/%s": {"GET"},
	} {
		for _, method := range methods {
			for _, id := range []string{
				"0", "-1", "9007199254740992", "99999999999999999999", "1e3", "1.0", "abc", "0x1", "%00", "%20",
				"1%2f..", "1;a", "٣",
			} {
				send(t, s, method, fmt.Sprintf(path, id), bodies[method]).want(t, 400, "id", "invalid")
			}
			send(t, s, method, fmt.Sprintf(path, "9007199254740991"), bodies[method]).want(t, 404, "id", "not_found")
		}
	}
	for _, line := range []string{
		"DELETE " + apikeysPath, "PATCH " + usersPath + "/1", "POST " + usersPath + "/1", "GET " + apikeysPath +
			"/1/rotate", "PUT /api/scopes",
		"POST " + infoPath, "DELETE " + auditPath, "PUT " + auditPath + "/1", "GET " + usersPath + "/",
		"GET /api/Users", "GET /api/3rdparty", "GET /api/v1/users",
	} {
		method, path, _ := strings.Cut(line, " ")
		send(t, s, method, path, "").want(t, 404, "", "not_found")
	}
	before.unchanged(t, s)
}

// Numbers in every spelling, in every place that takes an id or a count.
func TestHostileAccess_Numbers(t *testing.T) {
	t.Parallel()
	s := withAccess(t)
	before := inventory(t, s)
	for _, number := range []string{
		"1e400", "-1e400", "9007199254740993", "9223372036854775808", "-1", "1.5", "1e-999999999", `"1"`, "true", `[1]`,
		`""`,
	} {
		for _, body := range []string{
			`{"roles": [%s]}`, `{"roles": [{"id": %s}]}`, `{"roles": [{"id": %s, "ID": 1}]}`,
		} {
			send(t, s, "PUT", apikeysPath+"/3", fmt.Sprintf(body, number)).want(t, 409, "roles[0]", "invalid")
			send(t, s, "PUT", usersPath+"/1", fmt.Sprintf(body, number)).want(t, 409, "roles[0]", "invalid")
		}
		send(t, s, "PUT", apikeysPath+"/3", fmt.Sprintf(`{"rate_limit": %s}`, number)).
			want(t, 409, "rate_limit", "invalid")
		send(t, s, "POST", apikeysPath+"/3/rotate", fmt.Sprintf(`{"overlap": %s}`, number)).
			want(t, 409, "overlap", "invalid")
	}
	before.unchanged(t, s)
	for _, number := range []string{"1", "1.0", "1e0", "10e-1", "1.000000000000000000000000000000000"} {
		got := send(
			t, s, "PUT", apikeysPath+"/3", fmt.Sprintf(`{"roles": [{"id": %s}], "rate_limit": %s}`, number, number),
		).object(
			t,
		)
		if diff := cmp.Diff([]any{map[string]any{"id": 1.0, "name": "users"}}, got["roles"]); diff != "" ||
			got["rate_limit"] != 1.0 {
			t.Errorf("%s: rate_limit %v, roles (-want +got):\n%s", number, got["rate_limit"], diff)
		}
	}
}

// Lists have a maximum length, and every text has one in characters.
func TestHostileAccess_Large(t *testing.T) {
	t.Parallel()
	s := withAccess(t)
	before := inventory(t, s)
	list := func(n int, item func(int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	addresses := func(n int) string {
		return list(n, func(i int) string { return fmt.Sprintf(`"10.0.0.%d"`, i) })
	}
	send(t, s, "PUT", apikeysPath+"/3", `{"allowed_ips": `+addresses(65)+`}`).want(t, 409, "allowed_ips", "invalid")
	numbers := func(n int) string { return list(n, func(i int) string { return fmt.Sprint(i + 1) }) }
	send(t, s, "PUT", apikeysPath+"/3", `{"roles": `+numbers(1001)+`}`).want(t, 409, "roles", "invalid")
	send(t, s, "PUT", usersPath+"/1", `{"roles": `+numbers(1001)+`}`).want(t, 409, "roles", "invalid")
	send(t, s, "PUT", usersPath+"/1", `{"roles": `+numbers(1000)+`}`).want(t, 409, "roles[1]", "not_found")
	scopes := list(101, func(int) string { return `{"name": "audit", "read": true, "write": true}` })
	send(t, s, "PUT", rolesPath+"/1", `{"scopes": `+scopes+`}`).want(t, 409, "scopes", "invalid")
	for field, n := range map[string]int{"name": 256, "description": 1001, "expires_at": 65} {
		send(t, s, "PUT", apikeysPath+"/3", `{"`+field+`": "`+strings.Repeat("ç", n)+`"}`).
			want(t, 409, field, "invalid")
	}
	for field, n := range map[string]int{"password": 1025, "email": 256, "fullname": 256, "username": 256} {
		send(t, s, "PUT", usersPath+"/1", `{"`+field+`": "`+strings.Repeat("ç", n)+`"}`).want(t, 409, field, "invalid")
	}
	send(t, s, "PUT", usersPath+"/1", `{"password": "`+strings.Repeat("x", 1<<20)+`"}`).want(t, 400, "", "invalid")
	before.unchanged(t, s)
	send(
		t, s, "PUT", apikeysPath+"/3", `{"allowed_ips": `+addresses(64)+`, "description": "`+strings.Repeat("ç", 1000)+
			`"}`,
	).want(
		t, 200, "", "",
	)
}

// Neither NUL nor other control characters get into a text, and they do no harm where a text is
// only compared.
func TestHostileAccess_ControlCharacters(t *testing.T) {
	t.Parallel()
	s := withAccess(t)
	before := inventory(t, s)
	for _, character := range []string{`\u0000`, `\u001b`, `\u007f`, `\u0085`} {
		text := `"a@b.c` + character + `aaaa"`
		for uri, fields := range map[string][]string{
			apikeysPath + "/3": {"name", "description", "expires_at"}, rolesPath + "/1": {"name"},
			usersPath + "/1": {"email", "fullname", "password", "username"},
		} {
			for _, field := range fields {
				send(t, s, "PUT", uri, `{"`+field+`": `+text+`}`).want(t, 409, field, "invalid")
			}
		}
		send(t, s, "PUT", apikeysPath+"/3", `{"allowed_ips": [`+text+`]}`).want(t, 409, "allowed_ips[0]", "invalid")
		send(t, s, "PUT", rolesPath+"/1", `{"scopes": [{"name": `+text+`, "read": true, "write": true}]}`).
			want(t, 409, "scopes[0].name", "not_found")
		for _, field := range []string{"username", "password"} {
			credential := map[string]json.RawMessage{
				"grant_type": json.RawMessage(`"password"`), "username": json.RawMessage(`"u"`),
				"password": json.RawMessage(`"p"`),
			}
			credential[field] = json.RawMessage(text)
			body, err := json.Marshal(credential)
			if err != nil {
				t.Fatal(err)
			}
			send(t, s, "POST", tokenPath, string(body), "Authorization", "").want(t, 401, "authorization", "invalid")
		}
		send(
			t, s, "POST", tokenPath, `{"grant_type": "refresh_token", "refresh_token": `+text+`}`, "Authorization", "",
		).want(
			t, 401, "authorization", "invalid",
		)
	}
	before.unchanged(t, s)
}

// Dates at the limits of what can be written do not fail, and never become "never".
func TestHostileAccess_Dates(t *testing.T) {
	t.Parallel()
	s := withAccess(t)
	events := len(inventory(t, s).Events)
	for date, before := range map[string]int{ // how many events are earlier
		"0001-01-01T00:00:01Z": 0, "1969-12-31": 0, "2999-01-01": events, "9999-12-31T23:59:59Z": events,
	} {
		for parameter, want := range map[string]int{"from": events - before, "to": before} {
			got := send(t, s, "GET", auditPath+"?size=100&"+parameter+"="+date, "").object(t)
			if got := len(got["events"].([]any)); got != want {
				t.Errorf("%s=%s gives %d events, not %d", parameter, date, got, want)
			}
		}
	}
	for _, date := range []string{
		"0000-01-01", "0001-01-01", "10000-01-01", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00%2B01:00",
	} {
		send(t, s, "GET", auditPath+"?from="+date, "").want(t, 400, "from", "invalid")
		send(t, s, "PUT", apikeysPath+"/3", `{"expires_at": "`+strings.Replace(date, "%2B", "+", 1)+`"}`).
			want(t, 409, "expires_at", "invalid")
	}
	send(t, s, "PUT", apikeysPath+"/3", `{"expires_at": "9999-12-31T23:59:59Z"}`).want(t, 200, "", "")
}
