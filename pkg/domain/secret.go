package domain

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that must not reach a log: passwords, tokens, private keys in PEM. Every way of
// printing it gives a placeholder; string(s) is the text itself.
type Secret string

// Format prints a placeholder for every verb, also for verbs that do not apply to strings: fmt
// would print the value in its complaint.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a placeholder.
func (Secret) String() string { return redacted }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a placeholder.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Masked keeps only the last four bytes of a secret, so that people can tell it from another.
func (s Secret) Masked() Secret {
	const seen = 4
	return "************" + s[max(0, len(s)-seen):]
}
