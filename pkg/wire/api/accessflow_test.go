package api_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const (
	apikeysPath = "/api/3rdparty/apikeys"
	rolesPath   = "/api/roles"
	usersPath   = "/api/users"
	infoPath    = "/api/user/info"
	auditPath   = "/api/audit/events"
	tokenPathV1 = "/api/v1/oauth2/token"
)

const password = "uma-senha-longa"

// withUser starts a server with the superuser root, whose password is the constant password.
func withUser(t testing.TB, change ...func(*wiretest.Settings)) *wiretest.Server {
	t.Helper()
	s := wiretest.Start(t, change...)
	if _, err := s.Services.Users.Create(
		s.Operator, domain.User{Username: "root", Superuser: true, Enabled: true}, password, nil,
	); err != nil {
		t.Fatal(err)
	}
	return s
}

// credentials are the bodies that request a token: with an apikey, and with a password.
func credentials(s *wiretest.Server) map[string]map[string]any {
	return map[string]map[string]any{
		"apikey": {"grant_type": "refresh_token", "refresh_token": s.Token},
		"user":   {"grant_type": "password", "username": "root", "password": password},
	}
}

// With either credential, and on either path, the cookies are all that the SDK's auth module needs.
func TestFlow_Access(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	s := withUser(t)
	for kind, credential := range credentials(s) {
		for version, path := range map[string]string{"": tokenPath, "v1": tokenPathV1} {
			t.Run(kind+version, func(t *testing.T) {
				t.Parallel()
				c := newSession(t, s)
				c.grant(path, credential)
				status, info := c.call("GET", infoPath, nil)
				c.checkObject(info, infoKeys)
				if status != 200 || info["owner_type"] != kind || info["superuser"] != true {
					t.Fatalf("%d %v", status, info)
				}
				c.manageAccess(kind + version)
			})
		}
	}
}

// manageAccess makes, reads, changes and removes a role, and an apikey and a user who have it.
func (c *session) manageAccess(name string) {
	c.t.Helper()
	role := c.cycle(
		rolesPath, "roles", roleKeys, map[string]any{
			"name": name, "scopes": []any{map[string]any{"name": "auth.users", "read": true, "write": true}},
		}, "name",
	)
	roles := []any{role}
	key := c.cycle(
		apikeysPath, "apikeys", apikeyKeys, map[string]any{"name": name, "superuser": false, "roles": roles}, "name",
	)
	user := c.cycle(
		usersPath, "users", userKeys, map[string]any{
			"username": name, "password": password, "email": "a@b.com.br", "roles": roles,
		}, "fullname",
	)
	if status, body := c.call("DELETE", fmt.Sprintf("%s/%v", rolesPath, role), nil); status != 409 ||
		c.fieldErrors(body)[0] != "id rule" {
		c.t.Errorf("a role in use: %d %v", status, body)
	}
	for _, uri := range []string{
		fmt.Sprintf("%s/%v", apikeysPath, key), fmt.Sprintf("%s/%v", usersPath, user),
		fmt.Sprintf("%s/%v", rolesPath, role),
	} {
		if status, body := c.call("DELETE", uri, nil); status != 200 || body != nil {
			c.t.Errorf("DELETE %s: %d %v", uri, status, body)
		}
		if status, body := c.call("GET", uri, nil); sdkStatuses[status] != "NOT_FOUND_ERROR" ||
			len(c.fieldErrors(body)) != 1 {
			c.t.Errorf("GET %s: %d %v", uri, status, body)
		}
	}
}

// cycle makes a resource, finds it by its id and in the list, and updates it, first with nothing
// and then with one field. It returns the id.
func (c *session) cycle(uri, list string, keys []string, spec map[string]any, field string) any {
	c.t.Helper()
	status, made := c.call("POST", uri, spec)
	if status != 200 {
		c.t.Fatalf("POST %s: %d %v", uri, status, made)
	}
	one := fmt.Sprintf("%s/%v", uri, made["id"])
	_, got := c.call("GET", one, nil)
	_, same := c.call("PUT", one, map[string]any{})
	items, _ := c.pages(uri, list, "")
	at := slices.IndexFunc(items, func(item map[string]any) bool { return item["id"] == made["id"] })
	for _, object := range []map[string]any{got, same, items[at]} {
		c.checkObject(object, keys)
		if diff := cmp.Diff(made, object); diff != "" {
			c.t.Errorf("%s (-made +got):\n%s", one, diff)
		}
	}
	status, changed := c.call("PUT", one, map[string]any{field: "Renomeado " + fmt.Sprint(made["name"])})
	if status != 200 || !strings.HasPrefix(fmt.Sprint(changed[field]), "Renomeado") ||
		changed["created_at"] != made["created_at"] {
		c.t.Errorf("PUT %s: %d %v", one, status, changed)
	}
	if !c.parseTime(changed["updated_at"]).After(c.parseTime(made["updated_at"])) {
		c.t.Errorf("%s was updated at %v, and made at %v", one, changed["updated_at"], made["updated_at"])
	}
	return made["id"]
}

