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

// The tests of this file send what known clients send, octet for octet, and check what those
// clients evaluate and nothing else.

// object decodes the body as a client does that looks at nothing else.
func (a answer) object(t testing.TB) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return object
}

// ansible is the vendor's module: it accepts 200 and 201 and, if a device is to be absent, 400; on
// every other status it crashes.
type ansible struct {
	t     *testing.T
	s     *wiretest.Server
	token string
}

func newAnsible(t *testing.T, s *wiretest.Server, p party) ansible {
	t.Helper()
	got := send(
		t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials&client_id="+p.key+"&client_secret="+p.secret,
		"Content-Type", form,
	)
	token, ok := got.object(t)["access_token"].(string)
	if !ok {
		t.Fatal("Error while performing OAuth2 authentication")
	}
	return ansible{t, s, token}
}

// present returns whether the module says that something was changed.
func (c ansible) present(body string) bool {
	c.t.Helper()
	got := send(c.t, c.s, "POST", "/iso/pam/device", body, "Authorization", "Bearer "+c.token, "Content-Type", form)
	if got.status != 200 && got.status != 201 {
		c.t.Fatalf("Error: HTTP %d", got.status)
	}
	response := got.object(c.t)["response"].(map[string]any)
	changed, known := response["changed"]
	return !known || changed == "true"
}

func (c ansible) absent(hostname string) bool {
	c.t.Helper()
	escaped := strings.ReplaceAll(url.QueryEscape(hostname), "+", "%20")
	got := send(
		c.t, c.s, "DELETE", "/iso/pam/device/"+escaped, "device="+url.QueryEscape(hostname), "Authorization",
		"Bearer "+c.token, "Content-Type", form,
	)
	got.object(c.t)
	if got.status != 200 && got.status != 400 {
		c.t.Fatalf("UnboundLocalError: %d", got.status)
	}
	return got.status == 200
}

func TestClient_Ansible(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	register(t, s, "corp.example.com CORP")
	c := newAnsible(t, s, authorize(t, s, domain.AuthOAuth2))
	if !c.present(
		"ip=10.0.0.1&hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&device_domain=CORP&device_tags=a%2Cb&connectivities=SSH%3A22%2CHTTPS%3A443",
	) {
		t.Error("nothing was changed")
	}
	// fields that are not set are not sent, and stay
	c.present("ip=10.0.0.2&hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud")
	got := send(t, s, "GET", "/iso/pam/device/win%201", "", "Authorization", "Bearer "+c.token).device(t)
	if got.IP != "10.0.0.2" || got.Vendor != "Red Hat" || got.DeviceDomain != "corp.example.com" ||
		got.DeviceTags != "a, b" || got.Connectivities != "SSH:22, HTTPS:443" {
		t.Errorf("%+v", got)
	}
	if !c.absent("win 1") {
		t.Error("nothing was changed")
	}
	if c.absent("win 1") || c.absent("50%/ü") {
		t.Error("something was changed")
	}
}

// TestClient_Ansible_Idempotence: the module reports that nothing was changed if the server says
// so.
func TestClient_Ansible_Idempotence(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Config.PAMChanged = true })
	c := newAnsible(t, s, authorize(t, s, domain.AuthOAuth2))
	for i, step := range []struct {
		address string
		changed bool
	}{{"10.0.0.1", true}, {"10.0.0.1", false}, {"10.0.0.2", true}, {"10.0.0.2", false}} {
		if got := c.present(
			"hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&ip=" + step.address,
		); got != step.changed {
			t.Errorf("%d: changed is %v", i, got)
		}
	}
}

// TestClient_Ansible_Enables: if the server is configured so, present enables a device that absent
// disabled; otherwise the answer says that nothing was changed.
func TestClient_Ansible_Enables(t *testing.T) {
	t.Parallel()
	for _, enables := range []bool{false, true} {
		s := wiretest.Start(t, func(settings *wiretest.Settings) {
			settings.Config.PAMChanged, settings.Config.PAMPresentEnables = true, enables
		})
		c := newAnsible(t, s, authorize(t, s, domain.AuthOAuth2))
		const device = "hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&ip=10.0.0.1"
		c.present(device)
		c.absent("win 1")
		if got := c.present(device); got != enables {
			t.Errorf("enables %v: changed is %v", enables, got)
		}
		if got := c.absent("win 1"); got != enables {
			t.Errorf("enables %v: it was there: %v", enables, got)
		}
	}
}

