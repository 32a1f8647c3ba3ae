package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// manyCAs is how many CAs a database has whose server is started.
const manyCAs = 1000

// maxStart is how long a server with so many CAs may take to be ready.
const maxStart = 2 * time.Second

// startRows measures the start of a server with many CAs: until it is ready, until it has all lists
// and is idle, and what that costs.
func startRows(ctx context.Context, b *bench, e engine) error {
	p, err := b.product(ctx, e, "start", manyCAs)
	if err != nil {
		return err
	}
	p.waitIdle(ctx) // each CA has a list
	if err := p.stop(); err != nil {
		return err
	}
	return b.startRow(ctx, e, p, "start", fmt.Sprintf("start with %d CAs", manyCAs))
}

// startRow starts a server of a product that is stopped, three times, and leaves it stopped.
func (b *bench) startRow(ctx context.Context, e engine, p *product, name, what string) error {
	var ready, all side
	config := childConfig{Storage: p.storage}
	if b.profile != "" {
		config.Profile = b.profile + "-" + e.name + "-" + name + "-again.pprof"
	}
	for range 3 {
		began := time.Now()
		var err error
		if p.child, err = startChild(ctx, name, e.dir, config); err != nil {
			return err
		}
		if err := p.waitReadyz(ctx); err != nil {
			return errors.Join(err, p.stop())
		}
		ready.latencies = append(ready.latencies, []time.Duration{time.Since(began)})
		p.waitIdle(ctx)
		all.latencies = append(all.latencies, []time.Duration{time.Since(began)})
		all.ticks += p.ticks()
		if err := p.stop(); err != nil {
			return err
		}
	}
	half := ready.quantile(0.5)
	b.table.add(row{
		engine: e.name, what: what + ", ready", product: milliseconds(half), floor: milliseconds(maxStart),
		ratio: float64(half) / float64(maxStart), target: atMost(1), p50: half, p99: ready.quantile(0.99),
		note: "floor: what is allowed; three times, p99 is the longest",
	})
	b.table.add(row{
		engine: e.name, what: what + ", idle", product: milliseconds(all.quantile(0.5)), p50: all.quantile(0.5),
		p99: all.quantile(0.99), cost: fmt.Sprintf("%.0f ms", float64(all.ticks)*10/3),
	})
	return nil
}

// waitReadyz waits until the server says that it can serve.
func (c *child) waitReadyz(ctx context.Context) error {
	for range 10_000 {
		if _, err := c.do(ctx, call{method: "GET", path: "/readyz"}); err == nil {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("the server does not become ready")
}
