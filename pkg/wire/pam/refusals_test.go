package pam_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const (
	invalidSignature = "Invalid signature"
	invalidClient    = "Client authentication failed"
	notAuthorized    = "You are not authorized to access this resource."
	readOnly         = "1039: Without PAM Configuration Access permission"
)

// upsert is a request that would make a device.
func upsert(t testing.TB, s *wiretest.Server) *http.Request {
	t.Helper()
	return request(t, s, "POST", "/iso/pam/device", someDevice, "Content-Type", form)
}

// refused demands an answer, that nothing is changed, and that the audit has one event more.
func refused(t *testing.T, s *wiretest.Server, r *http.Request, status int, message string) {
	t.Helper()
	before, count := inventory(t, s), refusals(t, s)
	do(t, s, r).want(t, status, message)
	before.unchanged(t, s)
	if got := refusals(t, s); got != count+1 {
		t.Errorf("the audit has %d refusals more, not one", got-count)
	}
}

// Each case makes the same request with another fault in its signature.
func TestRefusals_Signature(t *testing.T) {
	t.Parallel()
	at := func(change time.Duration) func(*signer) {
		return func(s *signer) { s.at = time.Now().Add(change) }
	}
	write := func(from, to string) func(*signer) {
		return func(s *signer) {
			s.write = func(parameters [][2]string) string { return strings.Replace(oauthlib(parameters), from, to, 1) }
		}
	}
	for name, test := range map[string]struct {
		change  func(*signer)
		message string
	}{
		"the far past":     {at(-5*time.Minute - 2*time.Second), invalidSignature},
		"the far future":   {at(5*time.Minute + 2*time.Second), invalidSignature},
		"the first second": {func(s *signer) { s.at = time.Unix(0, 0) }, invalidSignature},
		"another secret":   {func(s *signer) { s.secret2 = s.secret }, invalidSignature},
		"another token":    {func(s *signer) { s.token = s.key }, invalidClient},
		"another key":      {func(s *signer) { s.key = s.token }, invalidClient},
		"no key":           {write("oauth_consumer_key", "oauth_consumer"), invalidSignature},
		"no nonce":         {write("oauth_nonce", "oauth_once"), invalidSignature},
		"no timestamp":     {write("oauth_timestamp", "oauth_time"), invalidSignature},
		"no signature":     {write("oauth_signature=", "oauth_sign="), invalidSignature},
		"another version":  {write(`"1.0"`, `"1.1"`), invalidSignature},
		"another method":   {write("HMAC-SHA1", "RSA-SHA1"), invalidSignature},
		"plain text": {
			func(s *signer) { s.write = func([][2]string) string { return plaintext(s.party) } }, invalidSignature,
		},
		"twice the version": {
			func(s *signer) { s.write = func(all [][2]string) string { return oauthlib(append(all, all[2])) } },
			invalidSignature,
		},
		"only the scheme": {func(s *signer) { s.write = func([][2]string) string { return "OAuth" } }, invalidClient},
		"no list": {
			func(s *signer) { s.write = func([][2]string) string { return "OAuth x" } }, invalidSignature,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(t)
			by := signer{party: authorize(t, s, domain.AuthOAuth1)}
			test.change(&by)
			r := upsert(t, s)
			by.sign(t, r)
			refused(t, s, r, http.StatusUnauthorized, test.message)
		})
	}
}

// A signature is valid for the request that was signed, and for no other.
func TestRefusals_AnotherRequest(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth1)
	for _, test := range []struct{ name, method, path, body string }{
		{"path", "POST", "/api/pam/device", someDevice},
		{"slash", "POST", "/iso/pam/device/", someDevice},
		{"query", "POST", "/iso/pam/device?device_tags=x", someDevice},
		{"method", "GET", "/iso/pam/device", someDevice},
		{"form", "POST", "/iso/pam/device", someDevice + "&device_tags=x"},
		{"order of values", "POST", "/iso/pam/device", "hostname=a&" + someDevice},
		{"token in the query too", "POST", "/iso/pam/device?oauth_token=" + p.token, someDevice},
		{"version in the form too", "POST", "/iso/pam/device", someDevice + "&oauth_version=1.0"},
	} {
		t.Run(test.name, func(t *testing.T) { // not parallel: each counts the events of the audit
			signed := upsert(t, s)
			signer{party: p}.sign(t, signed)
			sent := request(
				t, s, test.method, test.path, test.body, "Content-Type", form, "Authorization",
				signed.Header.Get("Authorization"),
			)
			refused(t, s, sent, http.StatusUnauthorized, invalidSignature)
		})
	}
}

func plaintext(p party) string {
	return oauthlib([][2]string{
		{"oauth_consumer_key", p.key}, {"oauth_token", p.token}, {"oauth_signature_method", "PLAINTEXT"},
		{"oauth_signature", p.secret + "&" + p.secret2},
	})
}

