package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	searchers    = 4       // each with an apikey of its own
	searchedRows = 100_000 // clients that they search

	searchTime = 5 * time.Second // after which the service ends a search
)

// searchedTexts are parts of names: of nearly all, and of none, among them short ones.
var searchedTexts = []string{"*site*", "*nothing*", "*zq*", "*q*"}

// searchRows compares issuing alone with issuing while others search the clients by a part of the
// name, without a pause.
func searchRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.fleet(ctx, e, "search", searchedRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	keys, err := p.apikeys(ctx, searchers)
	if err != nil {
		return err
	}
	names := &newClients{}
	for _, text := range searchedTexts {
		pages := listing{p, clientsPath, url.Values{"name": {text}}}
		if _, err := pages.count(ctx); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		var found atomic.Int64
		alone := &side{server: p.child, fire: p.issuing(names, "ecdsa-p256")}
		beside := &side{server: p.child, fire: alone.fire, during: func(ctx context.Context) {
			p.search(ctx, pages.path(), keys, &found)
			p.waitIdle(context.WithoutCancel(ctx))
		}}
		if err := compare(ctx, b.planOf(1), beside, alone); err != nil {
			return err
		}
		line := rateRow(e, fmt.Sprintf("create beside %d searchers of %s", searchers, text), 0.5, beside, alone)
		line.cost = "" // it includes the cost of the searches
		line.note = fmt.Sprintf("floor: alone, %d clients; %d searches", searchedRows, found.Load())
		b.table.add(line)
	}
	return nil
}

// search requests a path with each of the apikeys until the context ends.
func (p *product) search(ctx context.Context, path string, keys []string, found *atomic.Int64) {
	var running sync.WaitGroup
	for _, key := range keys {
		running.Go(func() {
			for ctx.Err() == nil {
				if _, err := p.do(ctx, call{method: "GET", path: path, authorization: key}); err == nil {
					found.Add(1)
				}
			}
		})
	}
	running.Wait()
}

// apikeys makes apikeys that may do everything.
func (p *product) apikeys(ctx context.Context, n int) ([]string, error) {
	keys := make([]string, n)
	for i := range keys {
		var made struct{ Token string }
		_, err := p.exchange(ctx, call{
			method: "POST", path: "/api/3rdparty/apikeys", authorization: p.authorization,
			body: fmt.Appendf(nil, `{"name":"searcher-%d","superuser":true}`, i),
		}, &made)
		if err != nil {
			return nil, err
		}
		keys[i] = "Bearer " + made.Token
	}
	return keys, nil
}

// scanRow measures a search that reads the names of all clients: the first one, and then one a
// second, so that none waits for the rest after the one before.
func (b *bench) scanRow(ctx context.Context, e engine, p *product) error {
	pages := listing{p, clientsPath, url.Values{"name": {"*nothing*"}}}
	alone, what := pages.side(), fmt.Sprintf("search of *nothing* among %d", b.rows)
	for range 5 {
		time.Sleep(time.Second)
		began := time.Now()
		err := alone.fire(ctx)
		took := time.Since(began)
		if err != nil && took >= searchTime {
			b.table.add(row{engine: e.name, what: what, product: "refused", p50: took, note: err.Error()})
			return nil
		}
		if err != nil {
			return err
		}
		alone.latencies = append(alone.latencies, []time.Duration{took})
	}
	b.table.add(row{
		engine: e.name, what: what,
		product: milliseconds(alone.quantile(0.5)), p50: alone.quantile(0.5), p99: alone.quantile(0.99),
	})
	return nil
}
