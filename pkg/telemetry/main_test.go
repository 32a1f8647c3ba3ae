package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
	"github.com/chaveiro/chaveiro/pkg/telemetry/telemetrytest"
)

// environment is a Getenv of these variables alone.
func environment(pairs ...string) func(string) string {
	known := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		known[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return known[name] }
}

// start starts telemetry that goes to c, with a log that is returned.
func start(t *testing.T, c *telemetrytest.Collector, pairs ...string) (*telemetry.Telemetry, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	sent, err := telemetry.Start(
		t.Context(), telemetry.Settings{Endpoint: c.URL, Version: "v9", Getenv: environment(pairs...)},
		telemetry.NewLog(&out, telemetry.JSON, slog.LevelInfo),
	)
	if err != nil {
		t.Fatal(err)
	}
	return sent, &out
}

// TestStart_Off: without an address nothing is sent, and the log is the very same.
func TestStart_Off(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for name, getenv := range map[string]func(string) string{
		"nothing":  environment(),
		"disabled": environment("OTEL_SDK_DISABLED", "true", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1"),
		"none": environment(
			"OTEL_TRACES_EXPORTER", "none", "OTEL_LOGS_EXPORTER", "none", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1",
		),
	} {
		sent, err := telemetry.Start(t.Context(), telemetry.Settings{Getenv: getenv}, log)
		if err != nil || sent.Spans.On() || sent.Log != log || len(sent.Counts()) != 0 {
			t.Errorf("%s: %+v, %v", name, sent, err)
		}
	}
}

// sending are variables by which something is sent.
func sending(name, value string) []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", name, value}
}

