package main

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// killReplicas kills one replica, or two of them at once, and starts them again.
func (c *campaign) killReplicas(ctx context.Context, f fault) error {
	hit := []*replica{c.replicas[f.target%steady]}
	if f.second {
		hit = c.replicas[:steady]
	}
	for _, r := range hit {
		if err := r.kill(); err != nil {
			return err
		}
	}
	begun := time.Now()
	failures := make([]error, len(hit))
	var group sync.WaitGroup
	for i, r := range hit {
		group.Go(func() { failures[i] = r.start(ctx) })
	}
	group.Wait()
	for _, r := range hit {
		r.end()
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return c.heal(ctx, f.kind, begun, hit)
}

// restartDatabase ends the primary at once and starts it again, in some cases a while later.
func (c *campaign) restartDatabase(ctx context.Context, f fault) error {
	gone := time.Now()
	if err := c.database.now().Down(); err != nil {
		return err
	}
	if f.second {
		c.pause(ctx, f.length)
	}
	if err := c.database.now().Up(ctx); err != nil {
		return err
	}
	if err := c.heal(ctx, f.kind, time.Now(), c.replicas[:]); err != nil {
		return err
	}
	c.healing.gap(f.kind, time.Since(gone))
	return c.database.revive(ctx)
}

// promoteStandby kills the primary and lets the standby take over. In some cases a replica is
// killed meanwhile. A new standby follows.
func (c *campaign) promoteStandby(ctx context.Context, f fault) error {
	gone := time.Now()
	if f.second {
		r := c.replicas[f.target%steady]
		if err := r.kill(); err != nil {
			return err
		}
		defer r.end()
		if err := c.database.promote(ctx); err != nil {
			return err
		}
		if err := r.start(ctx); err != nil {
			return err
		}
	} else if err := c.database.promote(ctx); err != nil {
		return err
	}
	if err := c.heal(ctx, f.kind, time.Now(), c.replicas[:]); err != nil {
		return err
	}
	c.healing.gap(f.kind, time.Since(gone))
	return c.database.follow(ctx)
}

// freeze stops a replica, the primary or the standby for a while.
func (c *campaign) freeze(ctx context.Context, f fault) error {
	if f.target == 0 {
		return c.freezeReplica(ctx, f)
	}
	frozen := c.database.now()
	if f.second {
		frozen = c.database.standby()
	}
	return c.freezeCluster(ctx, f, frozen)
}

func (c *campaign) freezeReplica(ctx context.Context, f fault) error {
	r := c.replicas[f.length%replicaCount]
	r.begin()
	if err := r.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	c.pause(ctx, f.length)
	if err := r.signal(syscall.SIGCONT); err != nil {
		return err
	}
	r.end()
	return c.heal(ctx, f.kind, time.Now(), []*replica{r})
}

func (c *campaign) freezeCluster(ctx context.Context, f fault, frozen *pgtest.Cluster) error {
	if err := frozen.Freeze(); err != nil {
		return err
	}
	c.pause(ctx, f.length)
	if err := frozen.Thaw(); err != nil {
		return err
	}
	return c.heal(ctx, f.kind, time.Now(), c.replicas[:])
}

// cutConnections cuts those of one replica, or lets none carry anything for a while before.
func (c *campaign) cutConnections(ctx context.Context, f fault) error {
	ways := c.database.proxies[f.target]
	if f.second {
		for _, p := range ways {
			p.silent.Store(true)
		}
		c.pause(ctx, f.length)
	}
	for _, p := range ways {
		p.cut()
		p.silent.Store(false)
	}
	return c.heal(ctx, f.kind, time.Now(), []*replica{c.replicas[f.target]})
}

// moveClock moves the clock of a replica for a while, and back. By up to twelve seconds it stays
// healthy; beyond half a minute it may refuse to serve until its clock is right again.
func (c *campaign) moveClock(ctx context.Context, f fault) error {
	r := c.replicas[f.target]
	r.astray.Store(f.second)
	r.clock.set(f.jump)
	if !f.second {
		if err := c.heal(ctx, f.kind, time.Now(), []*replica{r}); err != nil {
			return err
		}
	}
	c.pause(ctx, f.length)
	r.clock.set(0)
	err := c.heal(ctx, f.kind, time.Now(), []*replica{r})
	r.astray.Store(false)
	return err
}

// fillDisk leaves no room on the disk of the primary, or in some cases of the standby, for a while.
// What ends because of it is started again, as whatever watches over a database does.
func (c *campaign) fillDisk(ctx context.Context, f fault) error {
	at := c.database.places[c.database.primary]
	if f.second {
		at = c.database.places[1-c.database.primary]
	}
	gone := time.Now()
	if err := at.disk.fill(); err != nil {
		return err
	}
	c.pause(ctx, f.length)
	if err := at.disk.empty(); err != nil {
		return err
	}
	if err := c.database.revive(ctx); err != nil {
		return err
	}
	if err := c.heal(ctx, f.kind, time.Now(), c.replicas[:]); err != nil {
		return err
	}
	c.healing.gap(f.kind, time.Since(gone))
	return nil
}
