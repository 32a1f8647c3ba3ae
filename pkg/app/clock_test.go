package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// sharedClocks is a database with a clock, and the values that replicas have stored there.
type sharedClocks struct {
	now    time.Time
	known  bool
	fault  error
	shared map[string]time.Duration
	asked  int
}

func (d *sharedClocks) Clock(context.Context) (time.Time, bool, error) {
	d.asked++
	return d.now, d.known, d.fault
}

func (d *sharedClocks) ShareClock(
	_ context.Context, name string, ahead, _ time.Duration,
) (others []time.Duration, err error) {
	d.shared[name] = ahead
	for other, ahead := range d.shared {
		if other != name {
			others = append(others, ahead)
		}
	}
	return others, nil
}

// TestClockCheck: a clock is off when it is more than half a minute from the database's or from
// another replica's. Of two replicas, the one farther from the database is off.
func TestClockCheck(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	replica := func(ahead time.Duration) *clockCheck {
		c := newClockCheck()
		c.now = func() time.Time { return noon.Add(ahead) }
		return c
	}
	for _, test := range []struct {
		mine, other time.Duration
		fault       string
	}{
		{0, 0, ""}, {29 * time.Second, 0, ""}, {-29 * time.Second, 0, ""}, {31 * time.Second, 0, "the database's"},
		{-31 * time.Second, 0, "the database's"},
		{24 * time.Hour, 24 * time.Hour, "the database's"}, {20 * time.Second, -20 * time.Second, "another replica"},
		{-12 * time.Second, 20 * time.Second, ""},
		{20 * time.Second, -12 * time.Second, "another replica"}, {15 * time.Second, -14 * time.Second, ""},
	} {
		db := &sharedClocks{now: noon, known: true, shared: map[string]time.Duration{}}
		mine, other := replica(test.mine), replica(test.other)
		for _, c := range []*clockCheck{other, mine} {
			if err := c.compare(t.Context(), db); err != nil {
				t.Fatal(err)
			}
		}
		fault, cause := mine.fault()
		if (fault == "") != (test.fault == "") || !strings.Contains(fault, test.fault) ||
			(cause == nil) != (fault == "") {
			t.Errorf("%v beside %v: %q (%v), want %q", test.mine, test.other, fault, cause, test.fault)
		}
		asked := db.asked
		if err := mine.compare(t.Context(), db); err != nil || (db.asked == asked) != (test.fault == "") {
			t.Errorf("%v beside %v: asked again: %v (%v)", test.mine, test.other, db.asked > asked, err)
		}
		db.now = noon.Add(test.mine)
		mine.compared = time.Time{}
		if mine.compare(t.Context(), db) != nil {
			t.Error("it fails")
		}
		if fault, _ := mine.fault(); test.other == 0 && fault != "" {
			t.Errorf("%v: when it is right again: %q", test.mine, fault)
		}
	}
	slow := newClockCheck()
	times := []time.Time{noon, noon.Add(time.Minute)}
	slow.now = func() time.Time { defer func() { times = times[1:] }(); return times[0] }
	within := &sharedClocks{now: noon.Add(20 * time.Second), known: true, shared: map[string]time.Duration{}}
	if err := slow.compare(t.Context(), within); err != nil || slow.ahead.Load() != 0 {
		t.Errorf("an answer that took long is an error of the clock: %v (%v)", slow.ahead.Load(), err)
	}
	err := replica(time.Hour).compare(t.Context(), &sharedClocks{})
	if err != nil {
		t.Errorf("SQLite has no clock: %v", err)
	}
	cause := errors.New("cause")
	if err = replica(0).compare(t.Context(), &sharedClocks{fault: cause}); !errors.Is(err, cause) {
		t.Errorf("error is %v", err)
	}
}
