package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// tally counts requests.
type tally struct {
	begun time.Time

	mu                     sync.Mutex // guards what follows
	sent, refused, unknown int
}

func newTally() *tally { return &tally{begun: time.Now()} }

func (t *tally) add(k *call, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent++
	switch {
	case err != nil:
		t.unknown++
	case k.status >= 500:
		t.refused++
	}
}

// String implements fmt.Stringer.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d requests, %d told to try again, %d without an answer", t.sent, t.refused, t.unknown)
}

// report writes what has happened as a table.
func (c *campaign) report() {
	fmt.Fprintf(c.out, "\nAll of it holds, after %s. %s.\n", time.Since(c.tally.begun).Round(time.Second), c.tally)
	var writes []string
	totals := c.ledger.totals()
	for _, what := range slices.Sorted(maps.Keys(totals)) {
		writes = append(writes, fmt.Sprintf("%s %d", what, totals[what]))
	}
	fmt.Fprintf(c.out, "Answered writes: %s.\n", strings.Join(writes, ", "))
	fmt.Fprintf(c.out, "%d events have arrived at the webhook, of which %d answers were lost; %d lines of logs have no secret; %s.\n",
		len(c.hooks.seen), c.hooks.lost, c.logs.lines, c.former)
	if c.home == nil {
		fmt.Fprintf(c.out, "The replica that was not killed has %d MB and %d goroutines, after %d MB and %d.\n",
			c.end.memory>>20, c.end.goroutines, c.begin.memory>>20, c.begin.goroutines)
	}
	fmt.Fprintln(c.out)
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\ttimes\thealthy again: p50\tp99\tmax\tno writes for: p50\tmax\t")
	for _, k := range kinds {
		took, gaps := c.healing.took[k.name], c.healing.gaps[k.name]
		if len(took) == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t", k.name, c.settings.counts[k.name], seconds(of(took, .5)),
			seconds(of(took, .99)), seconds(of(took, 1)))
		if len(gaps) > 0 {
			fmt.Fprintf(table, "%s\t%s\t\n", seconds(of(gaps, .5)), seconds(of(gaps, 1)))
		} else {
			fmt.Fprint(table, "\t\t\n")
		}
	}
	_ = table.Flush()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
