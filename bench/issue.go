package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const clientsPath = "/api/openvpn/clients/site2site"

// newClients writes the bodies of requests for clients with new names.
type newClients struct{ made atomic.Int64 }

func (n *newClients) body(algorithm string) []byte {
	return fmt.Appendf(nil,
		`{"ca_id":1,"name":"filial-%d","email":"filial@example.com","description":"Empresa XYZ","country":"BR",`+
			`"province":"Rio de Janeiro","city":"Rio de Janeiro","organization":"Empresa XYZ","sector":"Suporte","key_algorithm":"%s"}`,
		n.made.Add(1), algorithm)
}

// issuing requests certificates from the product.
func (p *product) issuing(n *newClients, algorithm string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := p.do(
			ctx, call{method: "POST", path: clientsPath, authorization: p.authorization, body: n.body(algorithm)},
		)
		return err
	}
}

// issueRows compares issuing with a floor that makes a key and a certificate and stores one row,
// and with one that stores two.
func issueRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "issue", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	f, err := b.floor(ctx, e, "issue_floor", p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	names := &newClients{}
	for _, theirs := range []struct{ path, what string }{{"/clients", "issue P-256"}, {"/noted", "issue + audit row"}} {
		for _, clients := range b.clients {
			mine, floor := &side{server: p.child, fire: p.issuing(names, "ecdsa-p256")},
				&side{server: f, fire: f.plainly(names, theirs.path)}
			if err := compare(ctx, b.planOf(clients), mine, floor); err != nil {
				return err
			}
			b.table.add(rateRow(e, fmt.Sprintf("%s, c=%d", theirs.what, clients), 0.6, mine, floor))
		}
	}
	b.memoryRow(e, fmt.Sprintf("issuing about %d", names.made.Load()/2), p.cmd.Process.Pid)
	return b.renewRow(ctx, e, p, f, names)
}

// renewRow compares renewing with the floor that makes a certificate for a client whose record it
// reads first, because a request for a renewal does not say the name, and then stores two rows. The
// other row has the floor of an issue for comparison, which reads nothing. The clients are those
// that were issued before: at least a quarter of all, for the floor has made the others.
func (b *bench) renewRow(ctx context.Context, e engine, p *product, f *child, names *newClients) error {
	issued := names.made.Load() / 4
	var renewed, theirs atomic.Int64
	mine := &side{server: p.child, fire: func(ctx context.Context) error {
		path := fmt.Sprintf("%s/%d/renew", clientsPath, 1+renewed.Add(1)%issued)
		_, err := p.do(
			ctx, call{method: "POST", path: path, authorization: p.authorization, body: []byte(`{"overlap":"P30D"}`)},
		)
		return err
	}}
	floor := &side{server: f, fire: func(ctx context.Context) error {
		path := fmt.Sprintf("/clients/%d/renew", 1+theirs.Add(1)%issued)
		_, err := f.do(ctx, call{method: "POST", path: path, body: []byte(`{"overlap":"P30D"}`)})
		return err
	}}
	if err := compare(ctx, b.planOf(1), mine, floor); err != nil {
		return err
	}
	b.table.add(rateRow(e, "renew, c=1", 0.6, mine, floor))
	again, blind := &side{server: p.child, fire: mine.fire}, &side{server: f, fire: f.plainly(names, "/noted")}
	if err := compare(ctx, b.planOf(1), again, blind); err != nil {
		return err
	}
	line := rateRow(e, "renew beside a floor that reads nothing", 0, again, blind)
	line.note = "no target: the name has to be read"
	b.table.add(line)
	return nil
}

// plainly requests certificates from a floor.
func (c *child) plainly(n *newClients, path string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.do(ctx, call{method: "POST", path: path, body: n.body("ecdsa-p256")})
		return err
	}
}

// rsaAsking is how many clients ask for RSA keys at once.
const rsaAsking = 4

// rsaRows compares issuing alone with issuing while others ask for RSA keys. The slices are long: a
// key takes seconds.
func rsaRows(ctx context.Context, b *bench, e engine) (err error) {
	p, err := b.product(ctx, e, "rsa", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	names := &newClients{}
	for _, clients := range b.clients {
		var keys atomic.Int64
		alone := &side{server: p.child, fire: p.issuing(names, "ecdsa-p256")}
		beside := &side{server: p.child, fire: alone.fire, during: func(ctx context.Context) {
			askRSA(ctx, p.issuing(names, "rsa-4096"), &keys)
			p.waitIdle(context.WithoutCancel(ctx)) // the last key can't be interrupted
		}}
		turns := plan{clients: clients, slice: max(b.duration, time.Second), turns: 3}
		if err := compare(ctx, turns, beside, alone); err != nil {
			return err
		}
		line := rateRow(e, fmt.Sprintf("issue P-256 beside RSA, c=%d", clients), 0.7, beside, alone)
		line.cost = "" // it includes the cost of the keys
		line.note = fmt.Sprintf("floor: alone; %d RSA-4096 made in %.0f s", keys.Load(), beside.took.Seconds()*4/3)
		b.table.add(line)
	}
	return nil
}

// askRSA requests keys until the context ends.
func askRSA(ctx context.Context, ask func(context.Context) error, made *atomic.Int64) {
	var running sync.WaitGroup
	for range rsaAsking {
		running.Go(func() {
			for ctx.Err() == nil {
				if err := ask(ctx); err == nil {
					made.Add(1)
				}
			}
		})
	}
	running.Wait()
}
