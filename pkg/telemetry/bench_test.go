package telemetry_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
)

// BenchmarkStatement is what the span of a statement costs, sent to somebody who keeps nothing.
func BenchmarkStatement(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	sent, err := telemetry.Start(b.Context(), telemetry.Settings{
		Endpoint: server.URL, Getenv: environment("OTEL_LOGS_EXPORTER", "none", "OTEL_BSP_MAX_QUEUE_SIZE", "100000"),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, root := sent.Spans.Receive(b.Context(), nil, http.MethodGet)
	text := "SELECT " + strings.Repeat("a_column, ", 40) + "id FROM clients WHERE id = ?"
	b.ReportAllocs()
	for b.Loop() {
		span := spans.Statement(ctx, "sqlite", text)
		span.Rows(1)
		span.End()
	}
	root.End()
	_ = sent.Close()
}
