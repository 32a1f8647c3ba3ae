package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// plannedSites is how many sites the instance has; each has a LAN and an address.
const plannedSites = 20_000

// planSQL make all clients but the last one sites of the instance 1. {address} and {lan} are
// octets.
var planSQL = []string{`
INSERT INTO client_configs (instance_id, client_id, settings, created_at, updated_at)
SELECT 1, id, '{}', created_at, created_at FROM clients WHERE id < {last}`, `
INSERT INTO networks (gateway_key, instance_id, client_id, kind, family, first, last, prefix)
SELECT 'vpn', 1, id, 'lan', 4, {lan}, {lan_end}, '10.0.0.0/24' FROM clients WHERE id < {last}`, `
INSERT INTO networks (gateway_key, instance_id, client_id, kind, family, first, last, prefix)
SELECT 'vpn', 1, id, 'address', 4, {address}, {address}, '172.16.0.0/32' FROM clients WHERE id < {last}`,
}

// planRows compares the list of the sites of an instance with that of all clients, and measures the
// change of a config whose LAN overlaps another one: it does all that a change does up to the check
// of the LANs, and is then refused.
func planRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.fleet(ctx, e, "plan", plannedSites+1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var made struct{ ID int64 }
	_, err = p.exchange(ctx, call{
		method: "POST", path: "/api/openvpn/instances", authorization: p.authorization,
		body: []byte(`{"ca_id": 4, "name": "vpn", "network": "172.16.0.0/16"}`),
	}, &made)
	if err != nil {
		return err
	}
	if err := e.seedPlan(ctx, p.storage.Location()); err != nil {
		return err
	}
	of := listing{p, clientsPath, url.Values{"instance_id": {"1"}, "cursor": {"10000"}}}
	all := listing{p, clientsPath, url.Values{"cursor": {"10000"}}}
	if err := b.deepRow(ctx, e, "sites of an instance", of, all); err != nil {
		return err
	}
	return b.overlapRow(ctx, e, p)
}

func (e engine) seedPlan(ctx context.Context, location string) error {
	db, err := e.connect(location)
	if err != nil {
		return err
	}
	octets := func(base int, step string) string {
		number := fmt.Sprintf("%d + %s", base, step)
		if e.cluster != nil {
			return "decode(lpad(to_hex(" + number + "), 8, '0'), 'hex')"
		}
		return "unhex(printf('%08X', " + number + "))"
	}
	const lans, tunnel = 10 << 24, 172<<24 + 16<<16
	words := strings.NewReplacer(
		"{last}", strconv.Itoa(plannedSites+1), "{lan}", octets(lans, "id * 256"), "{lan_end}",
		octets(lans+255, "id * 256"), "{address}", octets(tunnel, "id + 1"),
	)
	for _, statement := range planSQL {
		if _, err := db.ExecContext(ctx, words.Replace(statement)); err != nil {
			return errors.Join(fmt.Errorf("seed: %w", err), db.Close())
		}
	}
	return errors.Join(e.settle(ctx, db), db.Close())
}

// maxOverlap is how long the check of a LAN against so many networks may take.
const maxOverlap = 5 * time.Millisecond

func (b *bench) overlapRow(ctx context.Context, e engine, p *product) error {
	body := []byte(`{"static_ip": "172.16.255.1", "iroutes": ["10.30.8.64/26"]}`)
	path := fmt.Sprintf("%s/%d/configs/1", clientsPath, plannedSites+1)
	refused := &side{server: p.child, fire: func(ctx context.Context) error {
		_, err := p.do(ctx, call{
			method: "PUT", path: path, authorization: p.authorization, body: body, want: http.StatusConflict,
		})
		return err
	}}
	for range 500 {
		began := time.Now()
		if err := refused.fire(ctx); err != nil {
			return err
		}
		refused.latencies = append(refused.latencies, []time.Duration{time.Since(began)})
	}
	half := refused.quantile(0.5)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("LAN refused among %d", 2*plannedSites), product: milliseconds(half),
		floor: milliseconds(maxOverlap), ratio: float64(half) / float64(maxOverlap), target: atMost(1), p50: half,
		p99: refused.quantile(0.99), note: "floor: what is allowed",
	})
	return nil
}
