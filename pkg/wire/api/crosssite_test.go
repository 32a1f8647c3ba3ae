package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const externalURL = "https://vpn.example.com"

// A page of another site can't write with the cookies of its visitors; clients that are no browsers
// are not affected.
func TestCrossSite(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Config.ExternalURL = externalURL })
	role := s.Role(t, "visited")
	cookies := cookiesFor(t, s)
	for name, test := range map[string]struct {
		header  []string
		refused bool
	}{
		"no header":                     {nil, false},
		"the same origin":               {[]string{"Sec-Fetch-Site", "same-origin"}, false},
		"typed in":                      {[]string{"Sec-Fetch-Site", "none"}, false},
		"another site":                  {[]string{"Sec-Fetch-Site", "cross-site"}, true},
		"another host of the site":      {[]string{"Sec-Fetch-Site", "same-site"}, true},
		"what no browser says":          {[]string{"Sec-Fetch-Site", "SAME-ORIGIN"}, true},
		"the origin of the request":     {[]string{"Origin", s.URL}, false},
		"another origin":                {[]string{"Origin", "https://evil.example.com"}, true},
		"an origin that begins like it": {[]string{"Origin", s.URL + ".evil.example.com"}, true},
		"another port":                  {[]string{"Origin", "http://127.0.0.1:1"}, true},
		"a page without an origin":      {[]string{"Origin", "null"}, true},
		"the external URL":              {[]string{"Origin", externalURL}, false},
		"the external URL, behind a proxy": {
			[]string{"Origin", externalURL, "Sec-Fetch-Site", "cross-site"}, false,
		},
		"the external URL without TLS":         {[]string{"Origin", "http://vpn.example.com"}, true},
		"a host below the external URL":        {[]string{"Origin", "https://a.vpn.example.com"}, true},
		"a good origin from where it can't be": {[]string{"Origin", s.URL, "Sec-Fetch-Site", "cross-site"}, true},
		"an origin that the browser knows better": {
			[]string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "same-origin"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i, cookie := range cookies {
				header := append([]string{"Authorization", "", "Cookie", cookie}, test.header...)
				for _, try := range []struct{ method, uri, body string }{
					{"POST", rolesPath, fmt.Sprintf(`{"name": "%s %d"}`, name, i)},
					{
						"PUT", fmt.Sprintf("%s/%d", rolesPath, role),
						fmt.Sprintf(`{"name": "changed by %s %d"}`, name, i),
					},
					{"DELETE", rolesPath + "/77", ""},
				} {
					before := inventory(t, s)
					got := send(t, s, try.method, try.uri, try.body, header...)
					if !test.refused {
						got.want(t, map[bool]int{true: 404, false: 200}[try.method == "DELETE"], "id", "not_found")
						continue
					}
					got.want(t, 403, "authorization", "rule")
					before.unchanged(t, s)
				}
				send(t, s, "GET", rolesPath, "", header...).want(t, 200, "", "")
			}
			bearer := append([]string{"Cookie", cookies[0]}, test.header...)
			send(t, s, "DELETE", rolesPath+"/77", "", bearer...).want(t, 404, "id", "not_found")
		})
	}
	// A request without a valid credential is refused for that first.
	send(t, s, "POST", rolesPath, "{}", "Authorization", "", "Sec-Fetch-Site", "cross-site").
		want(t, 401, "authorization", "invalid")
	got := send(
		t, s, "POST", rolesPath, "{}", "Authorization", "", "Cookie", cookies[0], "Sec-Fetch-Site", "cross-site",
		"Accept-Language", "en",
	)
	if !strings.Contains(string(got.body), "the request comes from another site") {
		t.Errorf("%s", got.body)
	}
}

// cookiesFor returns the Cookie headers of the superuser: with the access cookie, with the refresh
// cookie, and with both.
func cookiesFor(t *testing.T, s *wiretest.Server) []string {
	t.Helper()
	access := send(t, s, "POST", tokenPath, `{"grant_type": "refresh_token", "refresh_token": "`+s.Token+`"}`).
		object(t)["access_token"].(string)
	return []string{
		"access-token=" + access, "refresh-token=" + s.Token, "access-token=" + access + "; refresh-token=" + s.Token,
	}
}

// Without an external URL only the host that the request names is trusted.
func TestCrossSite_NoExternalURL(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	cookie := cookiesFor(t, s)[0]
	for origin, status := range map[string]int{s.URL: 404, externalURL: 403, "": 404} {
		if got := send(
			t, s, "DELETE", rolesPath+"/77", "", "Authorization", "", "Cookie", cookie, "Origin", origin,
		); got.status != status {
			t.Errorf("Origin %q: %d, not %d", origin, got.status, status)
		}
	}
}
