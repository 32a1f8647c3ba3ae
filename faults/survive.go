package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// warmth is how long writers work before the first fault, and after the last one.
const warmth = 2 * time.Second

// survive lets writers and readers work while the faults happen, one after the other.
func (c *campaign) survive(ctx context.Context, faults []fault) error {
	working, end := context.WithCancel(ctx)
	defer end()
	var group sync.WaitGroup
	for i := range c.settings.writers {
		group.Go(func() { c.newWriter(i).write(working) })
	}
	for i := range c.settings.readers {
		group.Go(func() { c.newReader(i).read(working) })
	}
	group.Go(func() { c.former.work(working) })
	c.pause(ctx, warmth)
	err := c.settle(ctx)
	if err == nil {
		err = c.breakThings(ctx, faults)
	}
	if err == nil {
		c.pause(ctx, warmth)
	}
	// Requests end by themselves, so that no writer is unsure at the end.
	end()
	group.Wait()
	if found := c.findings.first(); found != nil {
		return found
	}
	return err
}

// settle measures what the replica has that is never killed, before the first fault.
func (c *campaign) settle(ctx context.Context) (err error) {
	if c.home != nil {
		return nil
	}
	c.begin, err = c.weigh(ctx)
	return err
}

// pause waits, or until something was found.
func (c *campaign) pause(ctx context.Context, length time.Duration) {
	select {
	case <-ctx.Done():
	case <-c.findings.ended:
	case <-time.After(length):
	}
}

func (c *campaign) breakThings(ctx context.Context, faults []fault) error {
	begun := time.Now()
	for i, f := range faults {
		if time.Since(begun) > c.settings.bound {
			return fmt.Errorf("%s are over after %d of %d faults", c.settings.bound, i, len(faults))
		}
		c.pause(ctx, f.pause)
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.findings.first() != nil {
			return nil
		}
		if i > 0 && i%25 == 0 {
			fmt.Fprintf(c.out, "%s: %d of %d faults; %s\n", time.Since(begun).Round(time.Second), i, len(faults), c.tally)
		}
		c.findings.during(fmt.Sprintf("fault %d, %s (target %d, second %t)", i+1, f.kind, f.target, f.second))
		if err := c.strike(ctx, f); err != nil {
			return fmt.Errorf("fault %d, %s: %w", i+1, f.kind, err)
		}
	}
	return nil
}

// strike does one fault, and waits until all replicas are healthy again.
func (c *campaign) strike(ctx context.Context, f fault) error {
	switch f.kind {
	case kill:
		return c.killReplicas(ctx, f)
	case restart:
		return c.restartDatabase(ctx, f)
	case promotion:
		return c.promoteStandby(ctx, f)
	case stop:
		return c.freeze(ctx, f)
	case cut:
		return c.cutConnections(ctx, f)
	case clock:
		return c.moveClock(ctx, f)
	case store:
		return c.takeStore(ctx, f)
	default:
		return c.fillDisk(ctx, f)
	}
}

func without(faults []fault, k kind) []fault {
	return slices.DeleteFunc(faults, func(f fault) bool { return f.kind == k })
}
