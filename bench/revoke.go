package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	manyRevoked = 50_000
	crlPath     = "/api/openvpn/cas/1/crl"
)

// site is a service some of whose clients are revoked one after the other.
type site struct {
	*product
	valid int64 // the clients 1 to valid can be revoked
	last  atomic.Int64
}

func (s *site) revoke(ctx context.Context) error {
	id := s.last.Add(1)
	if id > s.valid {
		return fmt.Errorf("all %d clients are revoked: choose a shorter -duration", s.valid)
	}
	path := clientsPath + "/" + strconv.FormatInt(id, 10)
	_, err := s.do(ctx, call{method: "DELETE", path: path, authorization: s.authorization})
	return err
}

// site starts a service with clients that have certificates; both services that are compared have
// the same number of clients.
func (b *bench) site(ctx context.Context, e engine, name string, revoked bool) (*site, error) {
	p, err := b.product(ctx, e, name, 1)
	if err != nil {
		return nil, err
	}
	s := &site{product: p, valid: manyRevoked + int64(5000*b.duration.Seconds())}
	all := population{rows: int(s.valid) + manyRevoked, ca: "1", expired: "i < 0", revoked: "i < 0", der: 560}
	if revoked {
		all.revoked = fmt.Sprintf("i > %d", s.valid)
	}
	return s, b.fill(ctx, e, p, name, all, childConfig{})
}

// revokeRows compares revoking on a CA with many revocations with revoking on one without, and
// measures the list.
func revokeRows(ctx context.Context, b *bench, e engine) (err error) {
	many, err := b.site(ctx, e, "revoke_many", true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, many.stop()) }()
	few, err := b.site(ctx, e, "revoke_few", false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, few.stop()) }()
	for _, clients := range b.clients {
		mine, theirs := &side{server: many.child, fire: many.revoke}, &side{server: few.child, fire: few.revoke}
		if err := compare(ctx, b.planOf(clients), mine, theirs); err != nil {
			return err
		}
		line := rateRow(e, fmt.Sprintf("revoke at %d revoked, c=%d", manyRevoked, clients), 0.9, mine, theirs)
		line.note = fmt.Sprintf("floor: from 0, %d by now", few.last.Load())
		b.table.add(line)
	}
	return b.crlRows(ctx, e, many)
}

// crlRows measures the list: the first one after a revocation, and cached ones.
func (b *bench) crlRows(ctx context.Context, e engine, s *site) error {
	var latest reply
	var took []time.Duration
	for range 6 {
		if err := s.revoke(ctx); err != nil {
			return err
		}
		start := time.Now()
		var err error
		if latest, err = s.do(ctx, call{method: "GET", path: crlPath}); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	took = took[1:] // the first reads all revocations, the others only new ones
	slices.Sort(took)
	b.table.add(row{
		engine: e.name, what: "CRL after a revocation", product: milliseconds(took[len(took)/2]),
		p50: took[len(took)/2], p99: took[len(took)-1],
		note: fmt.Sprintf("%d bytes PEM, at least %d entries", latest.size, manyRevoked),
	})
	cached := []struct {
		what string
		call call
	}{
		{"CRL at hand, 200", call{method: "GET", path: crlPath}},
		{"CRL at hand, 304", call{method: "GET", path: crlPath, ifNoneMatch: latest.etag, want: 304}},
	}
	for _, one := range cached {
		for _, clients := range b.clients {
			mine := &side{
				server: s.child, fire: func(ctx context.Context) error { _, err := s.do(ctx, one.call); return err },
			}
			if err := mine.turn(ctx, plan{clients: clients, slice: b.duration / 2}, true); err != nil {
				return err
			}
			b.table.add(row{
				engine: e.name, what: fmt.Sprintf("%s, c=%d", one.what, clients), product: perSecond(mine.rate()),
				p50: mine.quantile(0.5), p99: mine.quantile(0.99),
			})
		}
	}
	return nil
}
