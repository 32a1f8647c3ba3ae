package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

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