// PLAINTEXT is accepted if it is allowed and the client came over TLS.
func TestPlaintext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ tls, allowed bool }{
		"as it must be": {true, true}, "over http": {false, true}, "not allowed": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(
				t,
				func(settings *wiretest.Settings) {
					settings.TLS, settings.Config.PAMPlaintext = test.tls,
						test.allowed
				},
			)
			p := authorize(t, s, domain.AuthOAuth1)
			r := upsert(t, s)
			r.Header.Set("Authorization", plaintext(p))
			if !test.tls || !test.allowed {
				refused(t, s, r, http.StatusUnauthorized, invalidSignature)
				return
			}
			do(t, s, r).device(t)
			query := "?oauth_consumer_key=" + p.key + "&oauth_token=" + p.token +
				"&oauth_signature_method=PLAINTEXT&oauth_signature=" + p.secret + "%26" + p.secret2
			if got := send(t, s, "GET", "/iso/pam/device/a"+query, ""); got.status != 200 {
				t.Error(got.body)
			}
			p.secret2 = "x"
			r = upsert(t, s)
			r.Header.Set("Authorization", plaintext(p))
			refused(t, s, r, http.StatusUnauthorized, invalidSignature)
		})
	}
}

// A nonce is accepted once, whatever the outcome of the request that had it.
func TestRefusals_Replay(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth1)
	reader := authorize(t, s, domain.AuthOAuth1, func(a *domain.PAMAuthorization) { a.Write = false })
	for _, test := range []struct {
		name, method, path, body string
		who                      party
		status                   int
	}{
		{"a creation", "POST", "/iso/pam/device", someDevice, p, 201},
		{"an update without effect", "POST", "/iso/pam/device", someDevice, p, 201},
		{"a faulty creation", "POST", "/iso/pam/device", "hostname=b", p, 400},
		{"one of an unknown domain", "POST", "/iso/pam/device", someDevice + "&device_domain=x", p, 400},
		{"one that can't be read", "POST", "/iso/pam/device", "hostname=%FF", p, 400},
		{"a list", "GET", "/iso/pam/device", "", p, 200},
		{"a look", "GET", "/iso/pam/device/a", "", p, 200},
		{"a look at nothing", "GET", "/iso/pam/device/b", "", p, 400},
		{"disabling", "DELETE", "/iso/pam/device/a", "", p, 200},
		{"disabling again", "DELETE", "/iso/pam/device/a", "", p, 400},
		{"enabling", "PUT", "/iso/pam/device/a", "", p, 200},
		{"enabling again", "PUT", "/iso/pam/device/a", "", p, 400},
		{"without the right to", "POST", "/iso/pam/device", someDevice, reader, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := []string{"Content-Type", form}
			if test.body == "" {
				header = nil
			}
			r := request(t, s, test.method, test.path, test.body, header...)
			signer{party: test.who}.sign(t, r)
			if got := do(t, s, r); got.status != test.status {
				t.Fatalf("%d %s", got.status, got.body)
			}
			again := request(t, s, test.method, test.path, test.body,
				append(header, "Authorization", r.Header.Get("Authorization"))...)
			refused(t, s, again, http.StatusUnauthorized, invalidSignature)
		})
	}
}

// An authenticated caller may still lack a right: each refusal is tried with all three methods of
// authentication.
func TestRefusals_Rights(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS, settings.Config.PAMUnsigned = true, true })
	for name, test := range map[string]struct {
		change  func(*domain.PAMAuthorization)
		status  int
		message string
	}{
		"disabled": {func(a *domain.PAMAuthorization) { a.Enabled = false }, 401, invalidClient},
		"expired": {
			func(a *domain.PAMAuthorization) { a.ExpiresAt = time.Now().Add(-time.Second) }, 401, invalidClient,
		},
		"a foreign IP": {
			func(a *domain.PAMAuthorization) { a.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} },
			500, notAuthorized,
		},
		"another referrer": {
			func(a *domain.PAMAuthorization) { a.Referrers = []string{"https://a.example/"} }, 500, notAuthorized,
		},
		"read only": {func(a *domain.PAMAuthorization) { a.Write = false }, 400, readOnly},
		"no PAM Core": {
			func(a *domain.PAMAuthorization) { a.Resources = []domain.PAMResource{"Users"} }, 500, notAuthorized,
		},
		"nothing at all": {func(a *domain.PAMAuthorization) { a.Resources, a.Write = nil, false }, 500, notAuthorized},
	} {
		for _, method := range []domain.AuthMethod{domain.AuthOAuth1, domain.AuthOAuth2, domain.AuthUnsigned} {
			t.Run(name+" "+string(method), func(t *testing.T) {
				p := authorize(t, s, method)
				r := prove(t, s, p, method) // authenticated while the authorization is still valid
				changeTo(t, s, p.id, test.change)
				refused(t, s, r, test.status, test.message)
			})
		}
	}
}

