package spans

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation in what is exported.
const scope = "github.com/chaveiro/chaveiro"

// w3c reads and writes the headers traceparent and tracestate.
var w3c = propagation.TraceContext{}

// Tracer begins the spans that have no parent in this process. The zero Tracer begins none.
type Tracer struct{ tracer trace.Tracer }

// New returns a tracer whose spans go to a provider.
func New(provider trace.TracerProvider) Tracer { return Tracer{provider.Tracer(scope)} }

// On reports whether the tracer begins spans at all.
func (t Tracer) On() bool { return t.tracer != nil }

// Root begins the span of work that nobody has asked for, as a background task.
func (t Tracer) Root(ctx context.Context, name string) (context.Context, Span) {
	return t.begin(ctx, name, trace.WithNewRoot())
}

// Receive begins the span of a request that was received. Its parent is the one that the headers
// name, if they do.
func (t Tracer) Receive(ctx context.Context, header http.Header, method string) (context.Context, Span) {
	if t.tracer == nil {
		return ctx, Span{}
	}
	ctx = w3c.Extract(ctx, propagation.HeaderCarrier(header))
	ctx, span := t.begin(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
	span.set(requestMethod.String(knownMethod(method)))
	return ctx, span
}

// Continue begins the span of a message about something that was done in the trace of this id,
// which may be empty. The span has no parent: what it follows has ended.
func (t Tracer) Continue(ctx context.Context, traceID, name string) (context.Context, Span) {
	if t.tracer == nil {
		return ctx, Span{}
	}
	if id, err := trace.TraceIDFromHex(traceID); err == nil {
		ctx = context.WithValue(ctx, wantedTrace{}, id)
	}
	return t.begin(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindProducer))
}

// Letter begins the span of a letter that is sent: below the one in ctx, or a root.
func (t Tracer) Letter(ctx context.Context) (context.Context, Span) {
	return t.begin(ctx, "send mail", trace.WithSpanKind(trace.SpanKindProducer))
}

func (t Tracer) begin(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, Span) {
	if t.tracer == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, name, options...)
	return ctx, Span{span}
}

// Begin begins a span below the one in ctx. Without one that is recorded it begins none, and costs
// a look into ctx.
func Begin(ctx context.Context, name string) (context.Context, Span) {
	return below(ctx, name, trace.SpanKindInternal)
}

// Send begins the span of a request to another program, and writes the headers that make it the
// parent there.
func Send(ctx context.Context, name string, header http.Header) (context.Context, Span) {
	ctx, span := below(ctx, name, trace.SpanKindClient)
	Inject(ctx, header)
	return ctx, span
}

func below(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// Inject writes traceparent and tracestate of the span in ctx; nothing when there is none.
func Inject(ctx context.Context, header http.Header) {
	if trace.SpanContextFromContext(ctx).IsValid() {
		w3c.Inject(ctx, propagation.HeaderCarrier(header))
	}
}
