package domain

import (
	"errors"
	"slices"
)

// Part is the part of a request's credential that was not acceptable. It is for operators who look
// into refusals in the log and the audit. Callers are not told.
type Part string

// The parts.
const (
	PartKey         Part = "consumer_key" // or client id
	PartToken       Part = "token"
	PartSecret      Part = "secret"
	PartSignature   Part = "signature"
	PartMethod      Part = "method" // of the signature, or of the application
	PartTimestamp   Part = "timestamp"
	PartNonce       Part = "nonce"
	PartVersion     Part = "version"
	PartTLS         Part = "tls"
	PartStanding    Part = "standing" // disabled, or expired
	PartAddress     Part = "address"
	PartReferrer    Part = "referrer"
	PartCertificate Part = "certificate"
	PartCredentials Part = "credentials" // more than one, or one that can't be read
)

type partError struct {
	part Part
	err  error
}

// WithPart says which part err is about.
func WithPart(part Part, err error) error { return &partError{part, err} }

func (e *partError) Error() string { return e.err.Error() }

func (e *partError) Unwrap() error { return e.err }

// PartOf returns the part that err, or a cause of it, is about; empty when none was set.
func PartOf(err error) Part {
	if found, ok := errors.AsType[*partError](err); ok {
		return found.part
	}
	return ""
}

// HarmlessField reports whether the values of a parameter of the vault's dialect may be logged: it
// is a field of devices, or of OAuth 1.0, that holds no secret. What is typed in remote sessions
// may be a secret.
func HarmlessField(name string) bool {
	return slices.Contains([]string{
		"oauth_consumer_key", "oauth_nonce", "oauth_signature_method", "oauth_timestamp", "oauth_version",
		"device", "hostname", "ip", "model", "type", "vendor", "site", "device_domain", "device_tags", "connectivities",
	}, name)
}
