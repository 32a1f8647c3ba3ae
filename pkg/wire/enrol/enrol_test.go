package enrol_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// site is a server with a site, for which links can be made.
type site struct {
	*wiretest.Server
	client, instance int64
	log              *bytes.Buffer
}

func newSite(t *testing.T) site {
	t.Helper()
	var log bytes.Buffer
	s := site{log: &log}
	s.Server = wiretest.Start(t, func(set *wiretest.Settings) {
		set.Log = slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
	})
	authority := Must(s.Services.CAs.Create(s.Operator, domain.CASpec{
		Name: "ca", Subject: domain.Subject{Email: "a@example.com"},
	}))(t)
	instance := Must(s.Services.Instances.Create(s.Operator, domain.InstanceSpec{InstanceUpdate: domain.InstanceUpdate{
		CAID: &authority.ID, Name: new("vpn"), Network: new("10.8.0.0/24"), Remotes: &[]string{"vpn.example.com"},
	}}))(t)
	client := Must(s.Services.Clients.Create(s.Operator, domain.ClientSpec{
		CAID: authority.ID, Name: "site-rio", Subject: domain.Subject{Email: "rio@example.com"},
	}))(t)
	Must(s.Services.Configs.Put(s.Operator, client.ID, instance.ID, domain.ClientConfigUpdate{}))(t)
	s.client, s.instance = client.ID, instance.ID
	return s
}

// link makes a link and returns its secret.
func (s site) link(t *testing.T, alter ...func(*domain.EnrolmentSpec)) string {
	t.Helper()
	spec := domain.EnrolmentSpec{ClientID: s.client, InstanceID: s.instance}
	for _, change := range alter {
		change(&spec)
	}
	return Must(s.Services.Enrolments.Create(s.Operator, spec))(t).Secret
}

const browser = "text/html,application/xhtml+xml"

// ask sends a request of a browser, or of a program; form is nil for GET.
func (s site) ask(t *testing.T, secret, accept string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	request := Must(http.NewRequestWithContext(t.Context(), method, s.URL+"/enrol/"+secret, strings.NewReader(body)))(t)
	request.Header.Set("Accept", accept)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := Must(s.HTTP.Do(request))(t)
	defer answer.Body.Close()
	return answer, string(Must(io.ReadAll(answer.Body))(t))
}

var token = regexp.MustCompile(`name="token" value="([A-Z2-7]+)"`)

// TestPage: opening the page spends nothing, whoever does; the form on it gives the profile.
func TestPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	secret := s.link(t, func(e *domain.EnrolmentSpec) { e.PIN = "4711" })
	for range 3 {
		answer, text := s.ask(t, secret, browser, nil, "Accept-Language", "en")
		WantSame(t, answer.StatusCode, 200)
		if !strings.Contains(text, "Profile of the site <strong>site-rio</strong>") {
			t.Errorf("the page is\n%s", text)
		}
	}
	_, text := s.ask(t, secret, browser, nil)
	if !strings.Contains(text, `lang="pt-BR"`) {
		t.Errorf("the page is not in Portuguese:\n%s", text)
	}
	form := url.Values{"token": {token.FindStringSubmatch(text)[1]}, "pin": {"0000"}, "format": {"openvpn"}}
	answer, text := s.ask(t, secret, browser, form)
	WantSame(t, answer.StatusCode, 409)
	if !strings.Contains(text, "O PIN não confere. Tentativas restantes: 9.") || !strings.Contains(text, form.Get("token")) {
		t.Errorf("the page is\n%s", text)
	}
	form.Set("pin", " 4711 ")
	form.Set("format", "routeros") // it has no tls-crypt-v2
	answer, text = s.ask(t, secret, browser, form)
	WantSame(t, answer.StatusCode, 409)
	if !strings.Contains(text, "Altere control_channel") || !strings.Contains(text, form.Get("token")) {
		t.Errorf("the page is\n%s", text)
	}
	form.Set("format", "openvpn")
	for range 2 { // the answer may have been lost
		answer, text = s.ask(t, secret, browser, form)
		WantSame(t, answer.StatusCode, 200)
		WantSame(t, answer.Header.Get("Content-Disposition"), "attachment; filename=site-rio.ovpn")
		WantSame(t, answer.Header.Get("Content-Type"), "application/x-openvpn-profile")
		if !strings.Contains(text, "<tls-crypt-v2>") {
			t.Errorf("the profile is\n%s", text)
		}
	}
	form.Set("token", strings.Repeat("A", 26))
	answer, text = s.ask(t, secret, browser, form)
	WantSame(t, answer.StatusCode, 409)
	if !strings.Contains(text, "O link já foi usado.") || strings.Contains(text, "<form") {
		t.Errorf("the page is\n%s", text)
	}
}

