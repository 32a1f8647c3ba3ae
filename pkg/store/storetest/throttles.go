package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// throttleInterval is how long one use takes to be forgotten.
const throttleInterval = 10 * time.Second

// throttleRules is the contract of domain.Throttles.
var throttleRules = rules{
	{"Rate", testThrottleRate},
	{"Clocks", testThrottleClocks},
	{"Room", testThrottleRoom},
	{locks, testThrottleLocks},
}

// buckets counts uses.
type buckets struct{ domain.Store }

func (b buckets) take(t *testing.T, key string, now time.Time, size int) time.Duration {
	t.Helper()
	return must(b.Throttles().Take(t.Context(), key, now, throttleInterval, size))(t)
}

// wantThrough checks that exactly n uses go through at the time.
func (b buckets) wantThrough(t *testing.T, key string, now time.Time, size, n int) {
	t.Helper()
	for range n {
		wantSame(t, b.take(t, key, now, size), 0)
	}
	if b.take(t, key, now, size) == 0 {
		t.Errorf("more than %d went through", n)
	}
}

func testThrottleRate(t *testing.T, s domain.Store) {
	b := buckets{s}
	const interval = throttleInterval
	t.Run("at one instant as many go through as the size says", func(t *testing.T) {
		for _, size := range []int{1, 2, 5} {
			key := fresh("bucket")
			b.wantThrough(t, key, noon, size, size)
			wantSame(t, b.take(t, key, noon, size), interval)
			wantSame(t, b.take(t, key, noon, size), interval)
			b.wantThrough(t, fresh("bucket"), noon, size, size)
		}
	})
	t.Run("one more goes through every interval, and the wait is until then", func(t *testing.T) {
		key := fresh("bucket")
		b.wantThrough(t, key, noon, 3, 3)
		wantSame(t, b.take(t, key, noon.Add(4*time.Second), 3), 6*time.Second)
		wantSame(t, b.take(t, key, noon.Add(interval-time.Microsecond), 3), time.Microsecond)
		b.wantThrough(t, key, noon.Add(interval), 3, 1)
		wantSame(t, b.take(t, key, noon.Add(interval), 3), interval)
		b.wantThrough(t, key, noon.Add(3*interval+interval/2), 3, 2)
		wantSame(t, b.take(t, key, noon.Add(3*interval+interval/2), 3), interval/2)
	})
	t.Run("an idle bucket is empty, not more than that", func(t *testing.T) {
		key := fresh("bucket")
		b.wantThrough(t, key, noon, 3, 3)
		b.wantThrough(t, key, noon.Add(3*interval), 3, 3)
		b.wantThrough(t, key, noon.Add(time.Hour), 3, 3)
	})
}

func testThrottleClocks(t *testing.T, s domain.Store) {
	b := buckets{s}
	const interval = throttleInterval
	t.Run("a clock that is behind lets nobody in sooner", func(t *testing.T) {
		key := fresh("bucket")
		b.wantThrough(t, key, noon, 2, 2)
		wantSame(t, b.take(t, key, noon.Add(-time.Second), 2), interval+time.Second)
	})
	t.Run("when a clock was ahead everything is as before once it is right", func(t *testing.T) {
		for _, ahead := range []time.Duration{2 * time.Minute, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
			one, full := fresh("bucket"), fresh("bucket")
			b.wantThrough(t, one, noon.Add(ahead), 2, 2)
			b.wantThrough(t, full, noon.Add(ahead), 2, 2)
			b.wantThrough(t, one, noon, 2, 2)
			check(t, b.Throttles().Purge(t.Context(), noon.Add(-time.Hour)))
			b.wantThrough(t, full, noon.Add(time.Second), 2, 2)
		}
		key := fresh("bucket")
		b.wantThrough(t, key, noon.AddDate(0, 0, 2), 2, 2)
		check(t, b.Throttles().Purge(t.Context(), noon.Add(-time.Hour)))
		b.wantThrough(t, key, noon.AddDate(0, 0, 2), 2, 2) // it was removed
	})
	t.Run("replicas whose clocks differ by less than a minute slow down together", func(t *testing.T) {
		key := fresh("bucket")
		b.wantThrough(t, key, noon.Add(59*time.Second), 2, 2)
		b.wantThrough(t, key, noon, 2, 0)
	})
}

func testThrottleRoom(t *testing.T, s domain.Store) {
	b := buckets{s}
	const interval = throttleInterval
	t.Run("an emptied bucket has room, another's stays full", func(t *testing.T) {
		key, other := fresh("bucket"), fresh("bucket")
		b.wantThrough(t, key, noon, 2, 2)
		b.wantThrough(t, other, noon, 2, 2)
		check(t, b.Throttles().Empty(t.Context(), key))
		b.wantThrough(t, key, noon, 2, 2)
		b.wantThrough(t, other, noon, 2, 0)
		check(t, b.Throttles().Empty(t.Context(), "never used"))
	})
	t.Run("purging removes what is empty at the time, and nothing else", func(t *testing.T) {
		key := fresh("bucket")
		b.wantThrough(t, key, noon, 2, 2)
		check(t, b.Throttles().Purge(t.Context(), noon.Add(2*interval-time.Microsecond)))
		b.wantThrough(t, key, noon, 2, 0)
		check(t, b.Throttles().Purge(t.Context(), noon.Add(2*interval)))
		b.wantThrough(t, key, noon, 2, 2)
	})
}

func testThrottleLocks(t *testing.T, s domain.Store) {
	const interval = throttleInterval
	t.Run("of many at once as many go through as the size says", func(t *testing.T) {
		for _, key := range []string{fresh("bucket"), fresh("bucket"), fresh("bucket")} {
			waits, faults := domaintest.Together(32,
				func(int) (time.Duration, error) { return s.Throttles().Take(t.Context(), key, noon, interval, 5) },
			)
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
