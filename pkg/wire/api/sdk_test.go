package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// session does what the product's Python SDK does: it asks for a token once, ignores the body of
// the answer, and has nothing but its cookies from then on.
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
	transport := &http.Client{Transport: s.HTTP.Transport, Jar: jar} // redirects are followed, as the SDK does
	return &session{t, s.URL, transport}
}

// logIn fails as the SDK does when the answer is anything but 200.
func (c *session) logIn(apikey string) {
	c.t.Helper()
	c.grant(tokenPath, map[string]any{"grant_type": "refresh_token", "refresh_token": apikey})
}

// signIn is logIn with a password.
func (c *session) signIn(username, password string) {
	c.t.Helper()
	c.grant(tokenPath, map[string]any{"grant_type": "password", "username": username, "password": password})
}

func (c *session) grant(path string, credential map[string]any) {
	c.t.Helper()
	if status, _ := c.call("POST", path, credential); status != 200 {
		c.t.Fatalf("the token request is answered %d", status)
	}
}

// call sends JSON as Python's json.dumps writes it, and reads an answer only if its Content-Type is
// exactly application/json.
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

// cookies returns the names of the cookies that the next request would carry.
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
	200: "SUCCESS", 400: "CLIENT_ERROR", 401: "PERMISSION_ERROR", 403: "PERMISSION_ERROR", 404: "NOT_FOUND_ERROR",
	409: "VALIDATION_ERROR",
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

// fieldErrors decodes a refusal by the SDK's rules: an empty body has no errors, otherwise every
// key is read without a check.
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
		if !slices.Contains(
			[]string{"invalid", "duplicated", "required", "not_found", "rule"}, member["type"].(string),
		) {
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

// The keys that the SDK reads without a check, by object.
var (
	clientKeys = []string{
		"id", "ca_id", "name", "email", "description", "country", "province", "city", "organization", "sector",
		"expired", "revoked",
		"expiry_date", "created_at", "updated_at",
	}
	caKeys = []string{
		"id", "name", "description", "country", "province", "city", "organization", "sector", "email", "expiry_date",
		"created_at", "updated_at",
	}
	apikeyKeys = []string{"id", "name", "token", "superuser", "roles", "created_at", "updated_at"}
	roleKeys   = []string{"id", "name", "scopes", "created_at", "updated_at"}
	userKeys   = []string{"id", "username", "email", "fullname", "superuser", "roles", "created_at", "updated_at"}
	// The keys that are read of the answer to GET /api/user/info, and of that to PUT.
	infoKeys     = []string{"username", "email", "fullname", "superuser", "owner_type", "scopes"}
	ownInfoKeys  = []string{"id", "username", "email", "fullname", "superuser", "roles"}
	roleRefKeys  = []string{"id", "name"}
	scopeKeys    = []string{"name", "read", "write"}
	listsOf      = map[string][]string{"roles": roleRefKeys, "scopes": scopeKeys}
	secretFields = []string{"password", "password_hash", "key", "cert"}
)

func (c *session) checkObject(object map[string]any, keys []string) {
	c.t.Helper()
	for _, key := range keys {
		value, ok := object[key]
		if !ok || value == nil {
			c.t.Errorf("KeyError: %q in %v", key, object)
		}
		if strings.HasSuffix(key, "_at") || key == "expiry_date" {
			c.parseTime(value)
		}
		for _, member := range listsOf[key] {
			for _, item := range value.([]any) {
				if item.(map[string]any)[member] == nil {
					c.t.Errorf("KeyError: %q in %s of %v", member, key, object)
				}
			}
		}
	}
	for _, key := range secretFields {
		if _, ok := object[key]; ok {
			c.t.Errorf("%q is shown", key)
		}
	}
}

// pages reads a list as the SDK's page object does: cursor first, then `next` verbatim until it is
// null.
func (c *session) pages(uri, key, size string) (items []map[string]any, calls int) {
	c.t.Helper()
	for cursor := "0"; ; calls++ {
		found, at := c.page(uri, key, size, cursor)
		items = append(items, found...)
		if (at["previous"] == nil) != (cursor == "0") || calls > 100 {
			c.t.Fatalf("previous is %v on the page %s", at["previous"], cursor)
		}
		if at["next"] == nil {
			return items, calls + 1
		}
		cursor = fmt.Sprintf("%.0f", at["next"])
	}
}

// pagesBack goes to the last page, and from there by `previous` until that is null.
func (c *session) pagesBack(uri, key, size string) (items []map[string]any) {
	c.t.Helper()
	cursor := "0"
	for _, direction := range []string{"next", "previous"} {
		for {
			found, at := c.page(uri, key, size, cursor)
			if direction == "previous" {
				items = append(found, items...)
			}
			if at[direction] == nil {
				break
			}
			cursor = fmt.Sprintf("%.0f", at[direction])
		}
	}
	return items
}

// page reads one page, and its cursor.
func (c *session) page(uri, key, size, cursor string) (items []map[string]any, at map[string]any) {
	c.t.Helper()
	sign := "?"
	if strings.Contains(uri, sign) {
		sign = "&"
	}
	status, body := c.call("GET", uri+sign+"cursor="+cursor+"&size="+size, nil)
	if status != 200 {
		c.t.Fatalf("%d %v", status, body)
	}
	at = body["cursor"].(map[string]any)
	for _, member := range []string{"current", "next", "previous"} {
		if _, present := at[member]; !present {
			c.t.Fatalf("KeyError: %s", member)
		}
	}
	if got := fmt.Sprintf("%.0f", at["current"]); got != cursor {
		c.t.Fatalf("current is %s on the page %s", got, cursor)
	}
	for _, item := range body[key].([]any) { // a null would not be iterable
		items = append(items, item.(map[string]any))
	}
	return items, at
}