// TestSettings_Validate: what can't be obeyed is refused, and no address is quoted.
func TestSettings_Validate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		words string
		pairs []string
	}{
		{"OTEL_EXPORTER_OTLP_ENDPOINT is not an http or https URL", []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"}},
		{"OTEL_EXPORTER_OTLP_HEADERS", []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hidden@localhost"}},
		{`"grpc"`, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}},
		{"neither otlp nor none", []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", "OTEL_TRACES_EXPORTER", "zipkin"}},
		{"OTEL_BSP_MAX_QUEUE_SIZE", []string{"OTEL_BSP_MAX_QUEUE_SIZE", "-1"}},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://h"}},
		{"OTEL_TRACES_SAMPLER is none of always_on", sending("OTEL_TRACES_SAMPLER", "hidden")},
		{"OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1", sending("OTEL_TRACES_SAMPLER_ARG", "NaN")},
		{"OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1", sending("OTEL_TRACES_SAMPLER_ARG", "1.5")},
		{"OTEL_RESOURCE_ATTRIBUTES is not name=value", sending("OTEL_RESOURCE_ATTRIBUTES", "hidden")},
		{"OTEL_SDK_DISABLED is none of true, false", sending("OTEL_SDK_DISABLED", "yes")},
		{"OTEL_EXPORTER_OTLP_TIMEOUT is no whole number from 1", sending("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")},
		{"OTEL_EXPORTER_OTLP_COMPRESSION is neither gzip", sending("OTEL_EXPORTER_OTLP_COMPRESSION", "zip")},
		{"OTEL_EXPORTER_OTLP_HEADERS is not name=value", sending("OTEL_EXPORTER_OTLP_HEADERS", "Bearer hidden")},
		{"OTEL_EXPORTER_OTLP_LOGS_HEADERS is not", sending("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=%zz")},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE is no file", sending("OTEL_EXPORTER_OTLP_CERTIFICATE", "/none")},
		{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and", sending("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/none")},
		{"OTEL_BSP_SCHEDULE_DELAY is no whole number from 0", sending("OTEL_BSP_SCHEDULE_DELAY", "-3")},
		{"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE is no whole number from 1", sending("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "0")},
	} {
		err := telemetry.Settings{Getenv: environment(test.pairs...)}.Validate()
		if err == nil || !strings.Contains(err.Error(), test.words) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", test.pairs, err)
		} else if n := strings.Count(err.Error(), test.words); n > 1 {
			t.Errorf("%q: it is said %d times", test.pairs, n)
		}
	}
	for _, good := range [][]string{
		sending("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20x,a=b"), sending("OTEL_SDK_DISABLED", "FALSE"),
		sending("OTEL_TRACES_SAMPLER", "Always_On"),
	} {
		if err := (telemetry.Settings{Getenv: environment(good...)}).Validate(); err != nil {
			t.Error(err)
		}
	}
}

// TestTelemetry: spans and lines of the log arrive, with the trace of the caller and its ids, and
// the line on the standard error has them too.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	c := telemetrytest.Start(t)
	sent, out := start(t, c)
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	header := http.Header{"Traceparent": {"00-" + trace + "-" + parent + "-01"}}
	ctx, span := sent.Spans.Receive(t.Context(), header, http.MethodPost)
	span.Request(http.MethodPost, "/api/x/:id", "createX", "r1")
	sent.Log.With("part", "test").WarnContext(ctx, "hello", "error", errors.New(strings.Repeat("x", 1<<20)))
	_, inner := spans.Begin(ctx, "sign certificate")
	inner.EndWith(context.DeadlineExceeded)
	span.Answer(500)
	span.End()
	_, later := sent.Spans.Continue(t.Context(), trace, "deliver webhook")
	later.End()
	if err := sent.Close(); err != nil {
		t.Fatal(err)
	}
	outer := c.Await(t, trace, func(s telemetrytest.Span) bool { return s.Name == "POST /api/x/:id" })
	if outer.Parent != parent || !outer.Failed || outer.Attributes["chaveiro.operation"] != "createX" {
		t.Errorf("%+v", outer)
	}
	signed := c.Await(t, trace, func(s telemetrytest.Span) bool { return s.Name == "sign certificate" })
	if signed.Parent != outer.ID || signed.Attributes["error.type"] != "timeout" {
		t.Errorf("%+v", signed)
	}
	if got := c.Await(t, trace, func(s telemetrytest.Span) bool { return s.Name == "deliver webhook" }); got.Parent != "" {
		t.Errorf("%+v", got)
	}
	if got := c.Resource(); got["service.name"] != "chaveiro" || got["service.version"] != "v9" {
		t.Errorf("%q", got)
	}
	records := c.Records()
	if len(records) != 1 || records[0].Body != "hello" || records[0].Trace != trace ||
		records[0].Attributes["part"] != "test" || len(records[0].Attributes["error"]) > 4096 {
		t.Errorf("%.2000v", records)
	}
	if !strings.Contains(out.String(), `"trace_id":"`+trace+`"`) {
		t.Errorf("%.500s", out.String())
	}
}

// TestTelemetry_Away: a collector that takes nothing makes nobody wait. What it did not get is
// counted, said once, and the end of the process does not wait for it.
func TestTelemetry_Away(t *testing.T) {
	t.Parallel()
	c := telemetrytest.Start(t)
	c.Refuse(http.StatusBadRequest)
	sent, out := start(t, c, "OTEL_BSP_MAX_QUEUE_SIZE", "64")
	const n = 5000
	for range n {
		_, span := sent.Spans.Root(t.Context(), "task")
		span.End()
	}
	begun := time.Now()
	if err := sent.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("the end took %s", took)
	}
	got := sent.Counts()[0]
	if got.Exported != 0 || got.Failed == 0 || got.Failed+got.Dropped != n {
		t.Errorf("%+v", got)
	}
	if said := strings.Count(out.String(), "the collector takes no traces"); said != 1 {
		t.Errorf("it is said %d times: %s", said, out.String())
	}
}

// TestTelemetry_Nobody: there is nobody at the address at all.
func TestTelemetry_Nobody(t *testing.T) {
	t.Parallel()
	c := telemetrytest.Start(t)
	sent, out := start(t, c)
	c.Close()
	_, span := sent.Spans.Root(t.Context(), "task")
	span.End()
	begun := time.Now()
	_ = sent.Close()
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("the end took %s", took)
	}
	if !strings.Contains(out.String(), "the collector ") {
		t.Errorf("nothing is said: %s", out.String())
	}
}

// TestNewLog: both formats have the same content, and cut what is too long.
func TestNewLog(t *testing.T) {
	t.Parallel()
	for format, want := range map[telemetry.Format]string{
		telemetry.JSON: `"msg":"hello","n":1`, telemetry.Text: `msg=hello n=1`,
	} {
		var out bytes.Buffer
		telemetry.NewLog(&out, format, slog.LevelInfo).Info("hello", "n", 1, "error", errors.New(strings.Repeat("x", 1<<20)))
		if !strings.Contains(out.String(), want) || out.Len() > 4096 {
			t.Errorf("%s: %.200s", format, out.String())
		}
	}
}
