package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scrapes is how many times the metrics are read. They are gathered twice a second at most.
const scrapes = 20

// metricsRows measures how long it takes to count the certificates of a large database, and to read
// the metrics meanwhile.
func metricsRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "metrics", 4)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	filled := fleet(b.rows)
	filled.der = 700
	if err := b.fill(ctx, e, p, "metrics", filled, childConfig{}); err != nil {
		return err
	}
	var reads []time.Duration
	var counted float64
	for len(reads) < scrapes || counted < float64(b.rows) {
		time.Sleep(600 * time.Millisecond)
		began := time.Now()
		text, err := p.metrics(ctx)
		if err != nil {
			return err
		}
		reads = append(reads, time.Since(began))
		counted = sumOf(text, "chaveiro_certificates{")
		if len(reads) > 10*scrapes {
			return fmt.Errorf("%.0f of %d certificates are counted", counted, b.rows)
		}
		if counted >= float64(b.rows) && len(reads) >= scrapes {
			took := sumOf(text, "chaveiro_certificates_counted_duration_seconds ")
			b.table.add(row{
				engine: e.name, what: fmt.Sprintf("count of %d certificates", b.rows),
				product: milliseconds(time.Duration(took * float64(time.Second))),
			})
		}
	}
	slices.Sort(reads)
	p50, p99 := reads[len(reads)/2], reads[len(reads)-1]
	b.table.add(row{
		engine: e.name, what: "metrics, read meanwhile", product: milliseconds(p50), p50: p50, p99: p99,
		note: fmt.Sprintf("%d times; p99 is the longest", len(reads)),
	})
	return nil
}

// metrics are the metrics of the server.
func (c *child) metrics(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/metrics", nil)
	if err != nil {
		return "", err
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// sumOf adds the values of the lines of a text that begin with a prefix.
func sumOf(text, prefix string) (sum float64) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " ")+1:]), 64)
			sum += value
		}
	}
	return sum
}
