package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"
)

const (
	devicesPath  = "/api/pam/devices"
	importedRows = 100_000 // of one file
)

// deviceFile is a CSV file of the devices with the numbers from from to below to. One in 20 has the
// tag "rare", one in 10 each model.
func deviceFile(from, to int) []byte {
	var file bytes.Buffer
	file.WriteString("hostname,ip,model,type,vendor,site,device_tags,connectivities\n")
	for i := from; i < to; i++ {
		tag := "common"
		if i%20 == 7 {
			tag = "rare"
		}
		fmt.Fprintf(&file,
			"device-%d.example.com,10.%d.%d.%d,model %d,Server,vendor %d,site %d,\"api, %s\",\"SSH:22, HTTPS:443\"\n",
			i, i>>16&255, i>>8&255, i&255, i%10, i%5, i%20, tag)
	}
	return file.Bytes()
}

// importFile stores the devices of a file.
func (p *product) importFile(ctx context.Context, file []byte) error {
	_, err := p.do(
		ctx, call{
			method: "POST", path: devicesPath + "/import", authorization: p.authorization, body: file,
			media: "text/csv",
		},
	)
	return err
}

// importRows compares an import of new devices with upserts of new devices, one after the other.
func importRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "import", 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	keys, err := p.authorize(ctx, "oauth2")
	if err != nil {
		return err
	}
	token, err := p.bearer(ctx, keys)
	if err != nil {
		return err
	}
	single := &side{server: p.child, fire: p.upserting(&newDevices{}, upsertPath, func() string { return token })}
	if err := single.turn(ctx, plan{clients: 1, slice: b.duration}, true); err != nil {
		return err
	}
	began := time.Now()
	if err := p.importFile(ctx, deviceFile(0, importedRows)); err != nil {
		return err
	}
	rate := importedRows / time.Since(began).Seconds()
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("import of %d devices", importedRows), product: perSecond(rate),
		floor: perSecond(single.rate()),
		ratio: rate / single.rate(), target: atLeast(20), note: "floor: single upserts of the product, c=1",
	})
	b.memoryRow(e, "the import", p.cmd.Process.Pid)
	return nil
}

// park starts the service on a database with that many devices, one in a hundred of them disabled.
func (b *bench) park(ctx context.Context, e engine, name string, rows int) (*product, error) {
	p, err := b.product(ctx, e, name, 0)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for from := 0; from < rows; from += importedRows {
		if err := p.importFile(ctx, deviceFile(from, min(from+importedRows, rows))); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	db, err := e.connect(p.storage.Location())
	if err == nil {
		_, err = db.ExecContext(ctx, "UPDATE devices SET enabled = false WHERE id % 50 = 7")
		err = errors.Join(err, e.settle(ctx, db), db.Close())
	}
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	fmt.Fprintf(os.Stderr, "%s: %d devices imported in %.1f s\n", e.name, rows, time.Since(began).Seconds())
	return p, nil
}

// deviceRows compares a page deep among many devices with the first page among few, with the same
// filter.
func deviceRows(ctx context.Context, b *bench, e engine) (err error) {
	large, err := b.park(ctx, e, "devices_large", b.rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.stop()) }()
	small, err := b.park(ctx, e, "devices_small", smallRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.stop()) }()
	for _, q := range []struct{ what, query string }{
		{"unfiltered", ""}, {"model", "model=model+3"}, {"tag", "tag=rare"}, {"q, one word", "q=rare"},
		{"q, two words", "q=rare+example"}, {"q, common first", "q=example+rare"},
		{"enabled=false", "enabled=false"}, {"enabled=true", "enabled=true"},
		{"model and tag", "model=model+7&tag=rare"}, {"ip", "ip="},
	} {
		deep, first, err := b.deviceQueries(q.query)
		if err != nil {
			return err
		}
		if err := b.deepRow(
			ctx, e, "deep page of devices, "+q.what, listing{large, devicesPath, deep}, listing{small, devicesPath, first},
		); err != nil {
			return fmt.Errorf("%s: %w", q.what, err)
		}
	}
	b.memoryRow(e, fmt.Sprintf("listing %d devices", b.rows), large.cmd.Process.Pid)
	return nil
}

// deviceQueries are the same query for both databases: for the large one at nine tenths of its
// depth, for the small one from its beginning.
func (b *bench) deviceQueries(query string) (deep, first url.Values, err error) {
	deep, err1 := url.ParseQuery(query)
	first, err2 := url.ParseQuery(query)
	if deep.Has("ip") { // at most one device has it
		last := b.rows * 19 / 20
		deep.Set("ip", fmt.Sprintf("10.%d.%d.%d", last>>16&255, last>>8&255, last&255))
		first.Set("ip", "10.0.0.7")
	}
	deep.Set("cursor", strconv.Itoa(b.rows*9/10))
	return deep, first, errors.Join(err1, err2)
}
