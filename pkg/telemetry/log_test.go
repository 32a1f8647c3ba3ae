package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestBoundedAttr(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: boundedAttr}))
	log.Info(
		long, "cause", long, "error", errors.New(long), slog.Group("g", "error", errors.New(long)), "n", 1, "stack",
		"short",
	)
	if out.Len() > 4*domain.MaxCause+1000 || !strings.Contains(out.String(), `"n":1,"stack":"short"`) {
		t.Errorf("%d bytes: %.100s", out.Len(), out.String())
	}
}
