// Package telemetrytest is a receiver of OTLP over HTTP for tests: what a collector takes, with the
// types that OpenTelemetry publishes for the protocol. It is no collector: it keeps what it gets in
// memory, and passes nothing on.
package telemetrytest

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collectlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collecttrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector keeps all spans and records that it has received.
type Collector struct {
	*httptest.Server
	mu       sync.Mutex // guards what follows
	status   int        // of answers; 0: 200
	spans    []Span
	records  []Record
	raw      []byte // all bodies
	resource map[string]string
	headers  http.Header // of the last request
}

// Span is a span with its ids in hexadecimal and its attributes as text.
type Span struct {
	Name, Trace, ID, Parent string
	Kind                    trace.Span_SpanKind
	Attributes              map[string]string
	Failed                  bool
}

// Record is a line of the log.
type Record struct {
	Body, Trace, Severity string
	Attributes            map[string]string
}

// Start starts a receiver that ends with the test.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

// Refuse makes the receiver answer with a status from now on; 0: it takes everything again.
func (c *Collector) Refuse(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	body, err := read(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	if err == nil && c.status == 0 {
		err = c.take(r.URL.Path, body)
	}
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case c.status != 0:
		w.WriteHeader(c.status)
	default:
		w.Header().Set("Content-Type", "application/x-protobuf")
	}
}

func read(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		return body, err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unzipped)
}

func (c *Collector) take(path string, body []byte) error {
	c.raw = append(c.raw, body...)
	if path == "/v1/logs" {
		return c.takeLogs(body)
	}
	return c.takeSpans(body)
}

func (c *Collector) takeSpans(body []byte) error {
	var request collecttrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		return err
	}
	for _, of := range request.ResourceSpans {
		c.resource = texts(of.Resource.Attributes)
		for _, in := range of.ScopeSpans {
			for _, one := range in.Spans {
				c.spans = append(c.spans, spanOf(one))
			}
		}
	}
	return nil
}

func spanOf(s *trace.Span) Span {
	return Span{
		Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId),
		Parent: hex.EncodeToString(s.ParentSpanId), Kind: s.Kind, Attributes: texts(s.Attributes),
		Failed: s.Status.GetCode() == trace.Status_STATUS_CODE_ERROR,
	}
}

func (c *Collector) takeLogs(body []byte) error {
	var request collectlogs.ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		return err
	}
	for _, of := range request.ResourceLogs {
		for _, in := range of.ScopeLogs {
			for _, one := range in.LogRecords {
				c.records = append(c.records, recordOf(one))
			}
		}
	}
	return nil
}

func recordOf(r *logs.LogRecord) Record {
	return Record{
		Body: r.Body.GetStringValue(), Trace: hex.EncodeToString(r.TraceId), Severity: r.SeverityText,
		Attributes: texts(r.Attributes),
	}
}

func texts(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, one := range list {
		switch v := one.Value.GetValue().(type) {
		case *common.AnyValue_StringValue:
			out[one.Key] = v.StringValue
		default:
			out[one.Key] = one.Value.String()
		}
	}
	return out
}

// Spans are those of a trace that have arrived; of all traces when it is empty.
func (c *Collector) Spans(of string) (list []Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.spans {
		if of == "" || one.Trace == of {
			list = append(list, one)
		}
	}
	return list
}

// Records are the lines of the log that have arrived.
func (c *Collector) Records() []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.records)
}

// Raw is all that has arrived, as it came.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.raw)
}

// Resource is what the last sender of spans has said of itself.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource
}

// Headers are those of the last request.
func (c *Collector) Headers() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers
}

// Await waits until a span of a trace is there that holds, and returns it.
func (c *Collector) Await(t testing.TB, of string, holds func(Span) bool) Span {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		list := c.Spans(of)
		if i := slices.IndexFunc(list, holds); i >= 0 {
			return list[i]
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the span has not arrived; there are %d: %+v", len(list), list)
		}
	}
}
