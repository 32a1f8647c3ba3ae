package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// fewRows is how many clients the database has that a large one is compared with.
const fewRows = 30_000

// realDER is the size of a certificate in a large database, as one of P-256 has it.
const realDER = 700

// largeRows compares a database with -rows clients and their certificates with one of the same
// proportions that has ten thousand: start, lists, issue, revoke, CRL, OCSP, and the count.
func largeRows(ctx context.Context, b *bench, e engine) (err error) {
	large, err := b.large(ctx, e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.stop()) }()
	few, err := b.filled(ctx, e, "few", fewRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, few.stop()) }()
	b.memoryRow(e, fmt.Sprintf("after the start, %d", b.rows), large.cmd.Process.Pid)
	for _, step := range []func(context.Context, engine, *large2few) error{
		b.largePages, b.largeStatus, b.largeWrites, b.largeLists,
	} {
		if err := step(ctx, e, &large2few{large, few, b.rows}); err != nil {
			return err
		}
	}
	b.memoryRow(e, fmt.Sprintf("at the end, %d", b.rows), large.cmd.Process.Pid)
	return b.scanRow(ctx, e, large)
}

// large2few is what is compared.
type large2few struct {
	large, few *product
	rows       int
}

// large is the service on the large database, one that is kept if there is a place for that.
func (b *bench) large(ctx context.Context, e engine) (*product, error) {
	if e.kept == "" {
		return b.filled(ctx, e, "large", b.rows)
	}
	p, err := b.keptFleet(ctx, e, b.rows)
	if err != nil {
		return nil, err
	}
	return p, b.begin(ctx, e, p, keptName(b.rows), b.rows)
}

// filled seeds a new database with so many clients and starts the service on it.
func (b *bench) filled(ctx context.Context, e engine, name string, rows int) (*product, error) {
	p, err := b.product(ctx, e, name, 4)
	if err != nil {
		return nil, err
	}
	if err := p.stop(); err != nil {
		return nil, err
	}
	if err := b.seedLarge(ctx, e, p, name, rows); err != nil {
		return nil, err
	}
	return p, b.begin(ctx, e, p, name, rows)
}

// seedLarge seeds the database of a product that is stopped, and prints what that takes.
func (b *bench) seedLarge(ctx context.Context, e engine, p *product, name string, rows int) error {
	began, before := time.Now(), ownTicks()
	all := fleet(rows)
	all.der = realDER
	if err := e.seed(ctx, p.storage.Location(), all); err != nil {
		return err
	}
	took, worked := time.Since(began).Seconds(), float64(ownTicks()-before)/100
	octets, err := e.size(ctx, p.storage.Location())
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %d clients seeded in %.1f s (%.1f s of a processor), %.1f GB\n",
		e.name, rows, took, worked, octets/1e9)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("database of %d", rows), product: fmt.Sprintf("%.2f GB", octets/1e9),
		note: fmt.Sprintf("%.0f octets a client; seeded in %.0f s, %.0f s of a processor", octets/float64(rows), took, worked),
	})
	return nil
}

// begin starts the service of a product that is stopped, and measures how long that takes.
func (b *bench) begin(ctx context.Context, e engine, p *product, name string, rows int) error {
	err := b.startRow(ctx, e, p, name, fmt.Sprintf("start with %d certificates", rows))
	if err != nil {
		return err
	}
	config := childConfig{Storage: p.storage}
	if b.profile != "" {
		config.Profile = b.profile + "-" + e.name + "-" + name + ".pprof"
	}
	p.child, err = startChild(ctx, name, e.dir, config)
	return err
}

// size is how many octets a database has.
func (e engine) size(ctx context.Context, location string) (octets float64, err error) {
	if e.cluster == nil {
		info, err := os.Stat(location)
		if err != nil {
			return 0, err
		}
		return float64(info.Size()), nil
	}
	db, err := e.connect(location)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(&octets)
	return octets, errors.Join(err, db.Close())
}

// largePages compares pages: the first one, deep ones, and those that a filter selects.
func (b *bench) largePages(ctx context.Context, e engine, d *large2few) error {
	cursor := func(rows int) string { return strconv.Itoa(rows * 9 / 10) }
	for _, q := range []struct {
		what  string
		query func(rows int) url.Values
	}{
		{"first page", func(int) url.Values { return url.Values{} }},
		{"deep page", func(rows int) url.Values { return url.Values{"cursor": {cursor(rows)}} }},
		{"deep page of a CA, valid", func(rows int) url.Values {
			return url.Values{"ca_id": {"4"}, "status": {"valid"}, "cursor": {cursor(rows)}}
		}},
		{"a name", func(rows int) url.Values { return url.Values{"name": {"site-" + strconv.Itoa(rows*19/20)}} }},
		{"first page by expiry", func(int) url.Values { return url.Values{"expires_before": {"2999-01-01"}} }},
		{"deep page by expiry", func(rows int) url.Values {
			return url.Values{"expires_before": {"2999-01-01"}, "cursor": {strconv.Itoa(rows*9/10 + 1)}}
		}},
	} {
		deep, first := listing{d.large, clientsPath, q.query(d.rows)}, listing{d.few, clientsPath, q.query(fewRows)}
		if err := b.deepRow(ctx, e, fmt.Sprintf("%s among %d", q.what, d.rows), deep, first); err != nil {
			return fmt.Errorf("%s: %w", q.what, err)
		}
		b.table.rows[len(b.table.rows)-1].note = fmt.Sprintf("floor: among %d", fewRows)
	}
	return nil
}

