package pam_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// The tests TestClient_… send what known clients send, octet for octet, and check what those
// clients evaluate and nothing else.

// object decodes the body as a client does that looks at nothing else.
func (a answer) object(t testing.TB) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return object
}

// The PHP client and the community's curl send key and token in the query, and the fields too.
func TestClient_Unsigned(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ tls, allowed bool }{
		"as it must be": {true, true}, "over http": {false, true}, "not allowed": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(
				t,
				func(settings *wiretest.Settings) {
					settings.TLS, settings.Config.PAMUnsigned = test.tls,
						test.allowed
				},
			)
			p := authorize(t, s, domain.AuthUnsigned)
			credentials := "oauth_consumer_key=" + p.key + "&oauth_token=" + p.token
			fields := "&hostname=win-1&ip=https://10.0.0.1/x?y&model=Red-Hat&type=a/b&vendor=v&site=s&device_tags=a,b&"
			before := inventory(t, s)
			steps := []struct{ method, path string }{
				{"POST", "/iso/pam/device?x=1" + fields + credentials},
				{"POST", "/iso/pam/device?" + fields + credentials + "&oauth_signature=-"},
				{"GET", "/iso/pam/device?&" + credentials + "&oauth_signature=-"},
				{"GET", "/iso/pam/device/win-1?&" + credentials},
				{"DELETE", "/iso/pam/device/win-1?" + credentials},
				{"PUT", "/iso/pam/device/win-1?" + credentials + "&oauth_signature=-"},
			}
			for _, step := range steps {
				got := send(t, s, step.method, step.path, "")
				if test.tls && test.allowed {
					if got.status >= 300 {
						t.Errorf("%s: %d %s", step.method, got.status, got.body)
					}
					continue
				}
				got.want(t, http.StatusUnauthorized, "Invalid signature")
			}
			if !test.tls || !test.allowed {
				before.unchanged(t, s)
				if got := refusals(t, s); got != len(steps) {
					t.Errorf("%d refusals are recorded, not %d", got, len(steps))
				}
				return
			}
			got := send(t, s, "GET", "/iso/pam/device/win-1?"+credentials, "").device(t)
			if got.IP != "https://10.0.0.1/x?y" || got.Type != "a/b" || got.DeviceTags != "a, b" {
				t.Errorf("%+v", got)
			}
			send(t, s, "GET", "/iso/pam/device?oauth_consumer_key="+p.key+"&oauth_token=x", "").
				want(t, 401, "Client authentication failed")
		})
	}
}

// The two C# programs write malformed headers.
func TestClient_CSharp(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth1)
	send(
		t, s, "POST", "/iso/pam/device", someDevice, "Authorization",
		"Bearer "+authorize(t, s, domain.AuthOAuth2).bearer(t, s), "Content-Type", form,
	)
	for name, test := range map[string]struct {
		path  string
		write func([][2]string) string
	}{
		"an empty realm, no spaces but one": {"/iso/pam/device/a", func(parameters [][2]string) string {
			text := `OAuth realm="",`
			for _, p := range parameters {
				switch p[0] {
				case "oauth_signature":
					text += fmt.Sprintf(`%s= "%s"`, p[0], percent(p[1]))
				case "oauth_nonce":
					text += fmt.Sprintf(`%s="%s",`, p[0], p[1])
				default:
					text += fmt.Sprintf(`%s="%s",`, p[0], percent(p[1]))
				}
			}
			return text
		}},
		"the scheme twice": {
			"/iso/pam/device/a", func(parameters [][2]string) string { return "OAuth " + oauthlib(parameters) },
		},
		"an upper-case URL, signed in lower case": {"/iso/pam/device/A", oauthlib},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, s, "GET", strings.ToLower(test.path), "")
			signer{
				party: p, nonce: base64.StdEncoding.EncodeToString([]byte(name + "?>"))[:20] + "+/=", write: test.write,
			}.sign(t, r)
			signed := request(t, s, "GET", test.path, "", "Authorization", r.Header.Get("Authorization"))
			if got := do(t, s, signed); got.status != 200 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// A client signs the URL that it knows. If an external URL is configured, the client must sign that
// one, whatever host the request names.
func TestClient_BehindProxy(t *testing.T) {
	t.Parallel()
	const external = "https://vault.example.com:8443"
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Config.ExternalURL = external + "/" })
	p := authorize(t, s, domain.AuthOAuth1)
	for _, test := range []struct {
		address string
		want    int
	}{
		{s.URL, 401}, {external, 200}, {"HTTPS://Vault.example.com:8443", 200}, {"https://vault.example.com", 401},
		{"http://vault.example.com:8443", 401},
	} {
		signed := request(t, s, "GET", "/iso/pam/device?x=1", "")
		address, err := url.Parse(test.address + "/iso/pam/device?x=1")
		if err != nil {
			t.Fatal(err)
		}
		signed.URL = address
		signer{party: p}.sign(t, signed)
		got := send(t, s, "GET", "/iso/pam/device?x=1", "", "Authorization", signed.Header.Get("Authorization"))
		if got.status != test.want {
			t.Errorf("%s: %d, not %d: %s", test.address, got.status, test.want, got.body)
		}
	}
}

// The small Python script reads one device by its number.
func TestClient_Script(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth2)
	token := p.bearer(t, s)
	id := send(t, s, "POST", "/iso/pam/device", someDevice, "Authorization", "Bearer "+token, "Content-Type", form).
		device(t).ID
	if got := send(t, s, "GET", "/iso/pam/device/"+id, "", "Authorization", "Bearer "+token); got.device(t).
		Hostname != "a" {
		t.Error(got.body)
	}
}
