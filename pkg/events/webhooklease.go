package events

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// Deliverer delivers events to webhooks. Each webhook is delivered to by one process at a time: the
// one that holds its lease. A process takes a lease that has not moved for leaseLife, as it has
// seen itself; a holder that can't move its leases stops after leaseDoubt, which is less. So clocks
// of different machines are never compared, and what a holder stores is stored only while its token
// is the last one.
type Deliverer struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Keys     *seal.Keyring
	Stream   *Stream
	Sender   *Sender
	Now      func() time.Time
	Log      *slog.Logger
	Pace     time.Duration // between two looks; 0: pace
	Spans    spans.Tracer  // of attempts

	holder string        // this process
	extra  chan struct{} // is full while maxExtra attempts are under way beside the first ones

	couriers map[int64]*courier // by the id of the webhook; for Keep alone
	seen     map[int64]sighting
	renewed  time.Time // when the leases were moved last

	counts Counts
	mu     sync.Mutex // guards cut
	cut    map[int64]context.CancelFunc
}

// Counts are what this process has done, and how many deliveries are dead.
type Counts struct {
	Delivered, Failed, GivenUp atomic.Int64
	Dead                       atomic.Int64 // over all replicas, as of the last Prune
	lag                        sync.Map     // by webhook: when the oldest event happened that is under way
}

// sighting is when this process has seen the lease of a webhook move.
type sighting struct {
	beat int64
	at   time.Time
}

// The pace of leases.
const (
	pace       = time.Second
	aliveEvery = 3 * time.Second
	leaseDoubt = 8 * time.Second
	leaseLife  = 10 * time.Second
	leaseQuery = 4 * time.Second // of one round of queries
)

// maxExtra bounds the attempts that are under way at once in this process, beside one for each
// webhook. So one that is slow keeps none from its turn.
const maxExtra = 64

// NewDeliverer completes a deliverer.
func NewDeliverer(d *Deliverer) *Deliverer {
	d.holder, d.extra = rand.Text(), make(chan struct{}, maxExtra)
	d.couriers, d.seen, d.cut = map[int64]*courier{}, map[int64]sighting{}, map[int64]context.CancelFunc{}
	d.Pace = cmp.Or(d.Pace, pace)
	return d
}

// Keep delivers until ctx ends.
func (d *Deliverer) Keep(ctx context.Context) {
	doubt := time.AfterFunc(leaseDoubt, d.drop)
	defer doubt.Stop()
	failing := false
	for ctx.Err() == nil {
		began := time.Now()
		err := d.round(ctx, began)
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			if failing = failed; failed {
				d.Log.ErrorContext(ctx, "webhooks could not be looked at", "error", err)
			}
		}
		if d.renewed.Equal(began) {
			doubt.Reset(leaseDoubt - time.Since(began))
		}
		sleep(ctx, d.Pace)
	}
	d.end(ctx)
}

func sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// round moves the leases, and takes, ends and begins what is due.
func (d *Deliverer) round(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, leaseQuery)
	defer cancel()
	if now.Sub(d.renewed) >= aliveEvery {
		if len(d.couriers) > 0 {
			if err := d.Store.Webhooks().Alive(ctx, d.holder); err != nil {
				return err
			}
		}
		d.renewed = now
	}
	list, err := d.Store.Webhooks().Enabled(ctx)
	if err != nil {
		return err
	}
	d.reap(list)
	for _, w := range list {
		if err := d.look(ctx, w, now); err != nil {
			return err
		}
	}
	return nil
}

// reap forgets couriers that have ended, and ends those whose webhook is not enabled any more.
func (d *Deliverer) reap(list []domain.Webhook) {
	enabled := map[int64]bool{}
	for _, w := range list {
		enabled[w.ID] = true
	}
	for id, c := range d.couriers {
		if c.ended() {
			d.forget(id)
		} else if !enabled[id] {
			c.end()
		}
	}
}

