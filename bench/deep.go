package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"
)

// deepRows compares a page deep in a large database with the first page of a small one of the same
// proportions.
func deepRows(ctx context.Context, b *bench, e engine) (err error) {
	large, err := b.fleet(ctx, e, "large", b.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.stop()) }()
	small, err := b.fleet(ctx, e, "small", smallRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.stop()) }()
	if err := b.expiryRows(ctx, e, large, small); err != nil {
		return err
	}
	queries := []struct {
		what  string
		query func(rows int) url.Values
	}{
		{"unfiltered", fixed(nil)},
		{"ca_id", fixed(url.Values{"ca_id": {"4"}})},
		{"status=valid", fixed(url.Values{"status": {"valid"}})},
		{"status=expired", fixed(url.Values{"status": {"expired"}})},
		{"status=revoked", fixed(url.Values{"status": {"revoked"}})},
		{"ca_id, status=valid", fixed(url.Values{"ca_id": {"4"}, "status": {"valid"}})},
		{"ca_id, status=expired", fixed(url.Values{"ca_id": {"4"}, "status": {"expired"}})},
		{"ca_id, at its beginning", fixed(url.Values{"ca_id": {"4"}, "cursor": {"1"}})},
		{"name exact", func(rows int) url.Values { return url.Values{"name": {"site-" + strconv.Itoa(rows*19/20)}} }},
	}
	for _, q := range queries {
		deep := q.query(b.rows)
		if !deep.Has("cursor") {
			deep.Set("cursor", strconv.Itoa(b.rows*9/10))
		}
		if err := b.deepRow(
			ctx, e, "deep page, "+q.what, listing{large, clientsPath, deep}, listing{small, clientsPath, q.query(smallRows)},
		); err != nil {
			return fmt.Errorf("%s: %w", q.what, err)
		}
	}
	b.memoryRow(e, fmt.Sprintf("listing %d", b.rows), large.cmd.Process.Pid)
	return b.scanRow(ctx, e, large)
}

// expiryRows compares pages in the order of the ends: the first one, and one behind nine tenths.
// Its cursor is the id of a certificate.
func (b *bench) expiryRows(ctx context.Context, e engine, large, small *product) error {
	all := url.Values{"expires_before": {"2999-01-01"}}
	deep := url.Values{"expires_before": all["expires_before"], "cursor": {strconv.Itoa(b.rows*9/10 + 1)}}
	floor := listing{small, clientsPath, all}
	first := fmt.Sprintf("first page of expires_before among %d", b.rows)
	if err := b.deepRow(ctx, e, first, listing{large, clientsPath, all}, floor); err != nil {
		return fmt.Errorf("expires_before: %w", err)
	}
	return b.deepRow(ctx, e, "deep page, expires_before", listing{large, clientsPath, deep}, floor)
}

func fixed(values url.Values) func(int) url.Values {
	return func(int) url.Values {
		query := url.Values{}
		for name, value := range values {
			query[name] = value
		}
		return query
	}
}

// fleet starts the service on a database with that many clients.
func (b *bench) fleet(ctx context.Context, e engine, name string, rows int) (*product, error) {
	return b.fleetWith(ctx, e, name, rows, childConfig{})
}

func (b *bench) fleetWith(ctx context.Context, e engine, name string, rows int, config childConfig) (*product, error) {
	p, err := b.productWith(ctx, e, name, 4, config)
	if err != nil {
		return nil, err
	}
	return p, b.fill(ctx, e, p, name, fleet(rows), config)
}

// fill seeds the database of a product, and starts its server again: one that runs meanwhile reads
// whole tables, because they have no indexes.
func (b *bench) fill(
	ctx context.Context, e engine, p *product, name string, all population, config childConfig,
) (err error) {
	if err := p.stop(); err != nil {
		return err
	}
	began := time.Now()
	if err := e.seed(ctx, p.storage.Location(), all); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d clients seeded in %.1f s\n", e.name, all.rows, time.Since(began).Seconds())
	config.Storage = p.storage
	if b.profile != "" {
		config.Profile = b.profile + "-" + e.name + "-" + name + ".pprof"
	}
	p.child, err = startChild(ctx, name, e.dir, config)
	return err
}

// listing is a page of a service.
type listing struct {
	p     *product
	of    string // the path of its resource
	query url.Values
}

func (l listing) path() string { return l.of + "?" + l.query.Encode() }

func (l listing) side() *side { return &side{server: l.p.child, fire: l.p.reading(l.path)} }

// count returns the number of clients or devices on the page.
func (l listing) count(ctx context.Context) (int, error) {
	var page struct{ Clients, Devices []any }
	_, err := l.p.exchange(ctx, call{method: "GET", path: l.path(), authorization: l.p.authorization}, &page)
	return len(page.Clients) + len(page.Devices), err
}

func (b *bench) deepRow(ctx context.Context, e engine, what string, deep, first listing) error {
	n, err1 := deep.count(ctx)
	m, err2 := first.count(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if n != m || n == 0 {
		return fmt.Errorf("the pages have %d and %d items", n, m)
	}
	mine, theirs := deep.side(), first.side()
	if err := compare(ctx, b.planOf(1), mine, theirs); err != nil {
		return err
	}
	b.table.add(row{
		engine: e.name, what: what, product: milliseconds(mine.quantile(0.5)),
		floor: milliseconds(theirs.quantile(0.5)),
		ratio: latencyRatio(mine, theirs), target: atMost(1.3), cost: costs(mine, theirs), p50: mine.quantile(0.5),
		p99:  mine.quantile(0.99),
		note: fmt.Sprintf("floor: first page among %d", smallRows),
	})
	return nil
}
