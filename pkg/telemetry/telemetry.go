package telemetry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// serviceName is the name of the service, unless OTEL_SERVICE_NAME has another one.
const serviceName = "chaveiro"

// closeTimeout bounds how long the end of the process waits for the collector.
const closeTimeout = 3 * time.Second

// Telemetry is what is sent. The zero value sends nothing.
type Telemetry struct {
	// Spans begins spans; none without traces.
	Spans spans.Tracer
	// Log is the log with the ids of traces, and also for the collector.
	Log *slog.Logger

	ledgers []*ledger
	closers []func(context.Context) error
}

// Start begins to send what the settings say. log is where lines of the log go in any case; without
// anything to send it is Log, as it is.
func Start(ctx context.Context, s Settings, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{Log: log}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if !s.Sends(Traces) && !s.Sends(Logs) {
		return t, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // it would write lines that are no JSON
		log.Warn("OpenTelemetry", "error", domain.Cause(err))
	}))
	about, err := describe(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.Sends(Traces) {
		err = t.startTraces(ctx, s, about, log)
	}
	if err == nil && s.Sends(Logs) {
		err = t.startLogs(ctx, s, about, log)
	} else if err == nil {
		t.Log = slog.New(tracedHandler{Handler: log.Handler()})
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// describe is the process that sends. The environment has the last word.
func describe(ctx context.Context, s Settings) (*resource.Resource, error) {
	return resource.New(ctx, resource.WithHost(), resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", cmp.Or(s.Name, serviceName)), attribute.String("service.version", s.Version),
		attribute.String("service.instance.id", rand.Text()),
	), resource.WithFromEnv())
}

func (t *Telemetry) ledger(s Settings, signal Signal, log *slog.Logger) *ledger {
	size, _ := s.queue(signal) // Start has checked it
	l := &ledger{signal: signal, limit: int64(size), log: log}
	t.ledgers = append(t.ledgers, l)
	return l
}

func (t *Telemetry) startTraces(ctx context.Context, s Settings, about *resource.Resource, log *slog.Logger) error {
	var options []otlptracehttp.Option
	if address := s.address(Traces); address != "" {
		options = append(options, otlptracehttp.WithEndpointURL(address))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return err
	}
	l := t.ledger(s, Traces, log)
	provider := trace.NewTracerProvider(
		trace.WithResource(about), trace.WithIDGenerator(spans.Generator{}),
		trace.WithSpanProcessor(admittedSpans{trace.NewBatchSpanProcessor(countedSpans{exporter, l}), l}),
	)
	t.Spans = spans.New(provider)
	t.closers = append(t.closers, provider.Shutdown)
	return nil
}

func (t *Telemetry) startLogs(ctx context.Context, s Settings, about *resource.Resource, log *slog.Logger) error {
	var options []otlploghttp.Option
	if address := s.address(Logs); address != "" {
		options = append(options, otlploghttp.WithEndpointURL(address))
	}
	exporter, err := otlploghttp.New(ctx, options...)
	if err != nil {
		return err
	}
	l := t.ledger(s, Logs, log)
	provider := sdklog.NewLoggerProvider(
		sdklog.WithResource(about),
		sdklog.WithProcessor(admittedRecords{sdklog.NewBatchProcessor(countedRecords{exporter, l}), l}),
	)
	sent := otelslog.NewHandler(serviceName, otelslog.WithLoggerProvider(provider))
	t.Log = slog.New(tracedHandler{Handler: log.Handler(), sent: sent})
	t.closers = append(t.closers, provider.Shutdown)
	return nil
}

// Counts say for each signal that is sent what became of it.
func (t *Telemetry) Counts() []Counts {
	list := make([]Counts, len(t.ledgers))
	for i, l := range t.ledgers {
		list[i] = l.counts()
	}
	return list
}

// Close sends what waits, for as long as closeTimeout in all. It is called once.
func (t *Telemetry) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	done := make(chan error, len(t.closers))
	for _, end := range t.closers {
		go func() { done <- end(ctx) }()
	}
	for range t.closers {
		<-done // an error is that of an export, which the ledger has told, or that time is up
	}
	for _, l := range t.ledgers {
		if left := l.waiting.Load(); left > 0 {
			l.log.Warn("the collector did not take the last "+string(l.signal), "records", left)
		}
	}
	return nil
}
