package domain

import "log/slog"

const redacted = "[redacted]"

// Secret is text that must not reach a log: passwords, tokens, private keys in PEM. Every way of printing it
// gives a placeholder; string(s) is the text itself.
type Secret string

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder.
func (Secret) GoString() string { return redacted }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a placeholder.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