// ratio compares what two servers do in a time.
func (b *bench) ratio(
	ctx context.Context, e engine, d *large2few, what string, bound float64, large, few func(context.Context) error,
) error {
	for _, clients := range b.clients {
		mine, theirs := &side{server: d.large.child, fire: large}, &side{server: d.few.child, fire: few}
		if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		line := rateRow(e, fmt.Sprintf("%s among %d, c=%d", what, d.rows, clients), bound, mine, theirs)
		line.note = fmt.Sprintf("floor: among %d", fewRows)
		b.table.add(line)
	}
	return nil
}

// largeStatus compares OCSP.
func (b *bench) largeStatus(ctx context.Context, e engine, d *large2few) error {
	large, err := e.asked(ctx, d.large.storage.Location())
	if err != nil {
		return err
	}
	few, err := e.asked(ctx, d.few.storage.Location())
	if err != nil {
		return err
	}
	if err := b.firstStatus(ctx, e, d, large); err != nil {
		return err
	}
	return b.ratio(
		ctx, e, d, "OCSP with a nonce", 0.8, large.fire(d.large.child, true), few.fire(d.few.child, true),
	)
}

// firstStatus asks for each status once. Serials lie anywhere in their index, so what of it is not
// in memory is read from the disk; that is told by itself, and not as what an answer costs.
func (b *bench) firstStatus(ctx context.Context, e engine, d *large2few, large *asked) error {
	first, fire := &side{server: d.large.child}, large.fire(d.large.child, true)
	for range large.requests {
		began := time.Now()
		if err := fire(ctx); err != nil {
			return err
		}
		first.latencies = append(first.latencies, []time.Duration{time.Since(began)})
	}
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("OCSP, each serial for the first time, among %d", d.rows),
		product: milliseconds(first.quantile(0.5)), p50: first.quantile(0.5), p99: first.quantile(0.99),
	})
	return nil
}

// largeWrites compares issuing, and revoking what was seeded: the fourth CA has half of it.
func (b *bench) largeWrites(ctx context.Context, e engine, d *large2few) error {
	mine, theirs := &newClients{}, &newClients{}
	for _, names := range []*newClients{mine, theirs} { // a kept database has the names of other runs
		names.made.Store(time.Now().UnixMicro())
	}
	err := b.ratio(
		ctx, e, d, "issue", 0.8, d.large.issuing(mine, "ecdsa-p256"), d.few.issuing(theirs, "ecdsa-p256"),
	)
	if err != nil {
		return err
	}
	last, err := e.lastInForce(ctx, d.large.storage.Location(), d.rows/2, d.rows)
	if err != nil {
		return err
	}
	return b.ratio(ctx, e, d, "revoke", 0.8, d.large.revoking(last), d.few.revoking(fewRows))
}

// revoking revokes the clients of a fleet from the last one on, those that are in force.
func (p *product) revoking(last int) func(context.Context) error {
	var next atomic.Int64
	next.Store(int64(last) + 1)
	return func(ctx context.Context) error {
		id := next.Add(-1)
		for id%10 == 0 || id%20 == 7 {
			id = next.Add(-1)
		}
		if id <= 0 {
			return errors.New("all clients are revoked: choose a shorter -duration")
		}
		path := clientsPath + "/" + strconv.FormatInt(id, 10)
		_, err := p.do(ctx, call{method: "DELETE", path: path, authorization: p.authorization})
		return err
	}
}

// largeLists measures the list of the third CA: the first one, which reads all its revocations,
// and the next ones, each after a revocation.
func (b *bench) largeLists(ctx context.Context, e engine, d *large2few) error {
	const path = "/api/openvpn/cas/3/crl"
	last, err := e.lastInForce(ctx, d.large.storage.Location(), d.rows/3, d.rows/2) // of the third CA
	if err != nil {
		return err
	}
	revoke, first := d.large.revoking(last), &side{server: d.large.child}
	var size int64
	for i := range 4 {
		if err := revoke(ctx); err != nil {
			return err
		}
		began := time.Now()
		list, err := d.large.do(ctx, call{method: "GET", path: path})
		if err != nil {
			return err
		}
		took := time.Since(began)
		if size = list.size; i == 0 {
			b.table.add(row{
				engine: e.name, what: "first CRL after the start", product: milliseconds(took), p50: took,
				note: fmt.Sprintf("%d octets PEM, about %d entries", size, size*3/4/49),
			})
			continue
		}
		first.latencies = append(first.latencies, []time.Duration{took})
	}
	b.table.add(row{
		engine: e.name, what: "CRL after a revocation", product: milliseconds(first.quantile(0.5)),
		p50: first.quantile(0.5), p99: first.quantile(0.99), note: fmt.Sprintf("%d octets PEM", size),
	})
	return b.largeCount(ctx, e, d)
}

// largeCount tells how long the count for the metrics took.
func (b *bench) largeCount(ctx context.Context, e engine, d *large2few) error {
	for range 120 {
		text, err := d.large.metrics(ctx)
		if err != nil {
			return err
		}
		if took := sumOf(text, "chaveiro_certificates_counted_duration_seconds "); took > 0 {
			b.table.add(row{
				engine: e.name, what: fmt.Sprintf("count of %d certificates", d.rows),
				product: milliseconds(time.Duration(took * float64(time.Second))),
			})
			return nil
		}
		time.Sleep(time.Second)
	}
	return errors.New("the certificates are not counted after two minutes")
}
