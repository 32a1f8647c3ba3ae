package wiretest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// faults records what would have failed a test.
type faults struct {
	testing.TB
	found []string
}

func (f *faults) Helper() {}

func (f *faults) Errorf(format string, args ...any) {
	f.found = append(f.found, fmt.Sprintf(format, args...))
}

const someErrors = `{"errors":[{"field":"id","type":"not_found","msg":"x"}]}`

func TestChecker(t *testing.T) {
	t.Parallel()
	const list, one, revoke, crl = "GET /api/openvpn/cas", "GET /api/openvpn/cas/1", "DELETE /api/openvpn/cas/1",
		"GET /api/openvpn/cas/1/crl"
	for name, test := range map[string]struct {
		request, contentType string
		status               int
		body                 string
		fault                string // a part of it; empty: there must be none
	}{
		"a page": {
			list, "application/json", 200, `{"cursor":{"current":0,"next":null,"previous":null},"cas":[]}`, "",
		},
		"a list that is null": {
			list, "application/json", 200, `{"cursor":{"current":0,"next":null,"previous":null},"cas":null}`, "cas",
		},
		"a key is missing": {
			list, "application/json", 200, `{"cursor":{"current":0,"next":null},"cas":[]}`, "previous",
		},
		"a cursor of another type": {
			list, "application/json", 200, `{"cursor":{"current":"0","next":null,"previous":null},"cas":[]}`, "current",
		},
		"with a charset": {
			list, "application/json; charset=utf-8", 200,
			`{"cursor":{"current":0,"next":null,"previous":null},"cas":[]}`, "Content-Type",
		},
		"without a type": {
			list, "", 200, `{"cursor":{"current":0,"next":null,"previous":null},"cas":[]}`, "Content-Type",
		},
		"a status nobody understands": {list, "application/json", 405, someErrors, "405"},
		"an undeclared status":        {list, "application/json", 409, someErrors, "status is not supported"},
		"a refusal":                   {one, "application/json", 404, someErrors, ""},
		"a refusal with a charset":    {one, "application/json; charset=UTF-8", 404, someErrors, "Content-Type"},
		"a refusal in plain text":     {one, "text/plain", 404, "not found", "no JSON"},
		"a sixth type": {
			one, "application/json", 404, `{"errors":[{"field":"id","type":"forbidden","msg":"x"}]}`, "no Errors",
		},
		"a refusal without msg": {
			one, "application/json", 404, `{"errors":[{"field":"id","type":"invalid"}]}`, "no Errors",
		},
		"a badly filled message": {
			one, "application/json", 404, `{"errors":[{"field":"id","type":"invalid","msg":"Mínimo: %!d(MISSING)."}]}`,
			"%!",
		},
		"no body":                     {revoke, "", 200, "", ""},
		"a body too many":             {revoke, "application/json", 200, "{}", "no body"},
		"a type without a body":       {revoke, "application/json", 200, "", "no body"},
		"a PEM":                       {crl, "application/x-pem-file", 200, "-----BEGIN", ""},
		"a PEM as text":               {crl, "text/plain", 200, "-----BEGIN", "Content-Type"},
		"not modified":                {crl, "", 304, "", ""},
		"an unknown path":             {"GET /api/nothing", "application/json", 404, someErrors, ""},
		"an unknown path, answered":   {"GET /api/nothing", "application/json", 200, "{}", "does not know"},
		"an unknown path, redirected": {"GET /api/openvpn/cas/", "text/html", 301, "", "301"},
		"not under /api":              {"GET /healthz", "text/plain", 200, "ok", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorded := &faults{TB: t}
			handler := newChecker(recorded, &answers{}).
				wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Request-Id", "a")
					if test.contentType != "" {
						w.Header().Set("Content-Type", test.contentType)
					}
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

func TestTranscript(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"abc-pem"`)
		fmt.Fprintf(
			w,
			`{"id": 7, "path": %q, "at": "2020-10-05T12:20:02.932000+00:00", "list": [null, true], "token": "************a-_9", "auth": %q}`, r.URL.Path, r.Header.Get(
				"Authorization",
			),
		)
	}))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct{ answer, fault string }{
		"exactly": {`< 200
< Content-Type: application/json
< ETag: "<text:tag>-pem"
{"id": "<id:x>", "path": "/a", "at": "<date>", "list": [null, true], "token": "<masked>", "auth": "Bearer t"}`, ""},
		"anything": {
			"< 200\n{\"id\": 7, \"path\": \"<any>\", \"at\": \"<any>\", \"list\": \"<any>\", \"token\": \"<text>\", \"auth\": \"<text>\"}", "",
		},
		"another status":            {"< 404", "status 200"},
		"another header":            {"< 200\n< Content-Type: text/plain", "Content-Type"},
		"a header that must not be": {"< 200\n< ETag:", "ETag"},
		"no body":                   {"< 200", "body"},
		"a key too few":             {`{"id": 7}`, "path"},
		"a key too many": {
			`{"id": 7, "path": "/a", "at": "<date>", "list": [null, true], "token": "<any>", "auth": "<any>", "more": "<any>"}`, "more",
		},
		"another number": {
			`{"id": 8, "path": "/a", "at": "<date>", "list": [null, true], "token": "<any>", "auth": "<any>"}`, "8",
		},
		"a text is no id": {
			`{"id": 7, "path": "<id>", "at": "<date>", "list": [null, true], "token": "<any>", "auth": "<any>"}`,
			"<id>",
		},
		"a text is no date": {
			`{"id": 7, "path": "<date>", "at": "<date>", "list": [null, true], "token": "<any>", "auth": "<any>"}`,
			"<date>",
		},
		"a text is no masked token": {
			`{"id": 7, "path": "<masked>", "at": "<date>", "list": [null, true], "token": "<any>", "auth": "<any>"}`,
			"<masked>",
		},
		"a list of another length": {
			`{"id": 7, "path": "/a", "at": "<date>", "list": [null], "token": "<any>", "auth": "<any>"}`, "true",
		},
		"a variable that nobody sets": {`{"id": <y>}`, "stands for nothing"},
		"a check that nobody has":     {"!unknown", "no check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := test.answer
			if !strings.HasPrefix(answer, "<") {
				answer = "< 200\n" + answer
			}
			steps, err := parseSteps("# A comment.\n> GET /a\n" + answer + "\n")
			if err != nil || len(steps) != 1 {
				t.Fatal(err, len(steps))
			}
			transcript := Transcript{
				Server: &Server{URL: server.URL, HTTP: server.Client(), Token: "t"}, Vars: map[string]string{},
			}
			err = transcript.play(t, steps[0])
			if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%v, not %q", err, test.fault)
			}
			if name == "exactly" && (transcript.Vars["x"] != "7" || transcript.Vars["tag"] != "abc") {
				t.Errorf("kept %v", transcript.Vars)
			}
		})
	}
}

func TestTranscript_FilesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "only a comment": "# x\n", "no answer": "> GET /a\n", "an answer first": "< 200\n",
		"no path":   "> GET\n< 200\n",
		"no number": "> GET /a\n< ok\n", "no answer at the end": "> GET /a\n< 200\n> GET /b\n",
	} {
		if steps, err := parseSteps(text); err == nil {
			t.Errorf("%s: %d steps", name, len(steps))
		}
	}
}

// The documentation of Transcript shows how variables get into requests.
func TestTranscript_Variables(t *testing.T) {
	t.Parallel()
	server := Start(t)
	file := filepath.Join(t.TempDir(), "a.txt")
	text := "> POST /api/openvpn/cas\n{\"name\": \"<name>\", \"email\": \"a@b.c\"}\n< 200\n" +
		`{"id": "<id:ca>", "name": "<name>", "description": "", "country": "", "province": "", "city": "", "organization": "", "sector": "",` +
		` "email": "a@b.c", "parent_id": null, "key_algorithm": "ecdsa-p256", "predecessor_id": null, "successor_id": null, "expires_in_days": "<any>", "key_uri": null, "expires_soon": false, "renewed_at": null, "expiry_date": "<date>", "created_at": "<date>", "updated_at": "<date>"}` +
		"\n> DELETE /api/openvpn/cas/<ca>\n< 200\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	transcript := Transcript{Server: server, Vars: map[string]string{"name": `quoted "name"`}}
	transcript.Run(t, file)
	if seen := server.Answers(); seen["createCa"][200] != 1 || seen["deleteCa"][200] != 1 {
		t.Errorf("answered %v", seen)
	}
}
