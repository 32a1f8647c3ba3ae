package wire_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// askOver makes a request over the network, because net/http's server takes part in what HEAD
// leaves out.
func askOver(t *testing.T, s *wiretest.Server, method, path, token string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

var publicPaths = []string{
	"/", "/healthz", "/readyz", "/metrics", "/docs/", "/docs", "/api/openapi.json", "/api/openapi.yaml",
	"/iso/openapi.json", "/iso/openapi.yaml", "/nothing",
	"/api/nothing", "/iso/nothing", "/api/openvpn/cas/1/crl", "/api/openvpn/cas/9/crl",
	"/ocsp/1/aGVsbG8=", "/ocsp/1",
}

var personalPaths = []string{
	"/api/openvpn/cas", "/api/openvpn/cas/1", "/api/openvpn/cas/1/certificate", "/api/openvpn/clients/site2site",
	"/api/openvpn/clients/site2site/7", "/api/openvpn/clients/site2user", "/api/openvpn/clients/site2site/7/configs", "/api/openvpn/instances/1/plan",
	"/api/openvpn/instances/1/campaigns", "/api/openvpn/instances/1/sites",
	"/api/3rdparty/apikeys", "/api/users", "/api/roles", "/api/audit/events", "/api/events", "/api/mail/recipients",
	"/api/webhooks", "/api/webhooks/1/deliveries", "/api/pam/devices",
	"/api/pam/devices/export", "/api/openvpn/clients/site2site/export", "/api/pam/domains",
	"/api/openvpn/instances", "/api/openvpn/instances/models", "/api/openvpn/instances/models/default",
	"/api/pam/applications", "/iso/pam/device", "/iso/pam/device/x", "/api/pam/device",
}

// TestHead: HEAD is answered as GET is, without the content.
func TestHead(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	createCA(t, s)
	for _, path := range append(publicPaths, personalPaths...) {
		for _, token := range []string{"", s.Token} {
			want, _ := askOver(t, s, http.MethodGet, path, token)
			got, body := askOver(t, s, http.MethodHead, path, token)
			if got.StatusCode != want.StatusCode || body != "" ||
				got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
				t.Errorf(
					"%s: HEAD %d %s %q, GET %d %s", path, got.StatusCode, got.Header.Get("Content-Type"), body,
					want.StatusCode, want.Header.Get("Content-Type"),
				)
			}
		}
	}
}

// TestHeaders: browsers must not guess the type of any answer, and no answer that depends on the
// caller may be stored.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS = secure })
			createCA(t, s)
			for _, path := range append(publicPaths, personalPaths...) {
				for _, token := range []string{"", "wrong", s.Powerless, s.Token} {
					got, _ := askOver(t, s, http.MethodGet, path, token)
					if got.Header.Get("X-Content-Type-Options") != "nosniff" {
						t.Errorf("%s: no nosniff", path)
					}
					if hsts := got.Header.Get("Strict-Transport-Security"); (hsts != "") != secure {
						t.Errorf("%s: HSTS %q", path, hsts)
					}
				}
			}
			for _, path := range personalPaths {
				for _, token := range []string{"wrong", s.Powerless, s.Token} {
					if got, _ := askOver(t, s, http.MethodGet, path, token); !strings.Contains(
						got.Header.Get("Cache-Control"), "no-store",
					) {
						t.Errorf("%s: Cache-Control %q at %d", path, got.Header.Get("Cache-Control"), got.StatusCode)
					}
				}
			}
			if got, _ := askOver(t, s, http.MethodGet, "/api/openvpn/cas/1/crl", ""); strings.Contains(
				got.Header.Get("Cache-Control"), "no-store",
			) {
				t.Error("a CRL must not be kept")
			}
		})
	}
}
