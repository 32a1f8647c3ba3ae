package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// healing is how long replicas took to be healthy again, and how long nothing was written.
type healing struct {
	mu   sync.Mutex // guards what follows
	took map[kind][]time.Duration
	gaps map[kind][]time.Duration // from the beginning of the fault until all replicas write again
}

func newHealing() *healing {
	return &healing{took: map[kind][]time.Duration{}, gaps: map[kind][]time.Duration{}}
}

func (h *healing) gap(k kind, length time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gaps[k] = append(h.gaps[k], length)
}

// heal waits until each of these replicas is healthy: it says that it is ready, and has stored a
// change. One that takes longer than it may is a finding.
func (c *campaign) heal(ctx context.Context, k kind, since time.Time, list []*replica) error {
	var group sync.WaitGroup
	for _, r := range list {
		group.Go(func() { c.healOne(ctx, k, since, r) })
	}
	group.Wait()
	return ctx.Err()
}

func (c *campaign) healOne(ctx context.Context, k kind, since time.Time, r *replica) {
	last := ""
	for n := 0; ctx.Err() == nil && c.findings.first() == nil; n++ {
		reason := c.healthy(ctx, r, n)
		if reason == "" && k == store {
			reason = c.signs(ctx, r)
		}
		took := time.Since(since)
		if reason != "" {
			last = reason
		} else {
			c.healing.mu.Lock()
			c.healing.took[k] = append(c.healing.took[k], took)
			c.healing.mu.Unlock()
		}
		if took > c.settings.heal {
			c.find("replica %d: %s after a %s it was not healthy: %s", r.number, took.Round(time.Millisecond), k, last)
		}
		if reason == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// healthy says why a replica is not; empty: it is.
func (c *campaign) healthy(ctx context.Context, r *replica, n int) string {
	var text []byte
	ready := &call{method: http.MethodGet, path: "/readyz", out: &text, any: true}
	if got := c.ask(ctx, r, ready); got != answered {
		return fmt.Sprintf("/readyz %d %s", ready.status, ready.answer)
	}
	write := &call{
		method: http.MethodPut, path: c.probes[r.number], token: c.admin,
		in: object{"description": fmt.Sprint(time.Now().UnixNano(), " ", n)},
	}
	if got := c.ask(ctx, r, write); got != answered {
		return fmt.Sprintf("a change is answered with %d %.200s", write.status, write.answer)
	}
	return ""
}

// signs says why a replica does not issue with the key store; empty: it does.
func (c *campaign) signs(ctx context.Context, r *replica) string {
	got, k := c.issueAt(ctx, r, c.stored, c.visitor("healed"))
	if got != answered {
		return fmt.Sprintf("a certificate of the key store is answered with %d %.200s", k.status, k.answer)
	}
	return ""
}

// of is the share of a sorted list: 1 is its last element.
func of(list []time.Duration, share float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[max(0, min(len(list)-1, int(share*float64(len(list))+0.999999)-1))]
}
