package spans

import (
	"context"
	"crypto/rand"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// IDs are those of the span in ctx, in hexadecimal; empty when there is none.
func IDs(ctx context.Context) (traceID, spanID string) {
	at := trace.SpanContextFromContext(ctx)
	if !at.IsValid() {
		return "", ""
	}
	return at.TraceID().String(), at.SpanID().String()
}

// Sampled is the id of the trace of ctx if it is recorded, so that it can be looked up; otherwise
// it is empty.
func Sampled(ctx context.Context) string {
	at := trace.SpanContextFromContext(ctx)
	if !at.IsValid() || !at.IsSampled() {
		return ""
	}
	return at.TraceID().String()
}

// TraceOf is the id of the trace that a request belongs to: that of the span in ctx, and when
// nothing is traced here the one that the caller names; otherwise it is empty.
func TraceOf(ctx context.Context, header http.Header) string {
	at := trace.SpanContextFromContext(ctx)
	if !at.IsValid() && header.Get("Traceparent") != "" {
		at = trace.SpanContextFromContext(w3c.Extract(ctx, propagation.HeaderCarrier(header)))
	}
	if !at.IsValid() {
		return ""
	}
	return at.TraceID().String()
}

// wantedTrace is the key of the trace that a new root is to be in.
type wantedTrace struct{}

// Generator makes random ids; a root of [Tracer.Continue] gets the id of its trace.
type Generator struct{}

// NewIDs makes the ids of a root.
func (g Generator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, ok := ctx.Value(wantedTrace{}).(trace.TraceID)
	for !ok || !id.IsValid() {
		fill(id[:])
		ok = true
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID makes the id of a span.
func (Generator) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		fill(id[:])
	}
	return id
}

// fill never fails: without random numbers crypto/rand ends the program.
func fill(id []byte) { _, _ = rand.Read(id) }