func (d *Deliverer) forget(id int64) {
	delete(d.couriers, id)
	d.counts.lag.Delete(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut[id]()
	delete(d.cut, id)
}

// look begins to deliver to a webhook whose lease this process has, or takes.
func (d *Deliverer) look(ctx context.Context, w domain.Webhook, now time.Time) (err error) {
	if c := d.couriers[w.ID]; c != nil {
		if c.hook.Token != w.Token || changedHook(c.hook, w) {
			c.end() // another courier takes over
		}
		c.replays.Store(w.Replays)
		return nil
	}
	if w.Holder != d.holder && !d.free(w, now) {
		return nil
	}
	// A lease of its own is taken once more: it may not have moved for long.
	if w.Token, err = d.Store.Webhooks().Take(ctx, w.ID, w.Beat, d.holder); err != nil || w.Token == 0 {
		return err
	}
	d.begin(ctx, w)
	return nil
}

// changedHook reports whether more than the progress differs.
func changedHook(a, b domain.Webhook) bool {
	a.WebhookProgress, b.WebhookProgress = domain.WebhookProgress{}, domain.WebhookProgress{}
	return !reflect.DeepEqual(a, b)
}

// free reports whether nobody alive holds the lease. On an SQLite file there is one server.
func (d *Deliverer) free(w domain.Webhook, now time.Time) bool {
	if w.Holder == "" || d.Store.OneWriter() {
		return true
	}
	last, ok := d.seen[w.ID]
	if !ok || last.beat != w.Beat {
		d.seen[w.ID] = sighting{w.Beat, now}
		return false
	}
	return now.Sub(last.at) >= leaseLife
}

func (d *Deliverer) begin(ctx context.Context, w domain.Webhook) {
	delete(d.seen, w.ID)
	c := newCourier(d, w)
	// It ends by end, so that what is under way can end, or by cut.
	ctx, cut := context.WithCancel(context.WithoutCancel(ctx))
	d.mu.Lock()
	d.cut[w.ID] = cut
	d.mu.Unlock()
	d.couriers[w.ID] = c
	go c.run(ctx)
}

// drop cuts all couriers off, because this process does not know whether it still has their leases.
func (d *Deliverer) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, cut := range d.cut {
		cut()
	}
}

// endTimeout bounds how long attempts may last when the server stops.
const endTimeout = 5 * time.Second

// end lets what is under way end, and gives the leases to others.
func (d *Deliverer) end(ctx context.Context) {
	for _, c := range d.couriers {
		c.end()
	}
	late := time.AfterFunc(endTimeout, d.drop)
	defer late.Stop()
	for id, c := range d.couriers {
		<-c.done
		d.forget(id)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseQuery)
	defer cancel()
	if err := d.Store.Webhooks().Release(ctx, d.holder); err != nil {
		d.Log.ErrorContext(ctx, "the leases of webhooks could not be given back", "error", err)
	}
}

// WebhookHealth is what this process knows about its deliveries.
type WebhookHealth struct {
	Delivered, Failed, GivenUp int64
	Dead                       int64
	Lag                        time.Duration // how long ago the oldest event under way happened
}

// Health returns it from memory.
func (d *Deliverer) Health() WebhookHealth {
	h := WebhookHealth{
		Delivered: d.counts.Delivered.Load(), Failed: d.counts.Failed.Load(), GivenUp: d.counts.GivenUp.Load(),
		Dead: d.counts.Dead.Load(),
	}
	d.counts.lag.Range(func(_, at any) bool {
		h.Lag = max(h.Lag, d.Now().Sub(at.(time.Time)))
		return true
	})
	return h
}

// How long what became of deliveries is kept.
const (
	keepDelivered = 7 * 24 * time.Hour
	keepDead      = 30 * 24 * time.Hour
	keepMost      = 10_000 // of each webhook in each state
)

// Prune removes what became of old deliveries, and counts those that are dead.
func (d *Deliverer) Prune(ctx context.Context) error {
	for cursor := new(int64); cursor != nil; {
		page, err := d.Store.Webhooks().Page(ctx, domain.PageRequest{Cursor: *cursor, Size: 100})
		if err != nil {
			return err
		}
		for _, w := range page.Items {
			if err := d.prune(ctx, w.ID); err != nil {
				return err
			}
		}
		cursor = page.Next
	}
	dead, err := d.Store.WebhookDeliveries().Dead(ctx)
	d.counts.Dead.Store(int64(dead))
	return err
}

func (d *Deliverer) prune(ctx context.Context, id int64) error {
	for state, keep := range map[domain.DeliveryState]time.Duration{
		domain.DeliveryDone: keepDelivered, domain.DeliveryDead: keepDead,
	} {
		before := d.Now().Add(-keep)
		for range pruneRounds {
			n, err := d.Store.WebhookDeliveries().Purge(ctx, id, state, before, keepMost, pruneBatch)
			if err != nil {
				return err
			}
			if n < pruneBatch {
				break
			}
		}
	}
	return nil
}