// TestPage_Headers: nothing of a link is cached, indexed or told to other sites, and the log has
// neither the secret nor the PIN.
func TestPage_Headers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	secret := s.link(t, func(e *domain.EnrolmentSpec) { e.PIN = "pin-47114711" })
	claim := url.Values{"token": {strings.Repeat("T", 26)}, "pin": {"pin-47114711"}}
	for _, form := range []url.Values{nil, {"pin": {"wrong-47114711"}, "token": {strings.Repeat("T", 26)}}, claim} {
		for _, accept := range []string{browser, "application/json"} {
			answer, _ := s.ask(t, secret, accept, form)
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
				"X-Content-Type-Options": "nosniff",
			} {
				WantSame(t, answer.Header.Get(name), want)
			}
			if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("the policy is %q", policy)
			}
		}
	}
	for _, needle := range []string{secret, "47114711", claim.Get("token")} {
		if strings.Contains(s.log.String(), needle) {
			t.Errorf("the log has %q", needle)
		}
	}
}

// TestProgram: a program is told what the link is for, and why it is refused, as JSON.
func TestProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	secret := s.link(t, func(e *domain.EnrolmentSpec) { e.Format = "openvpn" })
	answer, text := s.ask(t, secret, "application/json", nil)
	WantSame(t, answer.StatusCode, 200)
	var told map[string]any
	Check(t, json.Unmarshal([]byte(text), &told))
	WantSame(t, told, map[string]any{
		"client": "site-rio", "instance": "vpn", "format": "openvpn", "pin_required": false, "state": "open",
	})
	for want, form := range map[string]url.Values{
		"no PEM": {"token": {strings.Repeat("T", 26)}, "csr": {"nonsense"}},
		"least":  {"token": {"short"}},
	} {
		answer, text = s.ask(t, secret, "application/json", form, "Accept-Language", "en")
		WantSame(t, answer.StatusCode, 409)
		t.Logf("%s: %s", want, text)
		if !strings.Contains(text, `"errors":["`) {
			t.Errorf("got %s", text)
		}
	}
	locked := s.link(t, func(e *domain.EnrolmentSpec) { e.PIN = "4711" })
	answer, text = s.ask(t, locked, "application/json", url.Values{"token": {strings.Repeat("T", 26)}})
	WantSame(t, answer.StatusCode, 409)
	WantSame(t, strings.Contains(text, `"fields":["pin"]`), true)
	answer, _ = s.ask(t, "ABC", "application/json", nil)
	WantSame(t, answer.StatusCode, 404)
	answer, text = s.ask(t, "ABC", browser, nil)
	WantSame(t, answer.StatusCode, 404)
	if !strings.Contains(text, "Este link não vale.") {
		t.Errorf("the page is\n%s", text)
	}
	answer, _ = s.ask(t, secret, "application/json", url.Values{}, "Content-Type", "application/json")
	WantSame(t, answer.StatusCode, 400)
	answer, _ = s.ask(t, secret, "application/json", url.Values{"csr": {strings.Repeat("x", 100<<10)}})
	WantSame(t, answer.StatusCode, 400)
	answer, _ = s.ask(t, secret, "application/json", url.Values{"token": {strings.Repeat("T", 26)}})
	WantSame(t, answer.StatusCode, 200)
}

// TestPage_KeyAtSite: whose key is at the site is told to send a request, and the link is as good
// as before.
func TestPage_KeyAtSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	key := Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	der := Must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key))(t)
	with := url.Values{
		"token": {strings.Repeat("T", 26)}, "format": {"openvpn"}, "key_file": {"site-rio.key"},
		"csr": {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))},
	}
	answer, _ := s.ask(t, s.link(t), browser, with)
	WantSame(t, answer.StatusCode, 200)
	without := url.Values{"token": with["token"], "format": with["format"]}
	secret := s.link(t)
	for language, want := range map[string]string{
		"pt": "Envie uma requisição de certificado (CSR)", "en": "Send a certificate request (CSR)",
	} {
		answer, text := s.ask(t, secret, browser, without, "Accept-Language", language)
		WantSame(t, answer.StatusCode, 409)
		if !strings.Contains(text, want) || !strings.Contains(text, "<form") {
			t.Errorf("the page is\n%s", text)
		}
	}
	answer, _ = s.ask(t, secret, browser, with)
	WantSame(t, answer.StatusCode, 200)
}

// TestClaim_TryAgain: a claim that can't be stored for now is answered with 503 and Retry-After,
// to a program and on the page, and works afterwards.
func TestClaim_TryAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	secret := s.link(t)
	store := s.Services.Enrolments.Store
	s.Services.Enrolments.Store = &Hooked{Store: store, AfterTransact: func() error {
		return &domain.Unavailable{Err: io.ErrNoProgress}
	}}
	form := url.Values{"token": {"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}}
	for _, accept := range []string{"application/json", browser} {
		answer, text := s.ask(t, secret, accept, form)
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, Retry-After %q: %s", accept, answer.StatusCode, answer.Header.Get("Retry-After"), text)
		}
	}
	s.Services.Enrolments.Store = store
	answer, text := s.ask(t, secret, "application/json", form)
	if answer.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d %s", answer.StatusCode, text)
	}
}
