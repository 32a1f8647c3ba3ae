package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testThrottles(t *testing.T, s domain.Store) {
	ctx := t.Context()
	const interval = 10 * time.Second
	take := func(t *testing.T, key string, now time.Time, size int) time.Duration {
		t.Helper()
		return must(s.Throttles().Take(ctx, key, now, interval, size))(t)
	}
	// wantThrough checks that exactly n uses go through at the time.
	wantThrough := func(t *testing.T, key string, now time.Time, size, n int) {
		t.Helper()
		for range n {
			wantSame(t, take(t, key, now, size), 0)
		}
		if take(t, key, now, size) == 0 {
			t.Errorf("more than %d went through", n)
		}
	}
	t.Run("at one instant as many go through as the size says", func(t *testing.T) {
		for _, size := range []int{1, 2, 5} {
			key := fresh("bucket")
			wantThrough(t, key, noon, size, size)
			wantSame(t, take(t, key, noon, size), interval)
			wantSame(t, take(t, key, noon, size), interval)
			wantThrough(t, fresh("bucket"), noon, size, size)
		}
	})
	t.Run("one more goes through every interval, and the wait is until then", func(t *testing.T) {
		key := fresh("bucket")
		wantThrough(t, key, noon, 3, 3)
		wantSame(t, take(t, key, noon.Add(4*time.Second), 3), 6*time.Second)
		wantSame(t, take(t, key, noon.Add(interval-time.Microsecond), 3), time.Microsecond)
		wantThrough(t, key, noon.Add(interval), 3, 1)
		wantSame(t, take(t, key, noon.Add(interval), 3), interval)
		wantThrough(t, key, noon.Add(3*interval+interval/2), 3, 2)
		wantSame(t, take(t, key, noon.Add(3*interval+interval/2), 3), interval/2)
	})
	t.Run("an idle bucket is empty, not more than that", func(t *testing.T) {
		key := fresh("bucket")
		wantThrough(t, key, noon, 3, 3)
		wantThrough(t, key, noon.Add(3*interval), 3, 3)
		wantThrough(t, key, noon.Add(time.Hour), 3, 3)
	})
	t.Run("a clock that is behind lets nobody in sooner", func(t *testing.T) {
		key := fresh("bucket")
		wantThrough(t, key, noon, 2, 2)
		wantSame(t, take(t, key, noon.Add(-time.Second), 2), interval+time.Second)
	})
	t.Run("when a clock was ahead everything is as before once it is right", func(t *testing.T) {
		for _, ahead := range []time.Duration{2 * time.Minute, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
			one, full := fresh("bucket"), fresh("bucket")
			wantThrough(t, one, noon.Add(ahead), 2, 2)
			wantThrough(t, full, noon.Add(ahead), 2, 2)
			wantThrough(t, one, noon, 2, 2)
			check(t, s.Throttles().Purge(ctx, noon.Add(-time.Hour)))
			wantThrough(t, full, noon.Add(time.Second), 2, 2)
		}
		key := fresh("bucket")
		wantThrough(t, key, noon.AddDate(0, 0, 2), 2, 2)
		check(t, s.Throttles().Purge(ctx, noon.Add(-time.Hour)))
		wantThrough(t, key, noon.AddDate(0, 0, 2), 2, 2) // it was removed
	})
	t.Run("replicas whose clocks differ by less than a minute slow down together", func(t *testing.T) {
		key := fresh("bucket")
		wantThrough(t, key, noon.Add(59*time.Second), 2, 2)
		wantThrough(t, key, noon, 2, 0)
	})
	t.Run("an emptied bucket has room, another's stays full", func(t *testing.T) {
		key, other := fresh("bucket"), fresh("bucket")
		wantThrough(t, key, noon, 2, 2)
		wantThrough(t, other, noon, 2, 2)
		check(t, s.Throttles().Empty(ctx, key))
		wantThrough(t, key, noon, 2, 2)
		wantThrough(t, other, noon, 2, 0)
		check(t, s.Throttles().Empty(ctx, "never used"))
	})
	t.Run("purging removes what is empty at the time, and nothing else", func(t *testing.T) {
		key := fresh("bucket")
		wantThrough(t, key, noon, 2, 2)
		check(t, s.Throttles().Purge(ctx, noon.Add(2*interval-time.Microsecond)))
		wantThrough(t, key, noon, 2, 0)
		check(t, s.Throttles().Purge(ctx, noon.Add(2*interval)))
		wantThrough(t, key, noon, 2, 2)
	})
	t.Run("of many at once as many go through as the size says", func(t *testing.T) {
		for _, key := range []string{fresh("bucket"), fresh("bucket"), fresh("bucket")} {
			waits, faults := together(t, 32, func(int) (time.Duration, error) { return s.Throttles().Take(ctx, key, noon, interval, 5) })
			checkAll(t, faults)
			through := 0
			for _, wait := range waits {
				if wait == 0 {
					through++
				} else {
					wantSame(t, wait, interval)
				}
			}
			wantSame(t, through, 5)
		}
	})
}
