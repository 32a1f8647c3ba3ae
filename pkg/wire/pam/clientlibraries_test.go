package pam_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

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
