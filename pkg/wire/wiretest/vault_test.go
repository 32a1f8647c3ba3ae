package wiretest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// envelope is a refusal with these texts and codes.
func envelope(status int, message, mensagem string, errorCode, exception int) string {
	return fmt.Sprintf(`{"code":%d,"response":{"status":%d,"message":%q,"error":true,"error_code":%d,"detail":"","mensagem":%q,"erro":true,"cod_erro":1},`+
		`"exception":{"code":%d,"message":%q,"detail":null}}`, status, status, message, errorCode, mensagem, exception,
		message)
}

func TestChecker_Vault(t *testing.T) {
	t.Parallel()
	const list, gone, good = "GET /iso/pam/device", "DELETE /api/pam/device/a", "application/json"
	refusal := envelope(400, "1011: x", "1011: x", 1, 1011)
	for name, test := range map[string]struct {
		request, contentType string
		status               int
		body                 string
		fault                string // a part of it; empty: there must be none
	}{
		"a refusal":                      {gone, good, 400, refusal, ""},
		"a slash at the end":             {gone + "/", good, 400, refusal, ""},
		"an undeclared status":           {list, good, 400, refusal, "status is not supported"},
		"a status nobody understands":    {gone, good, 403, strings.ReplaceAll(refusal, "400", "403"), "403"},
		"with a charset":                 {gone, good + "; charset=utf-8", 400, refusal, "Content-Type"},
		"another status in the envelope": {gone, good, 400, strings.ReplaceAll(refusal, "400", "404"), "contradicts"},
		"another text in Portuguese":     {gone, good, 400, envelope(400, "1011: x", "x", 1, 1011), "contradicts"},
		"another error code": {
			gone, good, 400, envelope(400, "1011: x", "1011: x", 2, 1011), "contradicts",
		},
		"the other dialect's refusal": {gone, good, 400, someErrors, "ErrorAnswer"},
		"the gateway":                 {list, good, 404, `{"message":"x"}`, ""},
		"an unknown path":             {"GET /iso/nothing", good, 404, `{"message":"x"}`, ""},
		"an unknown path, answered":   {"GET /iso/nothing", good, 200, `{}`, "does not know"},
		"a token's refusal": {
			"POST /iso/oauth2/token", good, 401, `{"error":"x","error_description":"x","message":"x"}`, "",
		},
		"a token's refusal, as a boolean": {
			"POST /iso/oauth2/token", good, 401, `{"error":true,"error_description":"x","message":"x"}`, "TokenError",
		},
		"a number for an id": {list, good, 200,
			`{"code":200,"response":{"status":200,"message":"","error":false,"error_code":0,"detail":"","mensagem":"",` +
				`"erro":false,"cod_erro":0},"devices":[{"id":1,"hostname":"","ip":"","model":"","type":"","vendor":"","site":"","tags":""}]}`, "id"},
		"devices of the other dialect": {"GET /api/pam/devices", good, 401, someErrors, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorded := &faults{TB: t}
			handler := newChecker(recorded, &answers{}).
				wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Request-Id", "a")
					w.Header().Set("Content-Type", test.contentType)
					w.WriteHeader(test.status)
					fmt.Fprint(w, test.body)
				}))
			method, path, _ := strings.Cut(test.request, " ")
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
			got := strings.Join(recorded.found, "\n")
			if test.fault == "" && got != "" || !strings.Contains(got, test.fault) {
				t.Errorf("faults: %q, not %q", got, test.fault)
			}
		})
	}
}

// A request for a token under /api belongs to one dialect, and its body can still be read.
func TestChecker_TokenAlias(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		media, body string
		basic, want bool
	}{
		"a form":          {"application/x-www-form-urlencoded; charset=x", "a=b", false, true},
		"HTTP Basic":      {"application/json", "{}", true, true},
		"JSON of its own": {"application/json", `{"grant_type": "client_credentials"}`, false, true},
		"JSON":            {"application/json", `{"grant_type": "password"}`, false, false},
		"no JSON":         {"application/json", `{`, false, false},
	} {
		r := httptest.NewRequest("POST", "/api/oauth2/token", strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.media)
		if test.basic {
			r.SetBasicAuth("a", "b")
		}
		got := isVaultToken(r)
		text := make([]byte, len(test.body))
		if n, _ := r.Body.Read(text); got != test.want || string(text[:n]) != test.body {
			t.Errorf("%s: %v, body %q", name, got, text[:n])
		}
	}
}
