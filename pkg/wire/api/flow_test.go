package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

func TestFlow_PythonSDK(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	c := newSession(t, s)
	c.logIn(s.Token)
	if diff := cmp.Diff([]string{"access-token", "refresh-token"}, c.cookies()); diff != "" {
		t.Fatalf("cookies for %s (-want +got):\n%s", casPath, diff)
	}
	status, ca := c.call(
		"POST", casPath, map[string]any{
			"name": "CA São João ✓", "email": "ca@empresa.com.br", "description": nil, "expiration": nil,
		},
	)
	if status != 200 || ca["name"] != "CA São João ✓" {
		t.Fatalf("%d %v", status, ca)
	}
	c.checkObject(ca, caKeys)
	for i := range 5 {
		status, client := c.call("POST", clientsPath, map[string]any{
			"ca_id": ca["id"], "name": fmt.Sprintf("site-%d", i), "email": "a@b.com.br", "city": "Brasília 😀",
			"password": nil, "country": nil, "expiration": 10,
		})
		if status != 200 || client["city"] != "Brasília 😀" {
			t.Fatalf("%d %v", status, client)
		}
		c.checkObject(client, clientKeys)
		if life := c.parseTime(client["expiry_date"]).
			Sub(c.parseTime(client["created_at"])); life < 10*24*time.Hour-time.Second || life > 10*24*time.Hour {
			t.Errorf("a life of %v", life)
		}
	}
	c.checkUpdates()
	c.checkLists()
	c.checkRefusals()
}

func (c *session) checkUpdates() {
	c.t.Helper()
	// The SDK leaves out an empty description, so an update may have no field at all.
	for _, uri := range []string{casPath + "/1", clientsPath + "/1"} {
		status, before := c.call("PUT", uri, map[string]any{})
		if status != 200 {
			c.t.Fatalf("PUT of nothing: %d %v", status, before)
		}
		status, after := c.call("PUT", uri, map[string]any{"description": "nova"})
		if status != 200 || after["description"] != "nova" || after["email"] != before["email"] {
			c.t.Errorf("PUT: %d %v", status, after)
		}
		if !c.parseTime(after["updated_at"]).After(c.parseTime(before["updated_at"])) ||
			after["created_at"] != before["created_at"] {
			c.t.Errorf("updated from %v to %v", before, after)
		}
	}
	if status, body := c.call("DELETE", clientsPath+"/2", nil); status != 200 || body != nil {
		c.t.Errorf("DELETE: %d %v", status, body)
	}
	if status, client := c.call("GET", clientsPath+"/2", nil); status != 200 || client["revoked"] != true ||
		client["expired"] != false {
		c.t.Errorf("revoked: %d %v", status, client)
	}
}

func (c *session) checkLists() {
	c.t.Helper()
	for size, calls := range map[string]int{"": 1, "15": 1, "5": 1, "2": 3, "1": 5} {
		items, called := c.pages(clientsPath, "clients", size)
		if len(items) != 5 || called != calls {
			c.t.Errorf("%d clients in %d pages of %q", len(items), called, size)
		}
		for i, item := range items {
			c.checkObject(item, clientKeys)
			if item["name"] != fmt.Sprintf("site-%d", i) {
				c.t.Errorf("%v is number %d", item["name"], i)
			}
		}
	}
	cas, _ := c.pages(casPath, "cas", "")
	if len(cas) != 1 {
		c.t.Fatalf("%d CAs", len(cas))
	}
	c.checkObject(cas[0], caKeys)
	// The SDK sends the filters first and the cursor last, and a space as a plus.
	status, page := c.call("GET", clientsPath+"?size=15&name=site+0&status=&ca_id=&cursor=0", nil)
	if status != 200 || len(page["clients"].([]any)) != 0 {
		c.t.Errorf("%d %v", status, page)
	}
}

