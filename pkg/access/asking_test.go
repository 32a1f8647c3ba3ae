package access

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestAsking: who waits for another that asks the database is told to come again after askTime, and
// no later than the own deadline.
func TestAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a asking
		if !a.try() || a.try() {
			t.Fatal("it is no turn")
		}
		begin := time.Now()
		if err := a.take(t.Context()); domain.RetryAfter(err) == 0 || time.Since(begin) != askTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.take(ctx); err == nil || time.Since(begin) != askTime+time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		a.leave()
		if err := a.take(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
