package pki

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// maxClockGap is how far the clock of the database may be from Now. If it is further away, one
	// of the two was never set, and Now counts, as it does without a database that has a clock.
	maxClockGap = 24 * time.Hour
	// maxListLead is how long a list that has not begun yet is waited for. One that begins later is
	// of a wrong clock, and another one is signed in its place.
	maxListLead = 5 * time.Second
)

// Clock is the time that all replicas share: that of the database where it has a clock of its own,
// otherwise Now. It asks nobody: statements that are sent anyway say what time it is.
type Clock struct {
	Now func() time.Time
	// Database makes the clock of the database count, where there is one.
	Database bool
	// Wait waits until a list has begun, or until ctx ends, whose error it returns then; nil: by a
	// timer.
	Wait func(context.Context, time.Duration) error

	last atomic.Pointer[databaseClock] // as of the last statement; nil: there is none
}

// databaseClock is what the clock of the database has said, and when, by the monotonic clock: a
// clock of this machine that is set meanwhile changes nothing.
type databaseClock struct{ said, at time.Time }

// note keeps what a statement tells of the clock of the database. What another replica has stored
// before that has begun by that clock.
func (c *Clock) note(said time.Time) {
	if !c.Database || said.IsZero() {
		return
	}
	if c.Now().Sub(said).Abs() > maxClockGap {
		c.last.Store(nil)
		return
	}
	c.last.Store(&databaseClock{said: said, at: time.Now()})
}

// now is the time by this clock.
func (c *Clock) now() time.Time {
	if last := c.last.Load(); last != nil {
		return last.said.Add(time.Since(last.at))
	}
	return c.Now()
}

func (c *Clock) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	return wait(ctx, d)
}

// wait waits for d. It returns the error of ctx if that ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
