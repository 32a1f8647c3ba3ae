package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// sliceLength is one turn of one side. It is short compared with disturbances of a shared machine,
// and long compared with one request.
const sliceLength = 500 * time.Millisecond

// side is one of two that are compared: an action that is repeated.
type side struct {
	fire   func(ctx context.Context) error
	server *child   // to which fire sends requests
	others []*child // to which it sends them, too
	// during runs beside the slices of this side until its context ends; nil: nothing.
	during func(ctx context.Context)

	rates     []float64         // of the slices
	medians   []time.Duration   // of the slices
	latencies [][]time.Duration // of the requests, by slice
	done      int
	took      time.Duration
	ticks     int64 // processor time of the servers
	all       int64 // the same with that of the database's processes
}

// plan says how two sides are compared.
type plan struct {
	clients int
	slice   time.Duration
	turns   int
}

// planOf divides the duration of one side into slices.
func (s settings) planOf(clients int) plan {
	return plan{clients: clients, slice: sliceLength, turns: max(3, int(s.duration/sliceLength))}
}

// compare lets the sides take turns. The side that begins alternates, unless the first one has
// something running beside it, which should rest before its next turn. The first turn of each side
// warms up and is not counted.
func compare(ctx context.Context, p plan, a, b *side) error {
	for turn := range p.turns + 1 {
		order := []*side{a, b}
		if turn%2 == 1 && a.during == nil {
			order = []*side{b, a}
		}
		for _, s := range order {
			if err := s.turn(ctx, p, turn > 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *side) turn(ctx context.Context, p plan, counted bool) error {
	aside, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	if s.during != nil {
		running.Go(func() { s.during(aside) })
	}
	before, allBefore := s.used(), startedTicks()
	latencies, took, err := slice(ctx, p, s.fire)
	used, all := s.used()-before, startedTicks()-allBefore
	stop()
	running.Wait()
	if err != nil || !counted {
		return err
	}
	slices.Sort(latencies)
	s.rates = append(s.rates, float64(len(latencies))/took.Seconds())
	s.medians = append(s.medians, quantile(latencies, 0.5))
	s.latencies = append(s.latencies, latencies)
	s.done += len(latencies)
	s.took += took
	s.ticks += used
	s.all += all
	return nil
}

// used is the processor time that the servers have used.
func (s *side) used() int64 {
	sum := s.server.ticks()
	for _, other := range s.others {
		sum += other.ticks()
	}
	return sum
}

// slice fires from several clients at once until the time is over. It returns how long each request
// took, and how long all took together.
func slice(ctx context.Context, p plan, fire func(context.Context) error) ([]time.Duration, time.Duration, error) {
	start := time.Now()
	perClient := make([][]time.Duration, p.clients)
	failures := make([]error, p.clients)
	var running sync.WaitGroup
	for client := range p.clients {
		running.Go(func() {
			for last := start; last.Sub(start) < p.slice && failures[client] == nil; {
				failures[client] = fire(ctx)
				now := time.Now()
				perClient[client] = append(perClient[client], now.Sub(last))
				last = now
			}
		})
	}
	running.Wait()
	return slices.Concat(perClient...), time.Since(start), errors.Join(failures...)
}

// cost is the processor time of the server per request, in microseconds, without that of the
// database.
func (s *side) cost() float64 { return float64(s.ticks) * 10_000 / float64(s.done) }

// allCost is the processor time per request of all that this program has started.
func (s *side) allCost() float64 { return float64(s.all) * 10_000 / float64(s.done) }

func (s *side) rate() float64 { return float64(s.done) / s.took.Seconds() }

func (s *side) quantile(q float64) time.Duration {
	all := slices.Concat(s.latencies...)
	slices.Sort(all)
	return quantile(all, q)
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// rateRatio is the median over the turns of the first rate divided by the second.
func rateRatio(a, b *side) float64 {
	ratios := make([]float64, len(a.rates))
	for i := range ratios {
		ratios[i] = a.rates[i] / b.rates[i]
	}
	return median(ratios)
}

// latencyRatio is the median over the turns of the first median latency divided by the second.
func latencyRatio(a, b *side) float64 {
	ratios := make([]float64, len(a.medians))
	for i := range ratios {
		ratios[i] = float64(a.medians[i]) / float64(b.medians[i])
	}
	return median(ratios)
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}

func costs(product, floor *side) string {
	return fmt.Sprintf("%.0f / %.0f us", product.cost(), floor.cost())
}

// rateRow is the row of two sides that are compared by their rates.
func rateRow(e engine, what string, bound float64, product, floor *side) row {
	return row{
		engine: e.name, what: what, product: perSecond(product.rate()), floor: perSecond(floor.rate()),
		ratio:  rateRatio(product, floor),
		target: atLeast(bound), cost: costs(product, floor), p50: product.quantile(0.5), p99: product.quantile(0.99),
	}
}
