package events

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The bounds of a courier.
const (
	maxEach      = 8    // attempts at once
	window       = 1024 // events that were read and are not stored
	saveAt       = 128  // deliveries are stored together
	saveAfter    = 100 * time.Millisecond
	saveAgain    = time.Second // after a failure
	moveAfter    = 2 * time.Second
	dueLanes     = 32
	dueEach      = 16 // rows of a lane that are read at once
	manyFailures = 3  // lanes without a success meanwhile: the endpoint is at fault, not an event
)

// courier delivers to one webhook. Events of a resource are in a lane, and are delivered one after
// the other; lanes are independent. An event that fails becomes a row, with those behind it in its
// lane, and the cursor goes on. All but the attempts is done by one goroutine, run.
type courier struct {
	desk    *Deliverer
	hook    domain.Webhook
	keys    []signingKey
	reader  *Reader
	replays atomic.Int64 // as the database has it

	lanes   map[domain.Lane]*lane
	ready   []domain.Lane // with something to deliver, the first one next
	flying  int
	results chan result
	marks   []mark         // by ascending id
	known   map[int64]bool // events after the cursor that have a row already

	ledger
	failed    map[domain.Lane]bool // since the last success
	paused    time.Time            // no attempt before
	lookAt    time.Time            // for rows that are due
	resumed   int                  // lanes of rows
	replaying int64                // replays, at the last look
	quit      domain.WebhookEnd    // why the webhook is to be disabled

	once   sync.Once
	ending chan struct{} // is closed when nothing more is to be begun
	done   chan struct{} // is closed at the end
}

// lane has the events of a resource, of which the first is the next, or under way.
type lane struct {
	queue  []domain.WebhookDelivery
	stored bool // some have rows
	cut    bool // there are more rows than were read
}

// mark is an event that was read; done: it is delivered or becomes a row.
type mark struct {
	id   int64
	at   time.Time
	done bool
}

type result struct {
	lane  domain.Lane
	extra bool
	Attempt
}

var errLeaseLost = errors.New("events: another process delivers to the webhook")

func newCourier(d *Deliverer, w domain.Webhook) *courier {
	c := &courier{
		desk: d, hook: w, lanes: map[domain.Lane]*lane{}, results: make(chan result, maxEach+1),
		failed: map[domain.Lane]bool{}, known: map[int64]bool{}, ending: make(chan struct{}),
		done:      make(chan struct{}),
		ledger:    ledger{cursor: w.Cursor, delivered: w.DeliveredAt, failing: w.FailingSince},
		replaying: w.Replays,
	}
	c.replays.Store(w.Replays)
	return c
}

// end lets the courier end when what is under way has ended.
func (c *courier) end() { c.once.Do(func() { close(c.ending) }) }

func (c *courier) ended() bool { return isClosed(c.done) }

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func (c *courier) run(ctx context.Context) {
	defer close(c.done)
	c.desk.Stream.inside.Add(1)
	defer c.desk.Stream.inside.Add(-1)
	err := c.begin(ctx)
	if err == nil {
		err = c.deliver(ctx)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errLeaseLost) {
		c.desk.Log.ErrorContext(ctx, "delivering to a webhook failed", "webhook", c.hook.ID, "error", err)
		sleep(ctx, c.desk.Pace) // the next courier is begun at once
	}
}

// begin opens the keys, and finds the place. Events that were removed before they could be read are
// passed over: the stream keeps them for longer than a webhook may fail, unless it is set to less.
func (c *courier) begin(ctx context.Context) (err error) {
	if c.keys, err = openKeys(c.desk.Keys, c.hook); err != nil {
		return err
	}
	ends, err := c.desk.Store.Events().Ends(ctx)
	if err != nil {
		return err
	}
	if c.cursor < ends.Gone {
		c.desk.Log.WarnContext(
			ctx, "events are gone that a webhook did not get", "webhook", c.hook.ID, "after", c.cursor, "up_to", ends.Gone,
		)
		c.cursor = ends.Gone
	}
	ids, err := c.desk.Store.WebhookDeliveries().Beyond(ctx, c.hook.ID, c.cursor)
	for _, id := range ids {
		c.known[id] = true
	}
	c.reader = c.desk.Stream.followInside(c.cursor, c.hook.Filter())
	return err
}

// deliver is the loop of the courier.
func (c *courier) deliver(ctx context.Context) error {
	ending := c.ending
	for {
		more, err := c.fill(ctx)
		if err := c.tolerate(ctx, err); err != nil {
			return err
		}
		c.start(ctx)
		if c.flying == 0 && isClosed(c.ending) {
			return c.close(ctx)
		}
		select {
		case r := <-c.results:
			c.take(ctx, r)
		case <-more:
		case <-time.After(c.patience()):
		case <-ending:
			ending = nil
		case <-ctx.Done():
			return ctx.Err()
		}
		c.takeAll(ctx)
		c.tellLag()
		if c.due(c.flying == 0 && len(c.ready) == 0) {
			if err := c.tolerate(ctx, c.save(ctx)); err != nil {
				return err
			}
		}
	}
}

// patience is for how long the loop may wait.
func (c *courier) patience() time.Duration {
	if len(c.unsaved) > 0 || len(c.freed) > 0 {
		return min(c.desk.Pace, saveAfter)
	}
	return c.desk.Pace
}

// tolerate takes the errors of a database that does not answer for a while, and returns those that
// end the courier.
func (c *courier) tolerate(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, errLeaseLost) || domain.IsKind(err, domain.Rule) {
		return err
	}
	c.retryAt = time.Now().Add(saveAgain)
	c.desk.Log.WarnContext(ctx, "a webhook waits for the database", "webhook", c.hook.ID, "error", err)
	return nil
}

