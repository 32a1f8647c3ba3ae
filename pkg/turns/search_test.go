package turns_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// TestSearch_Time: a scan that exceeds its timeout gets an error with a time to retry, and its turn
// goes to another caller.
func TestSearch_Time(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := turns.New(bounded.TurnBounds{Workers: 1, Each: 1, Queue: 1, Total: 1}, 0)
		begin := time.Now()
		_, err := turns.Search(t.Context(), one, true, func(ctx context.Context) (domain.Page[int], error) {
			<-ctx.Done()
			return domain.Page[int]{}, errors.New("interrupted")
		})
		if took := time.Since(begin); took != turns.SearchTime || domain.RetryAfter(err) == 0 {
			t.Errorf("%v after %s", err, took)
		}
		cause := errors.New("cause")
		_, err = turns.Search(
			t.Context(), one, true,
			func(context.Context) (domain.Page[int], error) { return domain.Page[int]{}, cause },
		)
		if err != cause {
			t.Errorf("error is %v", err)
		}
		Check(t, one.Do(t.Context(), func() error { return nil }))
	})
}