// The SDK never asks for a token again: when the access cookie is gone, the refresh cookie has to
// suffice.
func TestFlow_SessionsOutliveTheirAccessTokens(t *testing.T) {
	t.Parallel()
	s := withUser(t)
	for kind, credential := range credentials(s) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newSession(t, s)
			if status, body := c.call("GET", casPath, nil); sdkStatuses[status] != "PERMISSION_ERROR" ||
				len(c.fieldErrors(body)) != 1 {
				t.Errorf("without a token: %d %v", status, body)
			}
			c.grant(tokenPath, credential)
			for _, step := range []struct {
				drop     string
				left     []string
				status   int
				carrying []string
			}{
				{"access-token", []string{"refresh-token"}, 200, []string{"access-token", "refresh-token"}},
				{"access-token", []string{"refresh-token"}, 200, []string{"access-token", "refresh-token"}},
				{"refresh-token", []string{"access-token"}, 200, []string{"access-token"}},
				{"access-token", nil, 401, nil},
			} {
				c.drop(step.drop)
				c.wantCookies(step.left)
				if status, _ := c.call("POST", rolesPath, map[string]any{}); status != map[int]int{
					200: 409, 401: 401,
				}[step.status] {
					t.Errorf("POST with %v: %d", step.left, status)
				}
				if status, _ := c.call("GET", casPath, nil); status != step.status {
					t.Errorf("GET with %v: %d", step.left, status)
				}
				c.wantCookies(step.carrying)
			}
		})
	}
}

func (c *session) wantCookies(want []string) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.cookies()); diff != "" {
		c.t.Errorf("cookies (-want +got):\n%s", diff)
	}
}

// A new password ends all sessions but the one that set it. That one continues, even if it has the
// refresh cookie alone.
func TestFlow_PasswordChange(t *testing.T) {
	t.Parallel()
	s := withUser(t)
	c, elsewhere := newSession(t, s), newSession(t, s)
	c.signIn("root", password)
	present := password
	for i, cookies := range [][]string{{"access-token", "refresh-token"}, {"refresh-token"}} {
		elsewhere.signIn("ROOT", present)
		c.wantCookies(cookies)
		next := fmt.Sprint("outra-senha-longa ", i)
		status, info := c.call(
			"PUT", infoPath, map[string]any{
				"fullname": next, "email": "raiz@b.com.br", "current_password": present, "password": next,
			},
		)
		c.checkObject(info, ownInfoKeys)
		if status != 200 || info["fullname"] != next || info["email"] != "raiz@b.com.br" {
			t.Fatalf("%d %v", status, info)
		}
		if status, _ := elsewhere.call("GET", casPath, nil); status != 401 {
			t.Errorf("another session goes on: %d", status)
		}
		for range 2 {
			if status, _ := c.call("GET", casPath, nil); status != 200 {
				t.Errorf("the session does not go on: %d", status)
			}
			c.drop("access-token")
		}
		if status, _ := elsewhere.call(
			"POST", tokenPath, map[string]any{"grant_type": "password", "username": "root", "password": present},
		); status != 401 {
			t.Errorf("the old password: %d", status)
		}
		present = next
	}
}

// A caller that another replica has removed, and that this one still trusts for a moment, has no
// profile any more: the answer is 401 and not 404.
func TestFlow_Removed(t *testing.T) {
	t.Parallel()
	s := withUser(t)
	user, apikey := newSession(t, s), newSession(t, s)
	user.signIn("root", password)
	apikey.logIn(s.Token)
	for _, c := range []*session{user, apikey} {
		if status, _ := c.call("GET", infoPath, nil); status != 200 {
			t.Errorf("%d", status)
		}
	}
	if err := errors.Join(
		s.Storage.Store.Users().Delete(t.Context(), 1), s.Storage.Store.APIKeys().Delete(t.Context(), 1),
	); err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		session *session
		method  string
		body    any
	}{
		{user, "GET", nil}, {apikey, "GET", nil}, {user, "PUT", map[string]any{"fullname": "x"}},
		{user, "PUT", map[string]any{"current_password": password, "password": password}},
	} {
		if status, body := try.session.call(try.method, infoPath, try.body); status != 401 ||
			!cmp.Equal(user.fieldErrors(body), []string{"authorization invalid"}) {
			t.Errorf("%s: %d %v", try.method, status, body)
		}
	}
}

