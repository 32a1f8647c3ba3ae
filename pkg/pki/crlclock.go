package pki

import (
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

const (
	// maxClockGap is how far the clock of the database may be from Now. If it is further away, one
	// of the two was never set, and Now counts, as it does without a database that has a clock.
	maxClockGap = 24 * time.Hour
	// maxListLead is how long a list that has not begun yet is waited for. One that begins later is
	// of a wrong clock, and another one is signed in its place.
	maxListLead = 5 * time.Second
)

// databaseClock is what the clock of the database has said, and when, by the monotonic clock: a
// clock of this machine that is set meanwhile changes nothing.
type databaseClock struct{ said, at time.Time }

// noteClock keeps what a state tells of the clock of the database. What another replica has stored
// before the state was read has begun by that clock.
func (s *CRLs) noteClock(state domain.CRLState) {
	if !s.DatabaseClock || state.Now.IsZero() {
		return
	}
	if s.Now().Sub(state.Now).Abs() > maxClockGap {
		s.clock.Store(nil)
		return
	}
	s.clock.Store(&databaseClock{said: state.Now, at: time.Now()})
}

// now is the time by the clock that all replicas share: that of the database, or Now without one.
func (s *CRLs) now() time.Time {
	if c := s.clock.Load(); c != nil {
		return c.said.Add(time.Since(c.at))
	}
	return s.Now()
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
