package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// batchSize is the most clients that one request creates.
const batchSize = 1000

// batch writes the body of a request for so many clients with new names.
func (n *newClients) batch(clients int) []byte {
	rows := make([][]byte, clients)
	for i := range rows {
		rows[i] = n.body("ecdsa-p256")
	}
	return fmt.Appendf(nil, `{"clients":[%s]}`, bytes.Join(rows, []byte{','}))
}

// batchRows compares clients that are created in batches with clients that are created one by one.
func batchRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "batch", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	names := &newClients{}
	many := func(ctx context.Context) error {
		_, err := p.do(ctx, call{
			method: "POST", path: clientsPath + "/batch", authorization: p.authorization, body: names.batch(batchSize),
		})
		return err
	}
	for _, clients := range b.clients {
		batches, single := &side{server: p.child, fire: many}, &side{server: p.child, fire: p.issuing(names, "ecdsa-p256")}
		turns := b.planOf(clients)
		turns.slice *= 2 // a slice has several batches
		if err := compare(ctx, turns, batches, single); err != nil {
			return err
		}
		line := rateRow(
			e, fmt.Sprintf("batches of %d P-256, c=%d", batchSize, clients), 3, batches.times(batchSize), single,
		)
		line.note = "floor: created one by one; p50 and p99 are of a batch"
		b.table.add(line)
	}
	return nil
}

// times is a side each of whose requests counts as many.
func (s *side) times(n int) *side {
	for i := range s.rates {
		s.rates[i] *= float64(n)
	}
	s.done *= n
	return s
}
