package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// forgetting is how long a replica may know an apikey after its end: a second, and what a busy
// machine adds.
const forgetting = 5 * time.Second

// authority is a CA, and what readers have seen of its lists.
type authority struct {
	id     int64
	issuer issuer

	mu     sync.Mutex // guards what follows
	number int64      // of the newest list that was seen
	this   time.Time  // its beginning
	hashes map[int64][32]byte
}

// reader reads, from any replica, what must never be wrong.
type reader struct {
	*campaign
	dice *rand.Rand
}

func (c *campaign) newReader(number int) *reader {
	return &reader{campaign: c, dice: rand.New(rand.NewPCG(c.settings.seed, uint64(1000+number)))}
}

// read works until it is told to end.
func (r *reader) read(ctx context.Context) {
	for ctx.Err() == nil && r.findings.first() == nil {
		r.step(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(r.dice.Int64N(int64(100 * time.Millisecond)))):
		}
	}
}

func (r *reader) step(ctx context.Context) {
	at := r.replicas[r.dice.IntN(len(r.replicas))]
	switch r.dice.IntN(6) {
	case 0, 1:
		list := r.lists()
		r.readList(ctx, at, list[r.dice.IntN(len(list))])
	case 2, 3:
		r.askStatus(ctx, at)
	case 4:
		r.tryEnded(ctx, at)
	default:
		r.readPage(ctx, at)
	}
}

// tryEnded uses an apikey that was deleted a while ago.
func (r *reader) tryEnded(ctx context.Context, at *replica) {
	var ended []*apikey
	r.ledger.note("", func() {
		for _, one := range r.ledger.keys {
			if !one.ended.IsZero() && time.Since(one.ended) > forgetting {
				ended = append(ended, one)
			}
		}
	})
	if len(ended) == 0 {
		return
	}
	one := ended[len(ended)-1-r.dice.IntN(min(20, len(ended)))]
	k := &call{method: http.MethodGet, path: whoPath, token: one.token}
	switch got := r.ask(ctx, at, k); {
	case got == answered:
		r.find("the apikey %s is good at replica %d, %s after its end", one.name, at.number, time.Since(one.ended))
	case got == denied && k.status != http.StatusUnauthorized && k.status != http.StatusTooManyRequests:
		r.unexpected(at, k)
	}
}

// readPage reads the newest page of sites that a writer has made: ids ascend, and no serial is
// there twice.
func (r *reader) readPage(ctx context.Context, at *replica) {
	var page struct{ Clients []record }
	var from int64
	r.ledger.note("", func() {
		if n := len(r.ledger.sites); n > 0 {
			from = r.ledger.sites[r.dice.IntN(n)].id
		}
	})
	path := fmt.Sprintf("%s?size=20&cursor=%d", clientPath, from)
	k := &call{method: http.MethodGet, path: path, token: r.admin, out: &page}
	switch r.ask(ctx, at, k) {
	case denied:
		r.unexpected(at, k)
	case answered:
		serials := map[string]bool{}
		for i, one := range page.Clients {
			if serials[one.Serial] || one.Serial == "" || one.ID <= from || i > 0 && one.ID <= page.Clients[i-1].ID {
				r.find("a page of replica %d after %d has %+v", at.number, from, page.Clients)
			}
			serials[one.Serial] = true
		}
	}
}
