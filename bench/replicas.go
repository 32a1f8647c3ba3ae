package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
)

// crewSize is how many servers share a database.
const crewSize = 3

// crew are servers on one database, which requests are sent to in turns.
type crew struct {
	*product
	others []*child
	turn   atomic.Int64
}

// crew starts servers on a new database.
func (b *bench) crew(ctx context.Context, e engine, name string) (*crew, error) {
	first, err := b.product(ctx, e, name, 1)
	if err != nil {
		return nil, err
	}
	c := &crew{product: first}
	for i := 1; i < crewSize; i++ {
		storage := first.storage
		storage.MasterKeyFile = filepath.Join(first.storage.DataDir, "master.key")
		storage.DataDir = fmt.Sprintf("%s-%d", first.storage.DataDir, i)
		other, err := startChild(ctx, fmt.Sprintf("%s-%d", name, i), e.dir, childConfig{Storage: storage})
		if err != nil {
			return nil, errors.Join(err, c.stop())
		}
		c.others = append(c.others, other)
	}
	return c, nil
}

// next is the server whose turn it is.
func (c *crew) next() *child {
	if at := int(c.turn.Add(1)) % crewSize; at > 0 {
		return c.others[at-1]
	}
	return c.child
}

func (c *crew) stop() error {
	err := c.product.stop()
	for _, other := range c.others {
		err = errors.Join(err, other.stop())
	}
	return err
}

// replicaRows compares three servers on one database with one server on another, on the same
// machine: they share what there is, and should lose nothing by it. How long nothing is written
// when a database fails over is in the table of `make faults`.
func replicaRows(ctx context.Context, b *bench, e engine) (err error) {
	if e.cluster == nil {
		return nil
	}
	alone, err := b.product(ctx, e, "alone", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alone.stop()) }()
	three, err := b.crew(ctx, e, "three")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, three.stop()) }()
	names := &newClients{}
	issue := func() call {
		return call{method: "POST", path: clientsPath, body: names.body("ecdsa-p256")}
	}
	get := func() call { return call{method: "GET", path: clientsPath + "/1"} }
	for _, p := range []*product{three.product, alone} { // that there is a client
		if err := p.issuing(names, "ecdsa-p256")(ctx); err != nil {
			return err
		}
	}
	for _, work := range []struct {
		what  string
		bound float64
		call  func() call
	}{{"issue by three replicas", 0.9, issue}, {"get by three replicas", 1, get}} {
		for _, clients := range b.clients {
			fire := func(at func() *child, authorization string) func(context.Context) error {
				return func(ctx context.Context) error {
					one := work.call()
					one.authorization = authorization
					_, err := at().do(ctx, one)
					return err
				}
			}
			mine := &side{server: three.child, others: three.others, fire: fire(three.next, three.authorization)}
			theirs := &side{server: alone.child, fire: fire(func() *child { return alone.child }, alone.authorization)}
			if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
				return err
			}
			r := rateRow(e, fmt.Sprintf("%s, c=%d", work.what, clients), work.bound, mine, theirs)
			r.note = fmt.Sprintf("floor: one replica; with the database %.0f / %.0f us", mine.allCost(), theirs.allCost())
			b.table.add(r)
		}
	}
	return nil
}
