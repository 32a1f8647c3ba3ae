package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Counts say what became of the records of a signal since the start.
type Counts struct {
	Signal   Signal
	Exported int64 // the collector has taken them
	Failed   int64 // it has refused them, or could not be reached in time
	Dropped  int64 // the queue was full
}

// ledger counts the records of a signal, and keeps more from waiting than the queue holds. The
// queues of the SDK drop too, but do not say how many.
type ledger struct {
	signal                    Signal
	limit                     int64
	log                       *slog.Logger // beside the collector
	waiting                   atomic.Int64 // in the queue
	exported, failed, dropped atomic.Int64
	away                      atomic.Bool // the last export has failed
}

func (l *ledger) counts() Counts {
	return Counts{l.signal, l.exported.Load(), l.failed.Load(), l.dropped.Load()}
}

// admit reports whether one more record may wait.
func (l *ledger) admit() bool {
	if l.waiting.Add(1) <= l.limit {
		return true
	}
	l.waiting.Add(-1)
	l.dropped.Add(1)
	return false
}

// export sends n records, and logs when the collector goes away or is back.
func (l *ledger) export(ctx context.Context, n int, send func() error) {
	l.waiting.Add(-int64(n))
	if err := send(); err != nil {
		l.failed.Add(int64(n))
		if !l.away.Swap(true) {
			l.log.WarnContext(ctx, "the collector takes no "+string(l.signal), "error", domain.Cause(err))
		}
		return
	}
	l.exported.Add(int64(n))
	if l.away.Swap(false) {
		l.log.InfoContext(ctx, "the collector takes "+string(l.signal)+" again",
			"failed", l.failed.Load(), "dropped", l.dropped.Load())
	}
}

// admittedSpans is a processor that passes on what the ledger admits.
type admittedSpans struct {
	trace.SpanProcessor
	ledger *ledger
}

// OnEnd implements trace.SpanProcessor.
func (a admittedSpans) OnEnd(span trace.ReadOnlySpan) {
	if span.SpanContext().IsSampled() && a.ledger.admit() {
		a.SpanProcessor.OnEnd(span)
	}
}

// countedSpans counts what an exporter does. Its errors end here: the ledger has told them.
type countedSpans struct {
	trace.SpanExporter
	ledger *ledger
}

// ExportSpans implements trace.SpanExporter.
func (c countedSpans) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	c.ledger.export(ctx, len(spans), func() error { return c.SpanExporter.ExportSpans(ctx, spans) })
	return nil
}

// admittedRecords and countedRecords are the same for the log.
type admittedRecords struct {
	sdklog.Processor
	ledger *ledger
}

// OnEmit implements log.Processor.
func (a admittedRecords) OnEmit(ctx context.Context, record *sdklog.Record) error {
	if !a.ledger.admit() {
		return nil
	}
	return a.Processor.OnEmit(ctx, record)
}

type countedRecords struct {
	sdklog.Exporter
	ledger *ledger
}

// Export implements log.Exporter.
func (c countedRecords) Export(ctx context.Context, records []sdklog.Record) error {
	c.ledger.export(ctx, len(records), func() error { return c.Exporter.Export(ctx, records) })
	return nil
}
