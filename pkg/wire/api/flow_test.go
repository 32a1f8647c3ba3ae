package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// session does what the product's Python SDK does: it asks for a token once, ignores the body of the answer, and has nothing but its
// cookies from then on.
type session struct {
	t    *testing.T
	host string
	http *http.Client
}

func newSession(t *testing.T, s *wiretest.Server) *session {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Client{Transport: s.HTTP.Transport, Jar: jar} // redirects are followed, as there
	return &session{t, s.URL, transport}
}

// logIn fails as the SDK does when the answer is anything but 200.
func (c *session) logIn(apikey string) {
	c.t.Helper()
	status, _ := c.call("POST", tokenPath, map[string]any{"grant_type": "refresh_token", "refresh_token": apikey})
	if status != 200 {
		c.t.Fatalf("the token request is answered %d", status)
	}
}

// call sends JSON as Python's json.dumps writes it, and reads an answer only if its Content-Type is exactly application/json.
func (c *session) call(method, uri string, body any) (int, map[string]any) {
	c.t.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = bytes.NewReader(escapeASCII(text))
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.host+uri, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Accept", "*/*")
	request.Header.Set("Accept-Encoding", "gzip, deflate")
	request.Header.Set("User-Agent", "python-requests/2.34.2")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	got := do(c.t, c.http, request)
	if _, known := sdkStatuses[got.status]; !known {
		c.t.Fatalf("%s %s: KeyError: %d", method, uri, got.status)
	}
	if got.header.Get("Content-Type") != "application/json" {
		return got.status, nil
	}
	var decoded map[string]any
	if err := json.Unmarshal(got.body, &decoded); err != nil {
		c.t.Fatalf("%s %s: JSONDecodeError: %v", method, uri, err)
	}
	return got.status, decoded
}

// cookies are the names of those that the next request would carry.
func (c *session) cookies() []string {
	c.t.Helper()
	u, err := url.Parse(c.host + casPath)
	if err != nil {
		c.t.Fatal(err)
	}
	var names []string
	for _, cookie := range c.http.Jar.Cookies(u) {
		names = append(names, cookie.Name)
	}
	slices.Sort(names)
	return names
}

// drop removes a cookie, as its Max-Age does in time.
func (c *session) drop(name string) {
	c.t.Helper()
	u, err := url.Parse(c.host)
	if err != nil {
		c.t.Fatal(err)
	}
	c.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1}})
}

var sdkStatuses = map[int]string{
	200: "SUCCESS", 400: "CLIENT_ERROR", 401: "PERMISSION_ERROR", 403: "PERMISSION_ERROR", 404: "NOT_FOUND_ERROR", 409: "VALIDATION_ERROR",
}

// escapeASCII writes every character beyond ASCII as Python does, in \u and four digits.
func escapeASCII(text []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(text) {
		if r < 0x80 {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.Bytes()
}

// fieldErrors decodes a refusal by the SDK's rules: an empty body is no errors, otherwise every key is read without looking.
func (c *session) fieldErrors(body map[string]any) []string {
	c.t.Helper()
	if len(body) == 0 {
		return []string{}
	}
	list, ok := body["errors"].([]any)
	if !ok {
		c.t.Fatalf("KeyError or TypeError: errors in %v", body)
	}
	errors := []string{}
	for _, item := range list {
		member, _ := item.(map[string]any)
		for _, key := range []string{"field", "type", "msg"} {
			if _, ok := member[key].(string); !ok {
				c.t.Fatalf("KeyError: %s in %v", key, item)
			}
		}
		if !slices.Contains([]string{"invalid", "duplicated", "required", "not_found", "rule"}, member["type"].(string)) {
			c.t.Fatalf("KeyError: %s", member["type"])
		}
		errors = append(errors, member["field"].(string)+" "+member["type"].(string))
	}
	return errors
}

// parseTime reads a date as pendulum does.
func (c *session) parseTime(value any) time.Time {
	c.t.Helper()
	text, _ := value.(string)
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !strings.HasSuffix(text, "+00:00") {
		c.t.Fatalf("ValueError: %v (%v)", value, err)
	}
	return parsed
}

// The keys that the SDK reads without looking, by object, and which of them are dates.
var (
	clientKeys = []string{
		"id", "ca_id", "name", "email", "description", "country", "province", "city", "organization", "sector", "expired", "revoked",
		"expiry_date", "created_at", "updated_at",
	}
	caKeys = []string{
		"id", "name", "description", "country", "province", "city", "organization", "sector", "email", "expiry_date", "created_at", "updated_at",
	}
	dateKeys = []string{"expiry_date", "created_at", "updated_at"}
)

func (c *session) checkObject(object map[string]any, keys []string) {
	c.t.Helper()
	for _, key := range keys {
		if value, ok := object[key]; !ok || value == nil {
			c.t.Errorf("KeyError: %q in %v", key, object)
		}
	}
	for _, key := range dateKeys {
		c.parseTime(object[key])
	}
	for _, key := range []string{"password", "key", "cert"} {
		if _, ok := object[key]; ok {
			c.t.Errorf("%q is shown", key)
		}
	}
}

// pages reads a list as the SDK's page object does: cursor first, then `next` verbatim until it is null.
func (c *session) pages(uri, key string, size string) (items []map[string]any, calls int) {
	c.t.Helper()
	for cursor := "0"; ; calls++ {
		status, body := c.call("GET", uri+"?cursor="+cursor+"&size="+size, nil)
		if status != 200 || calls > 100 {
			c.t.Fatalf("%d after %d calls", status, calls)
		}
		for _, item := range body[key].([]any) { // a null would not be iterable
			items = append(items, item.(map[string]any))
		}
		at := body["cursor"].(map[string]any)
		if got := fmt.Sprintf("%.0f", at["current"]); got != cursor {
			c.t.Fatalf("current is %s on the page %s", got, cursor)
		}
		previous, present := at["previous"]
		if !present || (previous == nil) != (cursor == "0") {
			c.t.Fatalf("previous is %v on the page %s", previous, cursor)
		}
		next, present := at["next"]
		if !present {
			c.t.Fatal("KeyError: next")
		}
		if next == nil {
			return items, calls + 1
		}
		cursor = fmt.Sprintf("%.0f", next)
	}
}

func TestFlow_PythonSDK(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	c := newSession(t, s)
	c.logIn(s.Token)
	if diff := cmp.Diff([]string{"access-token", "refresh-token"}, c.cookies()); diff != "" {
		t.Fatalf("cookies for %s (-want +got):\n%s", casPath, diff)
	}
	status, ca := c.call("POST", casPath, map[string]any{"name": "CA São João ✓", "email": "ca@empresa.com.br", "description": nil, "expiration": nil})
	if status != 200 || ca["name"] != "CA São João ✓" {
		t.Fatalf("%d %v", status, ca)
	}
	c.checkObject(ca, caKeys)
	for i := range 5 {
		status, client := c.call("POST", clientsPath, map[string]any{
			"ca_id": ca["id"], "name": fmt.Sprintf("site-%d", i), "email": "a@b.com.br", "city": "Brasília 😀", "password": nil, "country": nil, "expiration": 10,
		})
		if status != 200 || client["city"] != "Brasília 😀" {
			t.Fatalf("%d %v", status, client)
		}
		c.checkObject(client, clientKeys)
		if life := c.parseTime(client["expiry_date"]).Sub(c.parseTime(client["created_at"])); life < 10*24*time.Hour-time.Second || life > 10*24*time.Hour {
			t.Errorf("a life of %v", life)
		}
	}
	c.checkUpdates()
	c.checkLists()
	c.checkRefusals()
}

func (c *session) checkUpdates() {
	c.t.Helper()
	// The SDK leaves an empty description out, so that what it sends may be nothing.
	for _, uri := range []string{casPath + "/1", clientsPath + "/1"} {
		status, before := c.call("PUT", uri, map[string]any{})
		if status != 200 {
			c.t.Fatalf("PUT of nothing: %d %v", status, before)
		}
		status, after := c.call("PUT", uri, map[string]any{"description": "nova"})
		if status != 200 || after["description"] != "nova" || after["email"] != before["email"] {
			c.t.Errorf("PUT: %d %v", status, after)
		}
		if !c.parseTime(after["updated_at"]).After(c.parseTime(before["updated_at"])) || after["created_at"] != before["created_at"] {
			c.t.Errorf("updated from %v to %v", before, after)
		}
	}
	if status, body := c.call("DELETE", clientsPath+"/2", nil); status != 200 || body != nil {
		c.t.Errorf("DELETE: %d %v", status, body)
	}
	if status, client := c.call("GET", clientsPath+"/2", nil); status != 200 || client["revoked"] != true || client["expired"] != false {
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
	// Filters come first, the cursor last; spaces as a plus.
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
		{"POST", clientsPath, map[string]any{"ca_id": 9, "name": "SITE-0", "email": "a@b.com.br"}, "VALIDATION_ERROR", []string{"ca_id not_found", "name duplicated"}},
		{"POST", clientsPath, map[string]any{}, "VALIDATION_ERROR", []string{"ca_id required", "name required", "email required"}},
		{"POST", clientsPath, map[string]any{"ca_id": 1, "name": "a_b", "email": "x"}, "VALIDATION_ERROR", []string{"email invalid", "name invalid"}},
		{"DELETE", casPath + "/1", nil, "VALIDATION_ERROR", []string{"id rule"}},
		{"GET", clientsPath + "/99", nil, "NOT_FOUND_ERROR", []string{"id not_found"}},
		{"GET", "/api/users?cursor=0&size=", nil, "NOT_FOUND_ERROR", []string{" not_found"}},
		{"POST", "/api/openvpn/instances/1/reload", nil, "NOT_FOUND_ERROR", []string{" not_found"}},
		{"GET", clientsPath + "?cursor=0&size=0", nil, "CLIENT_ERROR", []string{"size invalid"}},
		{"POST", tokenPath, map[string]any{"grant_type": "password", "username": nil, "password": nil}, "CLIENT_ERROR", []string{"grant_type invalid"}},
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

// The SDK never asks for a token again: when the access cookie is gone the refresh cookie has to do.
func TestFlow_SessionOutlivesItsAccessToken(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	c := newSession(t, s)
	if status, body := c.call("GET", casPath, nil); sdkStatuses[status] != "PERMISSION_ERROR" || len(c.fieldErrors(body)) != 1 {
		t.Errorf("without a token: %d %v", status, body)
	}
	c.logIn(s.Token)
	c.drop("access-token")
	if diff := cmp.Diff([]string{"refresh-token"}, c.cookies()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if status, _ := c.call("GET", casPath, nil); status != 200 {
		t.Errorf("with the refresh cookie alone: %d", status)
	}
	if diff := cmp.Diff([]string{"access-token", "refresh-token"}, c.cookies()); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	c.drop("refresh-token")
	if status, _ := c.call("GET", casPath, nil); status != 200 {
		t.Errorf("with the fresh access cookie alone: %d", status)
	}
	c.drop("access-token")
	if status, _ := c.call("GET", casPath, nil); status != 401 {
		t.Errorf("without a cookie: %d", status)
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

func TestFlow_SecureCookies(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	elsewhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for name, test := range map[string]struct {
		trusted  []netip.Prefix
		external string
		header   []string
		secure   bool
	}{
		"plain http":                           {nil, "", nil, false},
		"a header that anybody can send":       {nil, "", []string{"X-Forwarded-Proto", "https"}, false},
		"a header of a peer that is no proxy":  {elsewhere, "", []string{"X-Forwarded-Proto", "https"}, false},
		"a header of a trusted proxy":          {loopback, "", []string{"X-Forwarded-Proto", "https"}, true},
		"a trusted proxy that says http":       {loopback, "", []string{"X-Forwarded-Proto", "http"}, false},
		"a trusted proxy that says nothing":    {loopback, "", nil, false},
		"the client's address is no proof":     {elsewhere, "", []string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.1"}, false},
		"the configured URL":                   {nil, "https://vpn.example.com", nil, true},
		"the configured URL, which is no TLS":  {nil, "http://vpn.example.com", nil, false},
		"another way of forwarding, not known": {loopback, "", []string{"Forwarded", "proto=https"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(t, func(settings *wiretest.Settings) {
				settings.Config.TrustedProxies, settings.Config.ExternalURL = test.trusted, test.external
			})
			for _, cookie := range tokenCookies(t, s, test.header...) {
				checkCookie(t, cookie, test.secure)
			}
		})
	}
}

// tokenCookies are those of both token paths, and the one that a request with the refresh cookie alone is given.
func tokenCookies(t *testing.T, s *wiretest.Server, header ...string) []*http.Cookie {
	t.Helper()
	body := `{"grant_type": "refresh_token", "refresh_token": "` + s.Token + `"}`
	var cookies []*http.Cookie
	for _, path := range []string{tokenPath, "/api/v1/oauth2/token"} {
		cookies = append(cookies, cookiesOf(send(t, s, "POST", path, body, header...))...)
	}
	resumed := send(t, s, "GET", casPath, "", append(header, "Authorization", "", "Cookie", "refresh-token="+s.Token)...)
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
	if cookie.Path != "/" || !cookie.HttpOnly || cookie.Domain != "" || cookie.MaxAge != life || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %s", cookie.Raw)
	}
	if cookie.Secure != secure {
		t.Errorf("Secure is %v of %s", cookie.Secure, cookie.Name)
	}
}
