package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/store"
)

const (
	// maxClockError is how far a clock may be off.
	maxClockError = 30 * time.Second
	// clockInterval is how long a comparison is valid. One that found a fault is repeated in the
	// next round.
	clockInterval = 15 * time.Second
	// clockMemory is how long the clock of a replica counts after its last report.
	clockMemory = time.Minute
)

// clockCheck compares the clock of this process with the database's and, through the database, with
// those of the other replicas, which store their measurements there. Of two replicas that are too
// far apart, the one that is farther from the database is not ready. One check at a time uses it;
// the metric reads ahead.
type clockCheck struct {
	name     string // of this process
	now      func() time.Time
	compared time.Time    // when it was measured, by the monotonic clock
	ahead    atomic.Int64 // of the database, in nanoseconds; the check stores it, the check and the metric load it
	others   []time.Duration
}

func newClockCheck() *clockCheck { return &clockCheck{name: rand.Text(), now: time.Now} }

// clocks is the part of the database that clocks are compared by.
type clocks interface {
	// Clock is the time of the database. It is not known in SQLite, whose clock is that of the
	// process.
	Clock(ctx context.Context) (now time.Time, known bool, err error)
	// ShareClock stores by how much the process is ahead of the database, and returns the values of
	// all others that have stored theirs lately.
	ShareClock(ctx context.Context, name string, ahead, memory time.Duration) (others []time.Duration, err error)
}

var _ clocks = (*store.Store)(nil)

// compare measures, unless that was done a short time ago. The database reads its clock at some
// moment between the question and the answer, so a difference within that interval is not an error
// of a clock. A failure to share the measurement, for example with a database that can only be
// read, is not the fault of the clock.
func (c *clockCheck) compare(ctx context.Context, db clocks) error {
	fault, _ := c.fault()
	if begin := time.Now(); fault == "" && !c.compared.IsZero() && begin.Sub(c.compared) < clockInterval {
		return nil
	}
	asked := c.now()
	theirs, known, err := db.Clock(ctx)
	answered := c.now()
	if err != nil || !known {
		return err
	}
	var ahead time.Duration
	switch asked, answered := asked.Round(0), answered.Round(0); {
	case asked.After(theirs):
		ahead = asked.Sub(theirs)
	case answered.Before(theirs):
		ahead = answered.Sub(theirs)
	}
	c.ahead.Store(int64(ahead))
	c.compared = time.Now()
	if others, err := db.ShareClock(ctx, c.name, ahead, clockMemory); err == nil {
		c.others = others
	}
	return nil
}

// fault says whether this clock is the one that is off.
func (c *clockCheck) fault() (string, error) {
	ahead := time.Duration(c.ahead.Load())
	if ahead.Abs() > maxClockError {
		return "the clock is not the database's", fmt.Errorf("it is ahead by %v", ahead)
	}
	i := slices.IndexFunc(c.others, func(other time.Duration) bool {
		return (ahead-other).Abs() > maxClockError && ahead.Abs() >= other.Abs()
	})
	if i >= 0 {
		return "the clock is not that of another replica",
			fmt.Errorf("it is ahead of the database by %v, and that of the other by %v", ahead, c.others[i])
	}
	return "", nil
}

// gauge reports by how much the clock is off, for alarms.
func (c *clockCheck) gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chaveiro_clock_ahead_seconds",
		Help: "By how much the clock is ahead of the database's, as it was compared last; always 0 with SQLite.",
	}, func() float64 { return math.Round(time.Duration(c.ahead.Load()).Seconds()*1000) / 1000 })
}
