// Package spans makes the spans of a trace, and is the one place that says what a span may tell.
//
// It owns the names and attributes of spans, and the header traceparent (W3C Trace Context). It
// imports nothing of this module, and of others the API of OpenTelemetry alone: who begins a span
// knows neither exporters nor settings.
//
// A span can only be told what has a method here, so no secret gets into one by an attribute that
// somebody has added elsewhere: there is no text of an error, no path, no query, no name and no
// value of a statement.
package spans
