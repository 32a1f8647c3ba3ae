package bounded_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
)

// TestFlights: callers that arrive while a call is running share the next one, and no caller gets a
// result of a call that began before it asked.
func TestFlights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var flights bounded.Flights[string, int]
		asked := 0
		ask := func() (int, error) {
			asked++
			mine := asked
			time.Sleep(time.Second)
			return mine, nil
		}
		var group sync.WaitGroup
		answers := func(n, want int) {
			for range n {
				group.Go(func() {
					if got, err := flights.Do(t.Context(), "key", ask); err != nil || got != want {
						t.Errorf("answer %d, %v, want %d", got, err, want)
					}
				})
			}
			synctest.Wait()
		}
		answers(1, 1)
		answers(50, 2)
		group.Wait()
		answers(1, 3)
		group.Wait()
		wantSame(t, asked, 3)
	})
}

// TestFlights_Ends: a caller whose context ends gets the error of the context, and a panic becomes
// an error of all callers that share the call.
func TestFlights_Ends(t *testing.T) {
	t.Parallel()
	var flights bounded.Flights[int, int]
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	answer := make(chan struct{})
	if _, err := flights.Do(gone, 1, func() (int, error) { <-answer; return 1, nil }); !errors.Is(
		err, context.Canceled,
	) {
		t.Errorf("error is %v", err)
	}
	close(answer)
	if _, err := flights.Do(t.Context(), 2, func() (int, error) { panic("help") }); err == nil {
		t.Error("a panic is no error")
	}
	if got, err := flights.Do(t.Context(), 2, func() (int, error) { return 3, nil }); err != nil || got != 3 {
		t.Errorf("afterwards: %d, %v", got, err)
	}
}