// The vendor's command line ignores the status, but depends on the types of what it decodes.
func TestClient_DSM(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth2)
	type reply struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		TokenType   string `json:"token_type"`
		ID          string `json:"id"`
		Signature   string `json:"signature"`
		Reason      string `json:"reason"`
		Error       string `json:"error"`
		Message     string `json:"message"`
		Response    struct {
			Status    int    `json:"status"`
			Message   string `json:"message"`
			Error     bool   `json:"error"`
			ErrorCode int    `json:"error_code"`
		} `json:"response"`
	}
	ask := func(secret, token string) (got reply) {
		t.Helper()
		method, path, body := "POST", "/iso/oauth2/token", "client_id="+p.key+"&client_secret="+secret+
			"&grant_type=client_credentials"
		header := []string{"Content-Type", form}
		if token != "" {
			method, path, body, header = "GET", "/iso/pam/device", "", append(header, "Authorization", "Bearer "+token)
		}
		if err := json.Unmarshal([]byte(send(t, s, method, path, body, header...).body), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	good := ask(p.secret, "")
	if good.Error != "" || good.Response.Error || good.AccessToken == "" || good.ExpiresIn != 3600 {
		t.Errorf("%+v", good)
	}
	if bad := ask("x", ""); bad.Error == "" || bad.Message != "Client authentication failed" {
		t.Errorf("%+v", bad)
	}
	if list := ask("", good.AccessToken); list.Error != "" || list.Response.Status != 200 || list.Response.Error ||
		list.Response.ErrorCode != 0 {
		t.Errorf("%+v", list)
	}
	if list := ask("", "x"); !list.Response.Error || list.Response.ErrorCode != 1 {
		t.Errorf("%+v", list)
	}
}

// The External Secrets Operator wants exactly 200 and these types.
func TestClient_ESO(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS = true })
	p := authorize(t, s, domain.AuthOAuth2)
	got := send(
		t, s, "POST", "/iso/oauth2/token", "client_id="+p.key+"&client_secret="+p.secret+
			"&grant_type=client_credentials", "Content-Type", form,
	)
	var token struct {
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(got.body), &token); err != nil || got.status != 200 ||
		token.TokenType != "Bearer" || token.AccessToken == "" {
		t.Errorf("%v: %d %s", err, got.status, got.body)
	}
}

// rustAnswer checks what the Rust client demands of every answer: a key without a default must be
// there.
func rustAnswer(t testing.TB, got answer) (status int, message string, code int) {
	t.Helper()
	body := got.object(t)
	response, ok := body["response"].(map[string]any)
	if !ok {
		t.Fatalf("missing field `response`: %s", got.body)
	}
	number, isNumber := response["status"].(float64)
	text, isText := response["message"].(string)
	_, isBool := response["error"].(bool)
	_, isCode := response["error_code"].(float64)
	if !isNumber || !isText || !isBool || !isCode {
		t.Fatalf("missing field or invalid type: %s", got.body)
	}
	if exception, there := body["exception"].(map[string]any); there {
		number, isNumber := exception["code"].(float64)
		_, isText := exception["message"].(string)
		if detail := exception["detail"]; !isNumber || number < 0 || number > 65535 || !isText || detail != nil {
			t.Fatalf("invalid exception: %s", got.body)
		}
		code = int(number)
	}
	return int(number), text, code
}

