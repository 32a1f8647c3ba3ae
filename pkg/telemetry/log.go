package telemetry

import (
	"io"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Format is how lines of the log are written.
type Format string

// The formats: a JSON object a line, for programs, or key=value, for people at a terminal.
const (
	JSON Format = "json"
	Text Format = "text"
)

// NewLog returns a log that writes lines from a level on. Both formats have the same content.
func NewLog(to io.Writer, format Format, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: boundedAttr}
	if format == Text {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}

// boundedAttr cuts long texts and errors in log lines, except the stack of a panic.
func boundedAttr(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "stack" {
		return a
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(domain.CutCause(v.String()))
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			a.Value = slog.StringValue(domain.Cause(err))
		}
	}
	return a
}