// If the server is set so, only the caller that makes or rotates a key sees its whole token.
func TestFlow_TokensOnce(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Config.APIKeyTokensOnce = true })
	made := send(t, s, "POST", apikeysPath, `{"name": "key", "superuser": true}`).object(t)["token"].(string)
	rotated := send(t, s, "POST", apikeysPath+"/3/rotate", "").object(t)["token"].(string)
	for _, token := range []string{made, rotated} {
		send(t, s, "GET", infoPath, "", "Authorization", "Bearer "+token).want(t, 200, "", "")
	}
	masked := "************" + rotated[len(rotated)-4:]
	for method, body := range map[string]string{"GET": "", "PUT": `{"description": "x"}`} {
		if got := send(t, s, method, apikeysPath+"/3", body).object(t)["token"]; got != masked {
			t.Errorf("%s shows %v", method, got)
		}
	}
	c := newSession(t, s)
	c.logIn(s.Token)
	keys, _ := c.pages(apikeysPath, "apikeys", "")
	for _, key := range keys {
		if token := key["token"].(string); len(token) != len(masked) || !strings.HasPrefix(token, "****") {
			t.Errorf("the list shows %s", token)
		}
	}
}

// When a credential is deleted, disabled or rotated out, everything that was issued from it ends.
func TestFlow_EndOfACredential(t *testing.T) {
	t.Parallel()
	s := withUser(t)
	for name, end := range map[string]struct{ method, uri, body string }{
		"deleted":  {"DELETE", "", ""},
		"disabled": {"PUT", "", `{"enabled": false}`},
		"expired":  {"PUT", "", `{"expires_at": "2020-01-01"}`},
		"rotated":  {"POST", "/rotate", `{"overlap": 0}`},
		"moved":    {"PUT", "", `{"allowed_ips": ["192.0.2.0/24"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := send(t, s, "POST", apikeysPath, `{"name": "`+name+`", "superuser": true}`).object(t)
			apikey := made["token"].(string)
			access := send(t, s, "POST", tokenPath, `{"grant_type": "refresh_token", "refresh_token": "`+apikey+`"}`).
				object(t)["access_token"].(string)
			uses := map[string]func() answer{
				"the apikey as bearer": func() answer {
					return send(
						t, s, "GET", infoPath, "", "Authorization", "Bearer "+apikey,
					)
				},
				"the access token as bearer": func() answer {
					return send(
						t, s, "GET", infoPath, "", "Authorization", "Bearer "+access,
					)
				},
				"the access cookie": func() answer {
					return send(t, s, "GET", infoPath, "", "Authorization", "", "Cookie", "access-token="+access)
				},
				"the refresh cookie": func() answer {
					return send(t, s, "GET", infoPath, "", "Authorization", "", "Cookie", "refresh-token="+apikey)
				},
				"both cookies": func() answer {
					return send(
						t, s, "GET", infoPath, "", "Authorization", "", "Cookie", "access-token="+access+
							"; refresh-token="+apikey,
					)
				},
				"another exchange": func() answer {
					return send(
						t, s, "POST", tokenPathV1, `{"grant_type": "refresh_token", "refresh_token": "`+apikey+`"}`,
						"Authorization", "",
					)
				},
			}
			for use, try := range uses {
				if got := try(); got.status != 200 {
					t.Errorf("%s before: %d %s", use, got.status, got.body)
				}
			}
			send(t, s, end.method, fmt.Sprintf("%s/%v%s", apikeysPath, made["id"], end.uri), end.body).
				want(t, 200, "", "")
			want := 401
			if name == "moved" {
				want = 403
			}
			for use, try := range uses {
				if got := try(); got.status != want || got.header.Get("Set-Cookie") != "" {
					t.Errorf("%s after: %d %s", use, got.status, got.body)
				}
			}
		})
	}
}

// The pages of every list go forward until next is null, and back until previous is.
func TestFlow_Pages(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	for i := range 5 {
		s.Role(t, fmt.Sprint("role ", i))
		s.APIKey(t, domain.APIKey{Name: fmt.Sprint("key ", i)})
		user := domain.User{Username: fmt.Sprint("user ", i)}
		if err := s.Storage.Store.Users().Create(t.Context(), &user); err != nil {
			t.Fatal(err)
		}
	}
	c := newSession(t, s)
	c.logIn(s.Token)
	for uri, list := range map[string]string{
		rolesPath: "roles", usersPath: "users", apikeysPath: "apikeys", auditPath: "events",
		auditPath + "?order=desc": "events",
	} {
		all, _ := c.pages(uri, list, "100")
		if len(all) < 5 {
			t.Errorf("%s lists %d", uri, len(all))
		}
		for _, size := range []string{"", "1", "2", "3"} {
			items, _ := c.pages(uri, list, size)
			if diff := cmp.Diff(all, items); diff != "" {
				t.Errorf("%s in pages of %s (-all +got):\n%s", uri, size, diff)
			}
		}
		if back := c.pagesBack(uri, list, "2"); !cmp.Equal(all, back) {
			t.Errorf("%s backwards: %v", uri, back)
		}
	}
	if status, body := c.call("GET", rolesPath+"?cursor=9007199254740991&size=", nil); status != 200 ||
		len(body["roles"].([]any)) != 0 || body["cursor"].(map[string]any)["next"] != nil {
		t.Errorf("past the end: %d %v", status, body)
	}
	status, scopes := c.call("GET", "/api/scopes", nil)
	c.checkObject(scopes, []string{"scopes"})
	if status != 200 || len(scopes["scopes"].([]any)) < 8 {
		t.Errorf("%d %v", status, scopes)
	}
}

// The SDK can decode every refusal.
func TestFlow_Refusals(t *testing.T) {
	t.Parallel()
	s := withUser(t)
	c := newSession(t, s)
	c.signIn("root", password)
	weak := newSession(t, s)
	weak.logIn(s.Powerless)
	for _, test := range []struct {
		session     *session
		method, uri string
		body        any
		status      int
		errors      []string
	}{
		{c, "GET", apikeysPath + "?cursor=0&size=0", nil, 400, []string{"size invalid"}},
		{c, "GET", rolesPath + "/abc", nil, 400, []string{"id invalid"}},
		{c, "POST", usersPath, []any{}, 400, []string{" invalid"}},
		{
			c, "POST", tokenPath, map[string]any{
				"grant_type": "refresh_token", "refresh_token": "a", "username": "b", "password": "c",
			}, 400, []string{
				"refresh_token invalid",
			},
		},
		{newSession(t, s), "GET", usersPath, nil, 401, []string{"authorization invalid"}},
		{
			newSession(t, s), "POST", tokenPath, map[string]any{
				"grant_type": "password", "username": nil, "password": nil,
			}, 401, []string{
				"username invalid", "password invalid",
			},
		},
		{
			newSession(t, s), "POST", tokenPathV1, map[string]any{
				"grant_type": "password", "username": "root", "password": "errada",
			}, 401, []string{
				"authorization invalid",
			},
		},
		{
			newSession(t, s), "POST", tokenPath, map[string]any{"grant_type": "refresh_token", "refresh_token": nil},
			401, []string{"refresh_token invalid"},
		},
		{weak, "GET", usersPath + "?cursor=0&size=", nil, 403, []string{"authorization rule"}},
		{weak, "PUT", infoPath, map[string]any{"fullname": "x"}, 403, []string{"authorization rule"}},
		{c, "GET", usersPath + "/99", nil, 404, []string{"id not_found"}},
		{c, "DELETE", apikeysPath + "/99", nil, 404, []string{"id not_found"}},
		{c, "POST", usersPath, map[string]any{}, 409, []string{"username required", "password required"}},
		{
			c, "POST", usersPath, map[string]any{"username": "Root", "password": "dezenas de zebras"}, 409,
			[]string{"username duplicated"},
		},
		{
			c, "POST", usersPath, map[string]any{
				"username": "novo", "password": "dezenas de zebras", "roles": []any{7},
			}, 409, []string{
				"roles[0] not_found",
			},
		},
		{c, "PUT", usersPath + "/1", map[string]any{"password": "curta"}, 409, []string{"password invalid"}},
		{
			c, "PUT", infoPath, map[string]any{"password": "dezenas de zebras"}, 409,
			[]string{"current_password required"},
		},
		{
			c, "PUT", infoPath, map[string]any{"password": "dezenas de zebras", "current_password": "errada"}, 409,
			[]string{"current_password invalid"},
		},
	} {
		status, body := test.session.call(test.method, test.uri, test.body)
		if diff := cmp.Diff(test.errors, c.fieldErrors(body)); status != test.status || diff != "" {
			t.Errorf("%s %s: %d, not %d (-want +got):\n%s", test.method, test.uri, status, test.status, diff)
		}
	}
}