func TestClient_Rust(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth2)
	token := send(t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials&client_id="+p.key+"&client_secret="+
		p.secret, "Content-Type", form,
		"Accept", "application/json").object(t)
	if kind, _ := token["token_type"].(string); !strings.EqualFold(kind, "bearer") ||
		token["expires_in"] != float64(3600) {
		t.Fatal(token)
	}
	header := []string{"Authorization", "Bearer " + token["access_token"].(string), "Content-Type", "application/json"}
	for _, test := range []struct {
		method, path, body string
		status, code       int
	}{
		{
			"POST", "/iso/pam/device",
			`{"hostname":"a","ip":"1","model":"m","type":"t","vendor":"v","site":"s","device_domain":null,"device_tags":null,"connectivities":null,"session_remote_config":null}`, 201, 0,
		},
		{
			"POST", "/iso/pam/device", `{"hostname":null,"ip":"1","model":"m","type":"t","vendor":"v","site":"s"}`, 400,
			1004,
		},
		{"GET", "/iso/pam/device", "", 200, 0},
		{"GET", "/iso/pam/device/9", "", 400, 1011},
		{"PUT", "/iso/pam/device/1", "", 400, 1044},
		{"GET", "/iso/pam/info/9", "", 404, 0},
	} {
		got := send(t, s, test.method, test.path, test.body, header...)
		if status, message, code := rustAnswer(t, got); got.status != test.status || status != test.status ||
			message == "" || code != test.code {
			t.Errorf("%s %s: %d %d %q", test.method, test.path, status, code, message)
		}
	}
}

// The Python package signs with OAuth 1.0 in the header; JSON is not signed, a form is.
func TestClient_Python(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.TLS = true })
	p := authorize(t, s, domain.AuthOAuth1)
	for _, test := range []struct {
		method, path, body, media, hostname string
	}{
		{
			"POST", "/iso/pam/device",
			`{"hostname": "json 1", "ip": "1", "model": "m", "type": "t", "vendor": "v", "site": "s"}`,
			"application/json", "json 1",
		},
		{
			"POST", "/iso/pam/device",
			"hostname=form+1%2B1&ip=1&model=%C3%BC+%26&type=t&vendor=v&site=s&device_tags=a%2Cb", form, "form 1+1",
		},
		{"POST", "/iso/pam/device?hostname=q+1%20x&ip=1&model=m&b=2&b=1&a", "type=t&vendor=v&site=s", form, "q 1 x"},
		{"GET", "/iso/pam/device/form%201%2B1", "", "", "form 1+1"},
		{"GET", "/iso/pam/device/json%201?x=a%2Fb+c", "", "", "json 1"},
		{"DELETE", "/iso/pam/device/json%201", "device=json+1", form, ""},
		{"PUT", "/api/pam/device/json%201/", "", "", ""},
	} {
		r := request(t, s, test.method, test.path, test.body)
		if test.media != "" {
			r.Header.Set("Content-Type", test.media)
		}
		signer{party: p}.sign(t, r)
		got := do(t, s, r)
		if got.status >= 300 {
			t.Errorf("%s %s: %d %s", test.method, test.path, got.status, got.body)
		} else if test.hostname != "" && got.device(t).Hostname != test.hostname {
			t.Errorf("%s %s: %s", test.method, test.path, got.body)
		}
	}
}

// The Go client sends its credentials in HTTP Basic, and a charset.
func TestClient_Go(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	p := authorize(t, s, domain.AuthOAuth2)
	basic := base64.StdEncoding.EncodeToString([]byte(p.key + ":" + p.secret))
	got := send(
		t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials", "Authorization", "Basic "+basic,
		"Content-Type", form+"; charset=UTF-8",
	)
	token, _ := got.object(t)["access_token"].(string)
	send(t, s, "POST", "/iso/pam/device", someDevice, "Authorization", "Bearer "+token, "Content-Type", form)
	got = send(t, s, "GET", "/iso/pam/device/a", "", "Authorization", "Bearer "+token)
	var body struct {
		Response struct {
			Status    int    `json:"status"`
			Mensagem  string `json:"mensagem"`
			Erro      bool   `json:"erro"`
			Detail    string `json:"detail"`
			CodErro   int    `json:"cod_erro"`
			Message   string `json:"message"`
			Error     bool   `json:"error"`
			ErrorCode int    `json:"error_code"`
		} `json:"response"`
		Device struct {
			ID string `json:"id"`
		} `json:"device"`
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Response.Status != 200 ||
		body.Device.ID != "1" {
		t.Errorf("%v: %s", err, got.body)
	}
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
