package pam_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// A request has one credential. With two, the server would have to choose, and another component
// might choose the other.
func TestCredentials_One(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS, settings.Config.PAMUnsigned = true, true })
	none, signing, bearing := authorize(t, s, domain.AuthUnsigned), authorize(t, s, domain.AuthOAuth1),
		authorize(t, s, domain.AuthOAuth2)
	token := "Bearer " + bearing.bearer(t, s)
	query := "oauth_consumer_key=" + none.key + "&oauth_token=" + none.token
	for name, test := range map[string]struct{ query, body, header string }{
		"Bearer and a query":                 {query, someDevice, token},
		"Bearer and a part of one":           {"oauth_token=x", someDevice, token},
		"Bearer and a query that is escaped": {strings.ReplaceAll(query, "oauth_", "oauth%5F"), someDevice, token},
		"Bearer and a form":                  {"", someDevice + "&" + query, token},
		"Basic and a query":                  {query, someDevice, "Basic eDp5"},
		"Basic and a form":                   {"", someDevice + "&" + query, "Basic eDp5"},
	} {
		r := request(
			t, s, "POST", "/iso/pam/device?"+test.query, test.body, "Content-Type", form, "Authorization", test.header,
		)
		got := do(t, s, r)
		got.want(t, http.StatusUnauthorized, invalidClient)
		if !strings.Contains(got.body, `"detail":"The request has more than one credential: send one"`) {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	two := request(
		t, s, "POST", "/iso/pam/device", someDevice, "Content-Type", form, "Authorization", token, "Authorization",
		token,
	)
	refused(t, s, two, http.StatusUnauthorized, invalidClient)
	for _, twice := range []string{"oauth_nonce=x", "oauth_consumer_key=" + signing.key, "oauth_timestamp=1"} {
		r := request(t, s, "POST", "/iso/pam/device?"+twice, someDevice, "Content-Type", form)
		signer{party: signing}.sign(t, r)
		refused(t, s, r, http.StatusUnauthorized, invalidSignature)
	}
	twice := request(t, s, "GET", "/iso/pam/device?"+query+"&oauth_token="+none.token, "")
	refused(t, s, twice, http.StatusUnauthorized, invalidSignature)
	send(t, s, "POST", "/iso/pam/device?"+query, someDevice, "Content-Type", form).device(t)
}

// The external URL says that clients reach the service under https, but not that this one did.
func TestUnsigned_NeedsTLS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trusted []netip.Prefix
		said    string
		want    int
	}{
		"the external URL proves nothing": {nil, "", 401},
		"anybody says so":                 {nil, "https", 401},
		"a trusted proxy says so":         {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "https", 200},
		"a trusted proxy says http":       {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "http", 401},
		"one of two hops was http":        {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "https, http", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(t, func(settings *wiretest.Settings) {
				settings.Config.PAMUnsigned, settings.Config.PAMPlaintext = true, true
				settings.Config.ExternalURL, settings.Config.TrustedProxies = "https://vault.example.com", test.trusted
			})
			none, signing := authorize(t, s, domain.AuthUnsigned), authorize(t, s, domain.AuthOAuth1)
			header := []string{}
			if test.said != "" {
				header = []string{"X-Forwarded-Proto", test.said}
			}
			query := url.Values{"oauth_consumer_key": {none.key}, "oauth_token": {none.token}}.Encode()
			if got := send(t, s, "GET", "/iso/pam/device?"+query, "", header...); got.status != test.want {
				t.Errorf("unsigned: %d %s", got.status, got.body)
			}
			if got := send(t, s, "GET", "/iso/pam/device", "",
				append(header, "Authorization", plaintext(signing))...); got.status != test.want {
				t.Errorf("plain text: %d %s", got.status, got.body)
			}
		})
	}
}

// Without an external URL a signature is for the host and the scheme of the request.
func TestSignature_OfThisHost(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth1)
	for address, want := range map[string]int{
		s.URL: 200, strings.ToUpper(s.URL): 200, strings.Replace(s.URL, "http:", "https:", 1): 401,
		"http://vault.example.com": 401,
	} {
		signed := request(t, s, "GET", "/iso/pam/device", "")
		named, err := url.Parse(address + "/iso/pam/device")
		if err != nil {
			t.Fatal(err)
		}
		signed.URL = named
		signer{party: p}.sign(t, signed)
		if got := send(
			t, s, "GET", "/iso/pam/device", "", "Authorization", signed.Header.Get("Authorization"),
		); got.status != want {
			t.Errorf("%s: %d, not %d", address, got.status, want)
		}
	}
}

// No answer may stay in a cache: neither one with a credential, nor one to a URL with a credential,
// nor an error.
func TestNoStore(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS, settings.Config.PAMUnsigned = true, true })
	none, p := authorize(t, s, domain.AuthUnsigned), authorize(t, s, domain.AuthOAuth2)
	query := "?oauth_consumer_key=" + none.key + "&oauth_token=" + none.token
	for _, step := range []struct{ method, path, body string }{
		{"GET", "/iso/pam/device" + query, ""}, {"GET", "/api/pam/device" + query, ""},
		{"GET", "/iso/pam/device/9" + query, ""}, {"GET", "/iso/pam/device" + query + "x", ""},
		{"GET", "/iso/pam/nothing" + query, ""}, {"GET", "/iso/pam/device", ""},
		{
			"POST", "/iso/oauth2/token", "grant_type=client_credentials&client_id=" + p.key + "&client_secret=" +
				p.secret,
		},
		{"POST", "/api/oauth2/token", "grant_type=client_credentials&client_id=" + p.key + "&client_secret=x"},
		{"POST", "/iso/oauth2/token/", "grant_type=x"}, {"POST", "/iso/oauth2/token", strings.Repeat("x", 9000)},
		{"POST", "/api/oauth2/token", "grant_type=password&username=x&password=y"},
		{"POST", "/api/oauth2/token", "grant_type=password"},
	} {
		if got := send(t, s, step.method, step.path, step.body, "Content-Type", form); got.header.Get(
			"Cache-Control",
		) != "no-store" {
			t.Errorf("%s %.40s: %d %q", step.method, step.path, got.status, got.header.Get("Cache-Control"))
		}
	}
}

// Anybody may send requests to the token endpoint, so it reads little of them.
func TestToken_Bound(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth2)
	good := "grant_type=client_credentials&client_id=" + p.key + "&client_secret=" + p.secret + "&x="
	for _, path := range []string{"/iso/oauth2/token", "/api/oauth2/token"} {
		for size, want := range map[int]int{8 << 10: 200, 8<<10 + 1: 400, 200 << 10: 400} {
			if got := send(
				t, s, "POST", path, good+strings.Repeat("y", size-len(good)), "Content-Type", form,
			); got.status != want {
				t.Errorf("%s with %d bytes: %d %s", path, size, got.status, got.body)
			}
		}
		send(t, s, "POST", path+"?x="+strings.Repeat("y", 8<<10), good, "Content-Type", form).
			want(t, 400, "The request is larger than 8192 bytes.")
	}
	if got := refusals(t, s); got == 0 {
		t.Error("the audit has none of the refusals")
	}
}
