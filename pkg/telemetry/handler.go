package telemetry

import (
	"context"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/spans"
)

// tracedHandler adds the ids of the trace to each line of the log. sent takes the same lines for
// the collector, which gets the ids as such; nil: there is none.
type tracedHandler struct {
	slog.Handler
	sent slog.Handler
}

// Handle implements slog.Handler. A line for the collector never waits.
func (h tracedHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.sent != nil {
		_ = h.sent.Handle(ctx, bounded(r)) // it has no errors but those that the ledger counts
	}
	if traceID, spanID := spans.IDs(ctx); traceID != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", traceID), slog.String("span_id", spanID))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h tracedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	if h.sent != nil {
		h.sent = h.sent.WithAttrs(boundedAll(attrs))
	}
	return h
}

// WithGroup implements slog.Handler.
func (h tracedHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	if h.sent != nil {
		h.sent = h.sent.WithGroup(name)
	}
	return h
}

// bounded is a record whose attributes are cut as those on stderr.
func bounded(r slog.Record) slog.Record {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(boundedAttr(nil, a))
		return true
	})
	return out
}

func boundedAll(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = boundedAttr(nil, a)
	}
	return out
}