// prove returns an upsert that is authenticated by the method.
func prove(t testing.TB, s *wiretest.Server, p party, method domain.AuthMethod) *http.Request {
	t.Helper()
	switch r := upsert(t, s); method {
	case domain.AuthOAuth1:
		signer{party: p}.sign(t, r)
		return r
	case domain.AuthOAuth2:
		r.Header.Set("Authorization", "Bearer "+p.bearer(t, s))
		return r
	default:
		r.URL.RawQuery = "oauth_consumer_key=" + p.key + "&oauth_token=" + p.token
		return r
	}
}

// changeTo applies a change to an authorization and stores it.
func changeTo(t testing.TB, s *wiretest.Server, id int64, change func(*domain.PAMAuthorization)) {
	t.Helper()
	a, err := s.Services.Authorizations.Get(s.Operator, id)
	if err != nil {
		t.Fatal(err)
	}
	change(&a)
	update := domain.PAMAuthorizationUpdate{
		Enabled: &a.Enabled, Write: &a.Write, Resources: a.Resources, ExpiresAt: &a.ExpiresAt, AllowedIPs: a.AllowedIPs,
		Referrers: a.Referrers,
	}
	if update.Resources == nil {
		update.Resources = []domain.PAMResource{}
	}
	if _, err := s.Services.Authorizations.Update(s.Operator, id, update); err != nil {
		t.Fatal(err)
	}
}

func TestReferrer(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(
		t, s, domain.AuthOAuth2,
		func(a *domain.PAMAuthorization) { a.Referrers = []string{"https://a.example/", "https://b.example/"} },
	)
	token := p.bearer(t, s) // a referrer is not asked for here
	for referrer, want := range map[string]int{
		"https://b.example/x": 200, "https://a.example/": 200, "https://a.example": 500, "https://a.example.org/": 500,
		"": 500,
	} {
		if got := send(
			t, s, "GET", "/iso/pam/device", "", "Authorization", "Bearer "+token, "Referer", referrer,
		); got.status != want {
			t.Errorf("%q: %d, not %d", referrer, got.status, want)
		}
	}
}

// A disabled application, an authorization that was deleted, and methods that are not the
// application's.
func TestRefusals_Application(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) {
		settings.TLS, settings.Config.PAMUnsigned, settings.Config.PAMPlaintext = true, true, true
	})
	methods := []domain.AuthMethod{domain.AuthOAuth1, domain.AuthOAuth2, domain.AuthUnsigned}
	for _, method := range methods {
		p := authorize(t, s, method)
		r := prove(t, s, p, method)
		off := false
		if _, err := s.Services.Applications.Update(
			s.Operator, p.application, domain.ApplicationUpdate{Enabled: &off},
		); err != nil {
			t.Fatal(err)
		}
		refused(t, s, r, http.StatusUnauthorized, invalidClient)
		gone := authorize(t, s, method)
		r = prove(t, s, gone, method)
		if err := s.Services.Authorizations.Delete(s.Operator, gone.id); err != nil {
			t.Fatal(err)
		}
		refused(t, s, r, http.StatusUnauthorized, invalidClient)
	}
	oauth1, oauth2, none := authorize(t, s, domain.AuthOAuth1), authorize(t, s, domain.AuthOAuth2),
		authorize(t, s, domain.AuthUnsigned)
	refused(t, s, prove(t, s, oauth1, domain.AuthUnsigned), http.StatusUnauthorized, invalidSignature)
	// it has no token
	refused(t, s, prove(t, s, oauth2, domain.AuthUnsigned), http.StatusUnauthorized, invalidSignature)
	refused(t, s, prove(t, s, none, domain.AuthOAuth1), http.StatusUnauthorized, invalidClient)
	refused(t, s, prove(t, s, oauth2, domain.AuthOAuth1), http.StatusUnauthorized, invalidSignature)
	r := upsert(t, s)
	r.Header.Set("Authorization", plaintext(none))
	refused(t, s, r, http.StatusUnauthorized, invalidClient)
	refused(t, s, upsert(t, s), http.StatusNotFound, "no Route matched with those values")
}

// Secrets that were rotated out are accepted during the overlap, and not after it; so are the
// tokens that were issued with them.
func TestRotation(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	for _, method := range []domain.AuthMethod{domain.AuthOAuth1, domain.AuthOAuth2} {
		old := authorize(t, s, method)
		token := prove(t, s, old, method)
		issued, err := s.Services.Authorizations.Rotate(s.Operator, old.id, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		fresh := old
		fresh.secret, fresh.secret2 = string(issued.Secret), string(issued.TokenSecret)
		for name, r := range map[string]*http.Request{
			"before": token, "old": prove(t, s, old, method), "new": prove(t, s, fresh, method),
		} {
			if got := do(t, s, r); got.status != 201 {
				t.Errorf("%s %s: %d %s", method, name, got.status, got.body)
			}
		}
		late := prove(t, s, old, method)
		if _, err := s.Services.Authorizations.Rotate(s.Operator, old.id, 0); err != nil {
			t.Fatal(err)
		}
		message := map[domain.AuthMethod]string{
			domain.AuthOAuth1: invalidSignature, domain.AuthOAuth2: invalidClient,
		}[method]
		refused(t, s, late, http.StatusUnauthorized, message)
	}
}
