package main

import (
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

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
