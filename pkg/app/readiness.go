package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/wire"
)

const (
	checkTimeout = 2 * time.Second
	// checkMemory is how long the result of a round answers all requests.
	checkMemory = time.Second
	// checkStale is the greatest age of an answer that is given while the next round runs: a round
	// ends after checkTimeout.
	checkStale = checkMemory + checkTimeout
)

// readiness runs checks in rounds and keeps the results. There is one round a second, however many
// requests ask. No request runs the round itself, so a request that is canceled neither ends it nor
// makes others wait.
type readiness struct {
	log    *slog.Logger
	checks []*guardedCheck

	// mu guards all that follows. It is held for a look-up, never while a check runs.
	mu      sync.Mutex
	found   []wire.Check
	foundAt time.Time
	round   chan struct{} // closed when the running round ends; nil: none runs
}

func newReadiness(checks []check, log *slog.Logger) *readiness {
	r := &readiness{log: log}
	for _, c := range checks {
		r.checks = append(r.checks, &guardedCheck{check: c})
	}
	return r
}

// answer returns what was found within the last second. Otherwise it waits for the round that finds
// it. While a round is already running, a result that is a little older will do.
func (r *readiness) answer(ctx context.Context) []wire.Check {
	r.mu.Lock()
	age := time.Since(r.foundAt)
	if r.found != nil && (age < checkMemory || r.round != nil && age < checkStale) {
		defer r.mu.Unlock()
		return r.found
	}
	if r.round == nil {
		r.round = make(chan struct{})
		go r.run(r.round)
	}
	round := r.round
	r.mu.Unlock()
	select {
	case <-round:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

// recent returns what was found last, and begins a round in the background if that is older than a
// second. It waits for nothing.
func (r *readiness) recent() []wire.Check {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.round == nil && time.Since(r.foundAt) >= checkMemory {
		r.round = make(chan struct{})
		go r.run(r.round)
	}
	return r.found
}

// run makes one round: all checks at once, within checkTimeout.
func (r *readiness) run(ended chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	found := make([]wire.Check, len(r.checks))
	var group sync.WaitGroup
	for i, c := range r.checks {
		group.Go(func() { found[i] = wire.Check{Name: c.name, Fault: c.fault(ctx, r.log)} })
	}
	group.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found, r.foundAt, r.round = found, time.Now(), nil
	close(ended)
}

// guardedCheck is a check that is waited for no longer than its context lasts, and that is not
// started again before it has ended.
type guardedCheck struct {
	check
	// running says that the check runs: set by the round that begins it, and cleared when the check
	// ends, which may be after the round.
	running atomic.Bool
	last    string // the fault that was last logged
}

// lateFault is the fault of a check that takes too long.
const lateFault = "no answer in time"

func (c *guardedCheck) fault(ctx context.Context, log *slog.Logger) string {
	type outcome struct {
		fault string
		cause error
	}
	found := outcome{fault: lateFault}
	if !c.running.Swap(true) {
		ended := make(chan outcome, 1)
		go func() {
			defer c.running.Store(false)
			fault, cause := c.recovered(ctx)
			ended <- outcome{fault, cause}
		}()
		select {
		case found = <-ended:
		case <-ctx.Done():
		}
	}
	c.tell(log, found.fault, found.cause)
	return found.fault
}

func (c *guardedCheck) recovered(ctx context.Context) (fault string, cause error) {
	defer func() {
		if p := recover(); p != nil {
			fault, cause = "the check failed", fmt.Errorf("panic: %v", p)
		}
	}()
	return c.find(ctx)
}

// tell logs what has changed since the round before.
func (c *guardedCheck) tell(log *slog.Logger, fault string, cause error) {
	switch {
	case fault == c.last:
	case fault == "":
		log.Info("ready again", "check", c.name)
	default:
		log.Error("not ready", "check", c.name, "fault", fault, "error", cause)
	}
	c.last = fault
}
