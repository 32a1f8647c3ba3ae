package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// retryAfter returns the header in seconds; 0 if there is none.
func (a answer) retryAfter(t testing.TB) int {
	t.Helper()
	text := a.header.Get("Retry-After")
	if text == "" {
		return 0
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 {
		t.Errorf("Retry-After: %s", text)
	}
	return seconds
}

// from returns the header of a request from another address, through a trusted proxy.
func from(address string) []string { return []string{"X-Forwarded-For", address} }

// behindProxy makes the server trust the tests as a proxy, so that their requests can come from any
// address.
func behindProxy(settings *wiretest.Settings) { settings.Config.TrustedProxies = loopback }

// withStill is withUser with a clock that stands still: no attempt is given back while a slow
// machine makes the others.
func withStill(t *testing.T, change ...func(*wiretest.Settings)) *wiretest.Server {
	t.Helper()
	s := withUser(t, change...)
	passwords := s.Services.Login.Passwords
	now := passwords.Now()
	passwords.Now = func() time.Time { return now }
	return s
}

func signIn(t *testing.T, s *wiretest.Server, path, username, secret, address string) answer {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"grant_type": "password", "username": username, "password": secret})
	return send(t, s, "POST", path, string(body), append(from(address), "Authorization", "")...)
}

// After ten wrong passwords an account is locked for a while: from every address, for every
// spelling of its name, on both paths, and for the right password too. An account that does not
// exist behaves the same.
func TestGuessing_Account(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	s := withStill(t, behindProxy)
	accounts := map[string][]string{"root": {"root", "ROOT"}, "nobody": {"nobody", "Nobody"}}
	bodies := map[string][]string{}
	for account, spellings := range accounts {
		for i := range 10 {
			got := signIn(
				t, s, []string{tokenPath, tokenPathV1}[i%2], spellings[i%2], "errada", fmt.Sprintf("192.0.2.%d", i),
			)
			got.want(t, 401, "authorization", "invalid")
			if wait := got.retryAfter(t); wait != 0 {
				t.Errorf("%s: attempt %d is to wait %d s", account, i+1, wait)
			}
			bodies[account] = append(bodies[account], string(got.body))
		}
		for i := range 3 {
			got := signIn(t, s, []string{tokenPath, tokenPathV1}[i%2], spellings[i%2], password, "198.51.100.7")
			got.want(t, 401, "authorization", "invalid")
			wait := got.retryAfter(t)
			if wait < 1 || wait > 30 {
				t.Errorf("%s: an attempt beyond the limit is to wait %d s", account, wait)
			}
			if said := fmt.Sprintf(" %d s", wait); !strings.Contains(string(got.body), said) {
				t.Errorf("the text does not say %q: %s", said, got.body)
			}
			// The wait depends on when it began.
			bodies[account] = append(bodies[account], strings.ReplaceAll(string(got.body), strconv.Itoa(wait), "n"))
		}
	}
	if diff := cmp.Diff(bodies["root"], bodies["nobody"]); diff != "" {
		t.Errorf("answers tell which account there is (-root +nobody):\n%s", diff)
	}
	// Other accounts are not locked.
	send(t, s, "POST", usersPath, `{"username": "ana", "password": "`+password+`"}`).want(t, 200, "", "")
	signIn(t, s, tokenPath, "ana", password, "198.51.100.7").want(t, 200, "", "")
}

// An address has thirty attempts, whatever the names; its neighbours have their own. A session that
// exists continues.
func TestGuessing_Address(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	s := withStill(t, behindProxy)
	body := func(i int) string {
		return fmt.Sprintf(`{"grant_type": "password", "username": "u%d", "password": "x"}`, i)
	}
	closed := 0
	for i := range 40 {
		got := send(t, s, "POST", tokenPath, body(i), append(from("2001:db8::1"), "Authorization", "")...)
		got.want(t, 401, "authorization", "invalid")
		if strings.Contains(string(got.body), "Muitas requisições") {
			closed++
		}
		if i >= 35 && got.retryAfter(t) == 0 {
			t.Errorf("attempt %d does not say when to come again", i+1)
		}
	}
	if closed != 10 {
		t.Errorf("%d of 40 attempts were beyond the limit", closed)
	}
	// The network of one IPv6 customer counts as one address.
	if got := signIn(t, s, tokenPath, "root", password, "2001:db8::2"); got.status != 401 {
		t.Errorf("a neighbour: %d", got.status)
	}
	signIn(t, s, tokenPath, "root", password, "2001:db8:0:1::1").want(t, 200, "", "")
	send(t, s, "GET", casPath, "", from("2001:db8::1")...).want(t, 200, "", "")
}