func (c *courier) takeAll(ctx context.Context) {
	for {
		select {
		case r := <-c.results:
			c.take(ctx, r)
		default:
			return
		}
	}
}

// close stores what is left, and disables the webhook if that is why the courier ends.
func (c *courier) close(ctx context.Context) error {
	if err := c.save(ctx); err != nil || c.quit == "" {
		return err
	}
	return c.desk.disable(ctx, c.hook.ID, c.quit)
}

// alwaysReady is a channel that is closed.
var alwaysReady = func() <-chan struct{} { ch := make(chan struct{}); close(ch); return ch }()

// fill reads rows that are due and events that are new, as far as there is room. more is ready when
// there may be more.
func (c *courier) fill(ctx context.Context) (more <-chan struct{}, err error) {
	if isClosed(c.ending) || time.Now().Before(c.retryAt) {
		return nil, nil
	}
	if err := c.look(ctx); err != nil {
		return nil, err
	}
	room := window - len(c.marks)
	if room < window/2 || len(c.unsaved) >= window { // many at once, because each time costs a query
		return nil, nil
	}
	list, moved, err := c.reader.read(ctx)
	if err != nil || len(list) == 0 {
		return moved, err
	}
	list = list[:min(len(list), room, publishBatch)]
	return alwaysReady, c.admit(ctx, list[len(list)-1].ID, c.reader.selected(list))
}

// admit puts events up to an id into their lanes. Those of a lane that waits in rows become rows as
// well, so the rows that are not stored yet are stored first.
func (c *courier) admit(ctx context.Context, upTo int64, list []domain.StreamEvent) error {
	if c.waits {
		if err := c.save(ctx); err != nil {
			return err
		}
	}
	blocked, err := c.blocked(ctx, list)
	if err != nil {
		return err
	}
	now := c.desk.Now()
	c.reader.cursor = upTo
	for _, e := range list {
		if c.known[e.ID] {
			delete(c.known, e.ID)
			continue
		}
		d := domain.WebhookDelivery{Event: e, State: domain.DeliveryWaiting, CreatedAt: now, UpdatedAt: now}
		c.marks = append(c.marks, mark{id: e.ID, at: e.At})
		switch l := c.lanes[d.Lane()]; {
		case l != nil && !l.cut:
			l.queue = append(l.queue, d)
		case l != nil || blocked[d.Lane()]:
			c.settle(d)
		default:
			c.lanes[d.Lane()] = &lane{queue: []domain.WebhookDelivery{d}}
			c.ready = append(c.ready, d.Lane())
		}
	}
	return nil
}

// blocked returns the lanes of events that have rows that wait.
func (c *courier) blocked(ctx context.Context, list []domain.StreamEvent) (map[domain.Lane]bool, error) {
	ids, seen := []int64{}, map[int64]bool{}
	for _, e := range list {
		if !seen[e.ResourceID] {
			seen[e.ResourceID], ids = true, append(ids, e.ResourceID)
		}
	}
	found, err := c.desk.Store.WebhookDeliveries().Blocked(ctx, c.hook.ID, ids)
	lanes := map[domain.Lane]bool{}
	for _, one := range found {
		lanes[one] = true
	}
	return lanes, err
}

// look reads rows that are due.
func (c *courier) look(ctx context.Context) error {
	now, replays := c.desk.Now(), c.replays.Load()
	asked := replays != c.replaying
	if now.Before(c.lookAt) && !asked || len(c.ready) >= dueLanes {
		return nil
	}
	if err := c.save(ctx); err != nil {
		return err
	}
	taken, err := c.resume(ctx, now)
	if err != nil {
		return err
	}
	c.lookAt, c.replaying = now.Add(c.desk.Pace), replays
	if taken > 0 {
		c.resumed += taken
		return nil
	}
	// Those that are due and not taken are in lanes already.
	next, err := c.desk.Store.WebhookDeliveries().NextDue(ctx, c.hook.ID)
	switch {
	case next.IsZero():
		c.lookAt = now.Add(longestWait)
	case next.After(now):
		c.lookAt = next
	}
	return err
}

// resume makes lanes of rows that are due, and returns how many. A lane that is there already has
// newer events; its rows wait until it has ended.
func (c *courier) resume(ctx context.Context, now time.Time) (taken int, err error) {
	rows := c.desk.Store.WebhookDeliveries()
	due, err := rows.Due(ctx, c.hook.ID, now, 2*dueLanes)
	if err != nil {
		return 0, err
	}
	due = slices.DeleteFunc(due, func(key domain.Lane) bool { return c.lanes[key] != nil })
	due = due[:min(len(due), dueLanes)]
	list, err := rows.First(ctx, c.hook.ID, due, dueEach)
	if err != nil {
		return 0, err
	}
	for _, d := range list {
		l := c.lanes[d.Lane()]
		if l == nil {
			l = &lane{stored: true}
			c.lanes[d.Lane()] = l
			c.ready = append(c.ready, d.Lane())
			taken++
		}
		l.queue = append(l.queue, d)
		l.cut = len(l.queue) == dueEach
	}
	return taken, nil
}

// tellLag notes for the metrics when the oldest event happened that is under way.
func (c *courier) tellLag() {
	if len(c.marks) > 0 {
		c.desk.counts.lag.Store(c.hook.ID, c.marks[0].at)
		return
	}
	c.desk.counts.lag.Delete(c.hook.ID)
}
