package api_test

import (
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