func (c *session) checkRefusals() {
	c.t.Helper()
	for _, test := range []struct {
		method, uri string
		body        any
		status      string
		errors      []string
	}{
		{
			"POST", clientsPath, map[string]any{"ca_id": 9, "name": "SITE-0", "email": "a@b.com.br"},
			"VALIDATION_ERROR", []string{"ca_id not_found", "name duplicated"},
		},
		{
			"POST", clientsPath, map[string]any{}, "VALIDATION_ERROR",
			[]string{"ca_id required", "name required", "email required"},
		},
		{
			"POST", clientsPath, map[string]any{"ca_id": 1, "name": "a_b", "email": "x"}, "VALIDATION_ERROR",
			[]string{"email invalid", "name invalid"},
		},
		{"DELETE", casPath + "/1", nil, "VALIDATION_ERROR", []string{"id rule"}},
		{"GET", clientsPath + "/99", nil, "NOT_FOUND_ERROR", []string{"id not_found"}},
		{"GET", "/api/openvpn/nothing?cursor=0&size=", nil, "NOT_FOUND_ERROR", []string{" not_found"}},
		{"POST", "/api/openvpn/nothing/1/reload", nil, "NOT_FOUND_ERROR", []string{" not_found"}},
		{"GET", clientsPath + "?cursor=0&size=0", nil, "CLIENT_ERROR", []string{"size invalid"}},
		{
			"POST", tokenPath, map[string]any{"grant_type": "password", "username": nil, "password": nil},
			"PERMISSION_ERROR", []string{"username invalid", "password invalid"},
		},
	} {
		status, body := c.call(test.method, test.uri, test.body)
		if got := sdkStatuses[status]; got != test.status {
			c.t.Errorf("%s %s: %s, not %s", test.method, test.uri, got, test.status)
		}
		if diff := cmp.Diff(test.errors, c.fieldErrors(body)); diff != "" {
			c.t.Errorf("%s %s (-want +got):\n%s", test.method, test.uri, diff)
		}
	}
}

func TestFlow_TLS(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS = true })
	for _, cookie := range tokenCookies(t, s) {
		checkCookie(t, cookie, true)
	}
	c := newSession(t, s)
	c.logIn(s.Token)
	if status, _ := c.call("GET", casPath, nil); status != 200 {
		t.Errorf("with Secure cookies: %d", status)
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestFlow_SecureCookies(t *testing.T) {
	t.Parallel()
	elsewhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for name, test := range map[string]struct {
		trusted  []netip.Prefix
		external string
		header   []string
		secure   bool
	}{
		"plain http":                          {nil, "", nil, false},
		"a header that anybody can send":      {nil, "", []string{"X-Forwarded-Proto", "https"}, false},
		"a header of a peer that is no proxy": {elsewhere, "", []string{"X-Forwarded-Proto", "https"}, false},
		"a header of a trusted proxy":         {loopback, "", []string{"X-Forwarded-Proto", "https"}, true},
		"a trusted proxy that says http":      {loopback, "", []string{"X-Forwarded-Proto", "http"}, false},
		"a trusted proxy that says nothing":   {loopback, "", nil, false},
		"the client's address is no proof": {
			elsewhere, "", []string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.1"}, false,
		},
		"the configured URL":                   {nil, "https://vpn.example.com", nil, true},
		"the configured URL, which is no TLS":  {nil, "http://vpn.example.com", nil, false},
		"another way of forwarding, not known": {loopback, "", []string{"Forwarded", "proto=https"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(t, func(settings *wiretest.Settings) {
				settings.Config.TrustedProxies, settings.Config.ExternalURL = test.trusted, app.URL(test.external)
			})
			for _, cookie := range tokenCookies(t, s, test.header...) {
				checkCookie(t, cookie, test.secure)
			}
		})
	}
}

// tokenCookies returns the cookies of both token paths, and the one that a request with the refresh
// cookie alone gets.
func tokenCookies(t *testing.T, s *wiretest.Server, header ...string) []*http.Cookie {
	t.Helper()
	body := `{"grant_type": "refresh_token", "refresh_token": "` + s.Token + `"}`
	var cookies []*http.Cookie
	for _, path := range []string{tokenPath, "/api/v1/oauth2/token"} {
		cookies = append(cookies, cookiesOf(send(t, s, "POST", path, body, header...))...)
	}
	resumed := send(t, s, "GET", casPath, "",
		append(header, "Authorization", "", "Cookie", "refresh-token="+s.Token)...)
	cookies = append(cookies, cookiesOf(resumed)...)
	if len(cookies) != 5 {
		t.Errorf("%d cookies", len(cookies))
	}
	return cookies
}

func cookiesOf(a answer) []*http.Cookie {
	recorder := httptest.NewRecorder()
	for _, value := range a.header.Values("Set-Cookie") {
		recorder.Header().Add("Set-Cookie", value)
	}
	return recorder.Result().Cookies()
}

func checkCookie(t *testing.T, cookie *http.Cookie, secure bool) {
	t.Helper()
	life := map[string]int{"access-token": 900, "refresh-token": 30 * 24 * 3600}[cookie.Name]
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.Domain != "" || cookie.MaxAge != life ||
		cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %s", cookie.Raw)
	}
	if cookie.Secure != secure {
		t.Errorf("Secure is %v of %s", cookie.Secure, cookie.Name)
	}
}
