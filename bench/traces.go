package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/chaveiro/chaveiro/pkg/app"
)

// discarder takes what a collector would take, and keeps none of it. It runs in this process, so
// its work is not counted as the server's.
type discarder struct {
	*httptest.Server
	requests, octets atomic.Int64
}

func newDiscarder() *discarder {
	d := &discarder{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		d.requests.Add(1)
		d.octets.Add(n)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	return d
}

// traceRows compares the product with traces with the product without. Each has a database of its
// own, with the same rows: an SQLite file has one server.
func traceRows(ctx context.Context, b *bench, e engine) (err error) {
	d := newDiscarder()
	defer d.Close()
	without, err := b.fleet(ctx, e, "untraced", smallRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, without.stop()) }()
	with, err := b.fleetWith(ctx, e, "traced", smallRows, childConfig{
		Telemetry: app.TelemetryConfig{OTLPEndpoint: app.URL(d.URL)},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, with.stop()) }()
	one, other := &newClients{}, &newClients{}
	list := func() string { return clientsPath }
	for _, clients := range b.clients {
		for what, fire := range map[string][2]func(context.Context) error{
			"issue": {with.issuing(one, "ecdsa-p256"), without.issuing(other, "ecdsa-p256")},
			"list":  {with.reading(list), without.reading(list)},
		} {
			mine, theirs := &side{server: with.child, fire: fire[0]}, &side{server: without.child, fire: fire[1]}
			if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
				return err
			}
			line := rateRow(e, fmt.Sprintf("%s, traces on, c=%d", what, clients), 0.9, mine, theirs)
			line.note = "floor: the product without traces"
			b.table.add(line)
		}
	}
	if d.requests.Load() == 0 {
		return errors.New("no spans have arrived")
	}
	return nil
}
