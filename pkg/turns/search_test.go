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

// TestSearch_Rest: a worker rests after a scan, for the longer the longer the scan took. Who asked
// for the scan has the page before, and the next scan begins after the rest.
func TestSearch_Rest(t *testing.T) {
	t.Parallel()
	for took, rest := range map[time.Duration]time.Duration{
		0:                      2 * time.Millisecond,
		100 * time.Millisecond: 400 * time.Millisecond,
		3 * time.Second:        time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			one := turns.New(bounded.TurnBounds{Workers: 1, Each: 1, Queue: 1, Total: 1}, 0)
			begin := time.Now()
			page, err := turns.Search(t.Context(), one, true, func(context.Context) (domain.Page[int], error) {
				time.Sleep(took)
				return domain.Page[int]{Items: []int{7}}, nil
			})
			Check(t, err)
			if waited := time.Since(begin); waited != took || len(page.Items) != 1 {
				t.Errorf("a scan of %s: %v after %s", took, page, waited)
			}
			Check(t, one.Do(t.Context(), func() error { return nil }))
			if waited := time.Since(begin); waited != took+rest {
				t.Errorf("after a scan of %s the next one begins at %s", took, waited)
			}
		})
	}
}

// TestSearch_Narrow: a page that needs no scan waits for no worker.
func TestSearch_Narrow(t *testing.T) {
	t.Parallel()
	nobody := turns.New(bounded.TurnBounds{Queue: 1, Total: 1}, 0)
	page, err := turns.Search(t.Context(), nobody, false, func(context.Context) (domain.Page[int], error) {
		return domain.Page[int]{Items: []int{7}}, nil
	})
	Check(t, err)
	if len(page.Items) != 1 {
		t.Errorf("the page is %v", page)
	}
}
