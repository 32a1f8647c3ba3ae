package events

import (
	"context"
	"errors"
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
	if err := c.freeStuck(ctx); err != nil {
		return err
	}
	ids, err := c.desk.Store.WebhookDeliveries().Beyond(ctx, c.hook.ID, c.cursor)
	for _, id := range ids {
		c.known[id] = true
	}
	c.reader = c.desk.Stream.followInside(c.cursor, c.hook.Filter())
	return err
}

// freeStuck lets lanes go on that a server of an earlier version has left behind.
func (c *courier) freeStuck(ctx context.Context) error {
	n, err := c.desk.Store.WebhookDeliveries().FreeStuck(ctx, c.hook.ID, c.desk.Now())
	if n > 0 {
		c.desk.Log.WarnContext(ctx, "deliveries waited for nobody, and go on", "webhook", c.hook.ID, "resources", n)
	}
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
