package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/telemetry/telemetrytest"
)

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	traceParent  = "00-" + callersTrace + "-" + callersSpan + "-01"
)

// TestTelemetry_EndToEnd follows one call of the SDK on both engines: the span of the request below
// that of the caller, the statements below it, the row of the audit, the line of the log here and
// at the collector, the webhook, and the exemplar of the metric.
func TestTelemetry_EndToEnd(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		c, hooks := telemetrytest.Start(t), make(chan http.Header, 100)
		hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hooks <- r.Header }))
		defer hook.Close()
		o.Args = []string{"--webhook-allow", "127.0.0.0/8", "--otlp-endpoint", c.URL}
		o.Env = append(o.Env, "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_BLRP_SCHEDULE_DELAY=100")
		p := apptest.Start(t, o)
		client := login(t, p)
		create(t, client, "/api/webhooks", object{"name": "hook", "url": hook.URL, "types": []string{"role.created"}})
		sdk, err := chaveiro.New(chaveiro.Config{
			URL: p.URL, Auth: chaveiro.APIKey(client.Token),
			Headers: func(_ context.Context, header http.Header) { header.Set("traceparent", traceParent) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sdk.Auth.CreateRole(t.Context(), chaveiro.RoleCreate{Name: "traced"}); err != nil {
			t.Fatal(err)
		}
		request := wantRequestSpans(t, c, o.DatabaseURL != "")
		wantHook(t, c, hooks)
		wantTraced(t, client, c, p, o, request)
	})
}

// wantRequestSpans checks the span of the request, and of what it asks of the database.
func wantRequestSpans(t *testing.T, c *telemetrytest.Collector, postgres bool) telemetrytest.Span {
	t.Helper()
	request := c.Await(t, callersTrace, func(s telemetrytest.Span) bool { return s.Name == "POST /api/roles" })
	if request.Parent != callersSpan || request.Attributes["chaveiro.operation"] != "createRole" ||
		request.Attributes["http.route"] != "/api/roles" || request.Attributes["chaveiro.request_id"] == "" {
		t.Errorf("%+v", request)
	}
	system := map[bool]string{true: "postgresql", false: "sqlite"}[postgres]
	transaction := c.Await(t, callersTrace, func(s telemetrytest.Span) bool { return s.Name == "transaction" })
	c.Await(t, callersTrace, func(s telemetrytest.Span) bool {
		text := s.Attributes["db.query.text"]
		return s.Parent == transaction.ID && s.Attributes["db.system.name"] == system &&
			strings.Contains(text, "audit_events") && !strings.Contains(text, "traced")
	})
	c.Await(t, callersTrace, func(s telemetrytest.Span) bool { return s.Parent == transaction.ID && s.Name == "COMMIT" })
	if transaction.Parent != request.ID {
		t.Errorf("%+v is not below %+v", transaction, request)
	}
	return request
}

// wantHook checks that the delivery is in the trace of the change, and passes it on.
func wantHook(t *testing.T, c *telemetrytest.Collector, hooks <-chan http.Header) {
	t.Helper()
	delivery := c.Await(t, callersTrace, func(s telemetrytest.Span) bool { return s.Name == "deliver webhook" })
	select {
	case header := <-hooks:
		if want := "00-" + callersTrace + "-" + delivery.ID + "-01"; header.Get("traceparent") != want {
			t.Errorf("the webhook has %q, not %q", header.Get("traceparent"), want)
		}
	case <-time.After(time.Minute):
		t.Error("there is no delivery")
	}
}

// wantTraced checks the audit, both logs and the metrics.
func wantTraced(
	t *testing.T, client *apptest.Client, c *telemetrytest.Collector, p *apptest.Process, o apptest.Options,
	request telemetrytest.Span,
) {
	t.Helper()
	var page struct {
		Events []struct {
			TraceID *string `json:"trace_id"`
			Name    string  `json:"resource_name"`
		}
	}
	if err := json.Unmarshal(get(t, client, "/api/audit/events?resource=auth.roles"), &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 1 || page.Events[0].TraceID == nil || *page.Events[0].TraceID != callersTrace {
		t.Errorf("the audit has %+v", page)
	}
	if want := `"trace_id":"` + callersTrace + `","span_id":"` + request.ID + `"`; !strings.Contains(p.Log(), want) {
		t.Errorf("the log does not have %s", want)
	}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if slices.ContainsFunc(c.Records(), func(r telemetrytest.Record) bool {
			return r.Body == "request" && r.Trace == callersTrace && r.Attributes["operation"] == "createRole"
		}) {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("the line of the log has not arrived")
		}
	}
	if text := openMetrics(t, p.URL); !bytes.Contains(text, []byte(`# {trace_id="`+callersTrace+`"}`)) {
		t.Errorf("no exemplar of the request:\n%s", text)
	}
	if bytes.Contains(get(t, client, "/metrics"), []byte("# {trace_id")) {
		t.Error("the text format has an exemplar, which its readers do not know")
	}
	if outcome := apptest.Command(t, o, "audit", "verify"); outcome.Code != 0 {
		t.Errorf("%+v", outcome)
	}
}

// openMetrics are the metrics as Prometheus asks for them.
func openMetrics(t *testing.T, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if kind := answer.Header.Get("Content-Type"); err != nil || !strings.HasPrefix(kind, "application/openmetrics-text") {
		t.Errorf("%s, %v", kind, err)
	}
	return text
}
