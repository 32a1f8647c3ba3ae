package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// smallRows is how many clients a small database has.
const smallRows = 1000

// reading requests a path of the API from the product.
func (p *product) reading(path func() string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := p.do(ctx, call{method: "GET", path: path(), authorization: p.authorization})
		return err
	}
}

// getRows and listRows compare reading with bare Echo and the same statement.
func getRows(ctx context.Context, b *bench, e engine) error {
	return b.readRows(ctx, e, "get", func() string { return "/" + strconv.Itoa(1+rand.IntN(smallRows)) })
}

func listRows(ctx context.Context, b *bench, e engine) error {
	return b.readRows(ctx, e, "list", func() string { return "" })
}

func (b *bench) readRows(ctx context.Context, e engine, what string, path func() string) (err error) {
	p, err := b.fleet(ctx, e, what, smallRows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	f, err := b.floor(ctx, e, what+"_floor", p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := sameAnswer(ctx, p, f, path()); err != nil {
		return err
	}
	for _, clients := range b.clients {
		mine := &side{server: p.child, fire: p.reading(func() string { return clientsPath + path() })}
		theirs := &side{server: f, fire: func(ctx context.Context) error {
			_, err := f.do(ctx, call{method: "GET", path: "/clients" + path()})
			return err
		}}
		if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
			return err
		}
		b.table.add(rateRow(e, fmt.Sprintf("%s, c=%d", what, clients), 0.6, mine, theirs))
	}
	return nil
}

// sameAnswer checks that the floor gives the same answer.
func sameAnswer(ctx context.Context, p *product, f *child, path string) error {
	var mine, theirs any
	_, err1 := p.exchange(ctx, call{method: "GET", path: clientsPath + path, authorization: p.authorization}, &mine)
	_, err2 := f.exchange(ctx, call{method: "GET", path: "/clients" + path}, &theirs)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if a, b := fmt.Sprint(mine), fmt.Sprint(theirs); a != b {
		return fmt.Errorf("the floor answers %s\ninstead of %s", b, a)
	}
	return nil
}
