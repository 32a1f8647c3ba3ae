package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// profileSites is how many sites the profiles are fetched of.
	profileSites = 200
	// bundleSites is how many sites the instance has whose bundle is fetched.
	bundleSites = 5000
	// profileBound is how many profiles a second eight clients are to get, on SQLite.
	profileBound = 1000
	// bundleBound is the longest that a bundle may take.
	bundleBound = time.Second
	// bundles is how many bundles are fetched.
	bundles = 20
)

const instancesPath = "/api/openvpn/instances"

// tunnelRows measures what machines fetch: the profiles of sites, and the bundle of a server with
// many sites. All is made through the API, so profiles have a key and a certificate. The bundle is
// measured on SQLite, and on PostgreSQL when the group is asked for by its name.
func tunnelRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "tunnel", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.createInstance(ctx); err != nil {
		return err
	}
	if err := p.addSites(ctx, 1, profileSites); err != nil {
		return err
	}
	if err := b.profileRows(ctx, e, p); err != nil {
		return err
	}
	if e.cluster != nil && !slices.Contains(b.only, "tunnel") {
		return nil
	}
	began := time.Now()
	if err := p.addSites(ctx, profileSites+1, bundleSites); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d sites made in %.1f s\n", e.name, bundleSites-profileSites, time.Since(began).Seconds())
	return b.bundleRow(ctx, e, p)
}

func (p *product) createInstance(ctx context.Context) error {
	_, err := p.do(ctx, call{
		method: "POST", path: instancesPath, authorization: p.authorization,
		body: []byte(`{"ca_id": 1, "name": "vpn", "network": "172.16.0.0/16", "remotes": ["vpn.example.com"],` +
			` "push_routes": ["192.168.0.0/24"]}`),
	})
	return err
}

// addSites makes the clients first to last, each with an address and a LAN at the instance 1.
func (p *product) addSites(ctx context.Context, first, last int) error {
	names := &newClients{}
	names.made.Store(int64(first - 1))
	for next := first; next <= last; next += batchSize {
		body := names.batch(min(batchSize, last-next+1))
		batch := call{method: "POST", path: clientsPath + "/batch", authorization: p.authorization, body: body}
		if _, err := p.do(ctx, batch); err != nil {
			return err
		}
	}
	return inParallel(first, last, func(id int) error {
		body := fmt.Appendf(
			nil, `{"static_ip": "172.16.%d.%d", "iroutes": ["10.%d.%d.0/24"]}`, (id+1)>>8, (id+1)&255, id>>8, id&255,
		)
		path := fmt.Sprintf("%s/%d/configs/1", clientsPath, id)
		_, err := p.do(ctx, call{method: "PUT", path: path, authorization: p.authorization, body: body})
		return err
	})
}

// inParallel does something for each number, eight at once.
func inParallel(first, last int, do func(int) error) error {
	var next atomic.Int64
	next.Store(int64(first))
	failures := make([]error, 8)
	var running sync.WaitGroup
	for worker := range failures {
		running.Go(func() {
			for failures[worker] == nil {
				n := int(next.Add(1) - 1)
				if n > last {
					return
				}
				failures[worker] = do(n)
			}
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// profileRows measures profiles of sites whose keys of the control channel the service has made
// already, as it has after the first profile of a site.
func (b *bench) profileRows(ctx context.Context, e engine, p *product) error {
	profile := func(id int) call {
		return call{
			method: "GET", path: fmt.Sprintf("%s/%d/profile", clientsPath, id), authorization: p.authorization,
		}
	}
	err := inParallel(1, profileSites, func(id int) error {
		_, err := p.do(ctx, profile(id))
		return err
	})
	if err != nil {
		return err
	}
	for _, clients := range b.clients {
		plan := b.planOf(clients)
		mine := &side{server: p.child, fire: func(ctx context.Context) error {
			_, err := p.do(ctx, profile(1+rand.IntN(profileSites)))
			return err
		}}
		for turn := range plan.turns + 1 { // the first one warms up
			if err := mine.turn(ctx, plan, turn > 0); err != nil {
				return err
			}
		}
		line := row{
			engine: e.name, what: fmt.Sprintf("profile, c=%d", clients), product: perSecond(mine.rate()),
			cost: fmt.Sprintf("%.0f us", mine.cost()), p50: mine.quantile(0.5), p99: mine.quantile(0.99),
			note: "with the keys; each is recorded in the audit",
		}
		if e.cluster == nil && clients == 8 {
			line.floor, line.ratio, line.target = perSecond(profileBound), mine.rate()/profileBound, atLeast(1)
			line.note += "; floor: what is wanted"
		}
		b.table.add(line)
	}
	return nil
}

// bundleRow measures the bundle of an instance with all the sites.
func (b *bench) bundleRow(ctx context.Context, e engine, p *product) error {
	bundle := call{method: "GET", path: instancesPath + "/1/bundle", authorization: p.authorization}
	whole := bundle
	whole.path += "?format=json"
	var content struct{ Files []any }
	if _, err := p.exchange(ctx, whole, &content); err != nil {
		return err
	}
	if len(content.Files) < bundleSites {
		return fmt.Errorf("a bundle of %d sites has %d files", bundleSites, len(content.Files))
	}
	mine := &side{server: p.child}
	var size int64
	for range bundles {
		began := time.Now()
		answer, err := p.do(ctx, bundle)
		if err != nil {
			return err
		}
		size = answer.size
		mine.latencies = append(mine.latencies, []time.Duration{time.Since(began)})
	}
	half := mine.quantile(0.5)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("bundle of %d sites", bundleSites), product: milliseconds(half),
		floor: milliseconds(bundleBound), ratio: float64(half) / float64(bundleBound), target: atMost(1), p50: half,
		p99: mine.quantile(0.99), note: fmt.Sprintf("%d KiB, tar.gz; floor: what is allowed", size>>10),
	})
	return nil
}
