package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// The rate of the lines about slow statements. A database in trouble makes all of them slow.
const (
	slowBurst     = 10
	slowPerSecond = 0.1
)

// tellSlow logs statements that take as long as after; 0: none.
func (v *Storage) tellSlow(after time.Duration, log *slog.Logger) {
	if after <= 0 {
		return
	}
	rates, engine := &bounded.Rates{}, string(v.Store.Engine())
	v.Store.TellSlow(after, func(ctx context.Context, s store.Slow) {
		if rates.Take("", time.Now(), slowPerSecond, slowBurst) > 0 {
			return
		}
		origin := domain.OriginOf(ctx)
		log.WarnContext(ctx, "slow statement", "operation", origin.Operation, "request_id", origin.RequestID,
			"took", s.Took, "rows", s.Rows, "database", engine, "statement", s.Text)
	})
}
