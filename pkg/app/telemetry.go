package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
)

// TelemetryConfig says how the log is written, and what is sent to a collector. The variables
// OTEL_* of OpenTelemetry say the rest.
type TelemetryConfig struct {
	LogFormat    telemetry.Format `name:"log-format" env:"CHAVEIRO_LOG_FORMAT" default:"json" help:"json, or text for people at a terminal."`
	OTLPEndpoint URL              `name:"otlp-endpoint" env:"CHAVEIRO_OTLP_ENDPOINT" help:"URL of a collector that takes traces and logs (OTLP over HTTP), as http://localhost:4318." note:"It means the same as OTEL_EXPORTER_OTLP_ENDPOINT and goes before it; without either nothing is sent. The other variables of OpenTelemetry, OTEL_…, are read too: see [Traces, logs and profiles](#traces-logs-and-profiles)."`
	SlowQuery    time.Duration    `name:"slow-query" env:"CHAVEIRO_SLOW_QUERY" least:"0s" default:"500ms" help:"From how long on a statement of the database is logged, without its values (0: none)." note:"At most 10 in a row, and then one in 10 s."`
	PprofSocket  string           `name:"pprof-socket" env:"CHAVEIRO_PPROF_SOCKET" help:"Path of a Unix socket that serves profiles of the process to the account of the server." note:"Its mode is 0600. A profile of the heap may have secrets in it."`
}

// Validate joins the faults of the fields. The variables are checked at the start.
func (c TelemetryConfig) Validate() error {
	var faults []error
	if c.LogFormat != "" && c.LogFormat != telemetry.JSON && c.LogFormat != telemetry.Text {
		faults = append(faults, errors.New("log-format is neither json nor text"))
	}
	faults = append(faults, faultsOfBounds(c)...)
	return errors.Join(append(faults, c.telemetry().Validate())...)
}

func (c TelemetryConfig) telemetry() telemetry.Settings {
	return telemetry.Settings{Endpoint: string(c.OTLPEndpoint), Version: version(), Getenv: os.Getenv}
}

var recordsMetric = counterOf(
	"chaveiro_telemetry_records_total",
	"Spans (traces) and lines of the log (logs) for the collector: exported, failed, or dropped because too many waited.",
	"signal", "result",
)

// collectTelemetry tells what became of what is sent.
func (s *Server) collectTelemetry(to chan<- prometheus.Metric) {
	if s.config.Telemetry == nil {
		return
	}
	for _, one := range s.config.Telemetry.Counts() {
		recordsMetric.add(to, float64(one.Exported), string(one.Signal), "exported")
		recordsMetric.add(to, float64(one.Failed), string(one.Signal), "failed")
		recordsMetric.add(to, float64(one.Dropped), string(one.Signal), "dropped")
	}
}

// spans begins spans, if traces are sent.
func (c Config) spans() spans.Tracer {
	if c.Telemetry == nil {
		return spans.Tracer{}
	}
	return c.Telemetry.Spans
}

// traced runs a command in a span of its own, if the variables of OpenTelemetry say where to send
// it.
func traced(
	ctx context.Context, name string, log *slog.Logger, do func(context.Context, *telemetry.Telemetry) error,
) error {
	sent, err := telemetry.Start(ctx, TelemetryConfig{}.telemetry(), log)
	if err != nil {
		return err
	}
	ctx, span := sent.Spans.Root(ctx, name)
	err = do(ctx, sent)
	span.EndWith(err)
	return errors.Join(err, sent.Close())
}
