package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/oasdiff/yaml"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/wire"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// ask sends a request to a handler, with header fields in pairs.
func ask(handler http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func get(handler http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	return ask(handler, http.MethodGet, target, "", header...)
}

// createCA makes the CA 1 and its first list.
func createCA(t *testing.T, s *wiretest.Server) {
	t.Helper()
	if got := ask(
		s.Handler, "POST", "/api/openvpn/cas", `{"name": "ca", "email": "a@b.c"}`, "Authorization", "Bearer "+s.Token,
	); got.Code != 200 {
		t.Fatal(got.Body)
	}
	if got := get(s.Handler, "/api/openvpn/cas/1/crl"); got.Code != 200 {
		t.Fatal(got.Body)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	made := regexp.MustCompile(`^[A-Z2-7]{26}$`)
	seen := map[string]bool{}
	for id, kept := range map[string]bool{
		"abc": true, "A-b_c.9": true, strings.Repeat("x", 64): true, "0190163d-8694-739b-aea5-966c26f8ad91": true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "a\tb": false, "a/b": false, "é": false, `a"b`: false,
		"a;b": false, "\x00": false, "a\nb": false,
	} {
		for _, target := range []string{"/healthz", "/api/openvpn/cas", "/nothing"} {
			got := get(s.Handler, target, "X-Request-Id", id).Header().Values("X-Request-Id")
			if len(got) != 1 || (got[0] == id) != kept || !kept && !made.MatchString(got[0]) {
				t.Errorf("%s: the id %q is answered with %q", target, id, got)
			}
			if !kept && seen[got[0]] {
				t.Errorf("the id %q was made twice", got[0])
			}
			seen[got[0]] = true
		}
	}
}

// lines are log records that can be waited for.
type lines struct {
	mu   sync.Mutex
	more *sync.Cond
	seen []map[string]any
}

func newLines() *lines {
	l := &lines{}
	l.more = sync.NewCond(&l.mu)
	return l
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var record map[string]any
	if err := json.Unmarshal(p, &record); err != nil {
		return 0, err
	}
	l.seen = append(l.seen, record)
	l.more.Broadcast()
	return len(p), nil
}

// await returns the first record with that message; the test's own time limit bounds it.
func (l *lines) await(t *testing.T, message string) map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := 0; ; l.more.Wait() {
		for ; at < len(l.seen); at++ {
			if l.seen[at]["msg"] == message {
				return l.seen[at]
			}
		}
	}
}

func (l *lines) all(message string) (found []map[string]any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, record := range l.seen {
		if record["msg"] == message {
			found = append(found, record)
		}
	}
	return found
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	createCA(t, s)
	get(s.Handler, "/api/nothing")
	get(s.Handler, "/nothing")
	before := series(t, s)
	for _, want := range []string{
		`operation="createCa",status="200"`, `operation="getCaCrl",status="200"`, `operation="",status="404"`,
	} {
		if before[want] != 1 && (want != `operation="",status="404"` || before[want] != 2) {
			t.Errorf("%s counts %v", want, before[want])
		}
	}
	for i := range 50 {
		get(s.Handler, fmt.Sprintf("/nothing/%d", i))
		get(s.Handler, fmt.Sprintf("/api/nothing/%d", i))
		get(s.Handler, fmt.Sprintf("/api/openvpn/cas/%d/crl", i+2))
		ask(s.Handler, fmt.Sprintf("METHOD%d", i), "/api/openvpn/cas", "")
	}
	after := series(t, s)
	if got := after[`operation="",status="404"`]; got != 152 {
		t.Errorf("%v requests for nothing, not 152", got)
	}
	if got := after[`operation="getCaCrl",status="404"`]; got != 50 {
		t.Errorf("%v lists of CAs that are not there, not 50", got)
	}
	if len(after) > len(before)+2 { // getCaCrl with 404, and /metrics itself
		t.Errorf("200 requests make %d series out of %d: %v", len(after), len(before), after)
	}
	if text := get(s.Handler, "/metrics").Body.String(); !strings.Contains(text, "chaveiro_crl_expires_seconds 2.59") ||
		!strings.Contains(text, "go_goroutines") {
		t.Errorf("/metrics lacks the end of the first list or the runtime")
	}
}

// series are the counts of requests by labels.
func series(t *testing.T, s *wiretest.Server) map[string]float64 {
	t.Helper()
	counts := map[string]float64{}
	scanner := bufio.NewScanner(get(s.Handler, "/metrics").Body)
	for scanner.Scan() {
		if rest, ok := strings.CutPrefix(scanner.Text(), "chaveiro_http_request_duration_seconds_count{"); ok {
			labels, number, _ := strings.Cut(rest, "} ")
			var count float64
			if _, err := fmt.Sscan(number, &count); err != nil {
				t.Fatal(err)
			}
			counts[labels] = count
		}
	}
	return counts
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	if got := get(s.Handler, "/"); got.Code != http.StatusTemporaryRedirect ||
		got.Header().Get("Location") != "/docs/" {
		t.Errorf("/: %d to %q", got.Code, got.Header().Get("Location"))
	}
	if got := get(s.Handler, "/docs/"); got.Code != 200 ||
		!strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") {
		t.Errorf("/docs/: %d %s", got.Code, got.Header().Get("Content-Type"))
	}
	asJSON, asYAML := get(s.Handler, "/api/openapi.json"), get(s.Handler, "/api/openapi.yaml")
	for contentType, got := range map[string]*httptest.ResponseRecorder{
		"application/json": asJSON, "application/yaml": asYAML,
	} {
		if got.Code != 200 || got.Header().Get("Content-Type") != contentType {
			t.Errorf("%s: %d %s", contentType, got.Code, got.Header().Get("Content-Type"))
		}
		loader := openapi3.NewLoader()
		spec, err := loader.LoadFromData(got.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := spec.Validate(loader.Context); err != nil || spec.Paths.Len() < 10 {
			t.Errorf("%s: %v, %d paths", contentType, err, spec.Paths.Len())
		}
	}
	back, err := yaml.YAMLToJSON(asYAML.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decoded(t, asJSON.Body.Bytes()), decoded(t, back)); diff != "" {
		t.Errorf("the two encodings differ (-JSON +YAML):\n%s", diff)
	}
	if bytes.HasPrefix(bytes.TrimSpace(asYAML.Body.Bytes()), []byte("{")) {
		t.Error("the YAML is JSON")
	}
}

func decoded(t *testing.T, text []byte) (value map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Without services every operation panics.
func TestPanics(t *testing.T) {
	t.Parallel()
	log := newLines()
	handler, err := wire.New(wire.Config{
		Services: &service.Services{}, Metrics: prometheus.NewRegistry(), Now: app.Now,
		Log:   slog.New(slog.NewJSONHandler(log, nil)),
		Ready: func(context.Context) []wire.Check { panic("secret detail") },
	})
	if err != nil {
		t.Fatal(err)
	}
	got := get(handler, "/api/openvpn/cas/1/crl", "Accept-Language", "en")
	if want := `{"errors":[{"field":"","type":"rule","msg":"Internal error."}]}`; got.Code != 500 ||
		got.Body.String() != want || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := get(handler, "/readyz"); got.Code != 500 || strings.Contains(got.Body.String(), "secret") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if panics := log.all("panic"); len(panics) != 2 || !strings.Contains(fmt.Sprint(panics[0]["stack"]), "GetCaCrl") {
		t.Errorf("%d panics in the log", len(panics))
	}
	for _, record := range log.all("request") {
		if record["level"] != "ERROR" || record["status"] != 500.0 {
			t.Errorf("%v", record)
		}
	}
}

// There is one line per request, which has the route without its parameters.
func TestLog(t *testing.T) {
	t.Parallel()
	log := newLines()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Log = slog.NewJSONHandler(log, nil) })
	createCA(t, s)
	get(s.Handler, "/api/openvpn/cas/7?_=b", "Authorization", "Bearer "+s.Token, "X-Request-Id", "mine")
	get(s.Handler, "/nothing/7")
	requests := log.all("request")
	if len(requests) != 4 {
		t.Fatalf("%d lines", len(requests))
	}
	third := requests[2]
	for _, record := range []map[string]any{third, requests[3]} {
		for _, key := range []string{"time", "took"} {
			if record[key] == nil {
				t.Errorf("%q is missing", key)
			}
			delete(record, key)
		}
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "/api/openvpn/cas/:id", "operation": "getCa",
		"status": 404.0, "request_id": "mine",
		"bytes": third["bytes"], "principal": map[string]any{"kind": "apikey", "id": 1.0, "name": "superuser"},
		"client_ip": "192.0.2.1",
	}
	if diff := cmp.Diff(want, third); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if requests[3]["operation"] != "" || requests[3]["principal"] != nil || requests[3]["status"] != 404.0 {
		t.Errorf("%v", requests[3])
	}
}