// The current password is as hard to guess as at a sign-in: the attempts to change it count with
// those to sign in.
func TestGuessing_CurrentPassword(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	s := withStill(t)
	c := newSession(t, s)
	c.signIn("root", password) // the attempts before it do not count any more
	guess := map[string]any{"current_password": "errada", "password": "outra-senha-longa"}
	for i := range 10 {
		if status, body := c.call("PUT", infoPath, guess); status != 409 {
			t.Fatalf("attempt %d: %d %v", i+1, status, body)
		}
	}
	if status, body := c.call("PUT", infoPath, guess); status != 401 ||
		!cmp.Equal(c.fieldErrors(body), []string{"authorization invalid"}) {
		t.Errorf("beyond the limit: %d %v", status, body)
	}
	if status, _ := c.call("GET", infoPath, nil); status != 200 {
		t.Errorf("the session itself: %d", status)
	}
}

// An apikey beyond its own rate is answered with 403, for its token and for what was issued from
// it; others are not affected.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	slow := s.APIKey(t, domain.APIKey{Name: "slow", RateLimit: 6})
	fast := s.APIKey(t, domain.APIKey{Name: "fast", RateLimit: domain.MaxRateLimit})
	send(t, s, "GET", infoPath, "", "Authorization", "Bearer "+slow).want(t, 200, "", "")
	exchange := `{"grant_type": "refresh_token", "refresh_token": "` + slow + `"}`
	for name, try := range map[string]func() answer{
		"bearer": func() answer { return send(t, s, "GET", infoPath, "", "Authorization", "Bearer "+slow) },
		"cookie": func() answer {
			return send(t, s, "GET", infoPath, "", "Authorization", "", "Cookie", "refresh-token="+slow)
		},
		"exchange": func() answer {
			return send(t, s, "POST", tokenPath, exchange, "Authorization", "", "Accept-Language", "en")
		},
	} {
		got := try()
		got.want(t, 403, "authorization", "rule")
		if wait := got.retryAfter(t); wait < 1 || wait > 10 {
			t.Errorf("%s is to wait %d s", name, wait)
		}
	}
	for range 20 {
		send(t, s, "GET", infoPath, "", "Authorization", "Bearer "+fast).want(t, 200, "", "")
	}
	// A new limit takes effect at once.
	send(t, s, "PUT", apikeysPath+"/3", `{"rate_limit": 0}`).want(t, 200, "", "")
	for range 20 {
		send(t, s, "GET", infoPath, "", "Authorization", "Bearer "+slow).want(t, 200, "", "")
	}
}

// A caller that is refused very often is told when to retry. The answers stay the same, and
// refusals beyond the limit are not recorded.
func TestRefusals_Many(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, behindProxy)
	var recorded int
	for i := range 40 {
		got := send(t, s, "GET", casPath, "", append(from("192.0.2.7"), "Authorization", "Bearer x")...)
		got.want(t, 401, "authorization", "invalid")
		wait := got.retryAfter(t)
		if wait == 0 {
			recorded++
		}
		if i < 20 && wait != 0 || wait > 2 {
			t.Errorf("attempt %d is to wait %d s", i+1, wait)
		}
	}
	if recorded < 20 || recorded > 30 {
		t.Errorf("%d of 40 attempts were below the limit", recorded)
	}
	refused := true
	events := all(t, auditOf(s, domain.AuditFilter{Refused: &refused}))
	if len(events) != recorded {
		t.Errorf("%d events, and %d answers without Retry-After", len(events), recorded)
	}
	if got := send(t, s, "GET", casPath, "", append(from("192.0.2.8"), "Authorization", "Bearer x")...); got.retryAfter(
		t,
	) != 0 {
		t.Error("another address is to wait too")
	}
	if got := send(t, s, "GET", casPath, "", from("192.0.2.7")...); got.status != http.StatusOK {
		t.Errorf("a good credential from there: %d", got.status)
	}
	var body gen.Errors
	if got := send(t, s, "GET", casPath, "", append(from("192.0.2.7"), "Authorization", "")...); json.Unmarshal(
		got.body, &body,
	) != nil || len(
		body.Errors,
	) != 1 {
		t.Errorf("%s", got.body)
	}
}
