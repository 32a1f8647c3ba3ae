package app

import (
	"context"
	"crypto/rand"
	"time"
)

const (
	// probeInterval is how long after a successful write no other write is tried.
	probeInterval = 5 * time.Second
	// probePatience is how long writes may time out before the database counts as one that can't be
	// written to: under a heavy load the connections are busy, and when a synchronous standby is
	// gone nothing is ever committed.
	probePatience = 30 * time.Second
	// probeTimeout leaves the rest of the round to report the outcome.
	probeTimeout = checkTimeout * 3 / 4
)

// writeProbe records when a write succeeded. One check at a time uses it.
type writeProbe struct {
	name string // of this process, so that replicas do not wait for each other's row
	good time.Time
}

func newWriteProbe() *writeProbe { return &writeProbe{name: rand.Text()} }

// try writes, unless a write has succeeded a short time ago. After a failure it writes in every
// round.
func (p *writeProbe) try(ctx context.Context, write func(ctx context.Context, name string, now time.Time) error) error {
	begin := time.Now()
	age := begin.Sub(p.good)
	if age < probeInterval {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := write(ctx, p.name, Now())
	if err == nil {
		p.good = begin
	}
	if ctx.Err() != nil && age < probePatience {
		return nil
	}
	return err
}
