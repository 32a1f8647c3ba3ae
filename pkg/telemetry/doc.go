// Package telemetry sends traces and logs to a collector (OTLP over HTTP), by the SDK of
// OpenTelemetry, and adds the ids of the trace to lines of the log. It reads the standard
// environment variables OTEL_*.
//
// It imports domain and spans. Without an address it does nothing: no exporter, no goroutine, no
// wrapper around the log.
//
// Nothing waits for the collector. What it does not take in time is dropped and counted; the end of
// the process waits closeTimeout for it, and no longer.
package telemetry
