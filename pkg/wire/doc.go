// Package wire is HTTP: the server around the dialects, with request ids, logs, metrics, health and
// the explorer.
//
// It imports gen/api, gen/pam, domain, bounded, turns, service, spans, wire/api, wire/docs,
// wire/enrol, wire/oas, wire/ocsp and wire/pam. Nothing outside of pkg/wire imports Echo. A dialect
// is a folder of its own below it; no dialect imports another.
package wire
