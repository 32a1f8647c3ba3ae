package events

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// waits are the times between the attempts: 12 attempts in three days, and then it is given up.
var waitTimes = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour,
	6 * time.Hour, 12 * time.Hour, longestWait, longestWait,
}

const (
	longestWait  = 24 * time.Hour
	failingLimit = 5 * 24 * time.Hour // without a success: the webhook is disabled
	shortPause   = 5 * time.Second    // of an endpoint that fails, growing
	longPause    = time.Minute
)

// waitAfter is how long to wait after so many attempts, a fifth more or less, and not less than was
// asked for; false: not any more.
func waitAfter(attempts int, asked time.Duration) (time.Duration, bool) {
	if attempts > len(waitTimes) {
		return 0, false
	}
	wait := waitTimes[attempts-1]
	return max(wait*4/5+rand.N(wait*2/5), asked), true
}

// start begins attempts, as many as may be under way.
func (c *courier) start(ctx context.Context) {
	for len(c.ready) > 0 && !isClosed(c.ending) && !c.desk.Now().Before(c.paused) {
		extra := c.flying > 0
		if extra && !c.mayAdd() {
			return
		}
		key := c.ready[0]
		c.ready = c.ready[1:]
		c.flying++
		go c.attempt(ctx, key, c.lanes[key].queue[0].Event, extra)
	}
}

// mayAdd reports whether one more attempt may be under way. An endpoint that fails gets one at a
// time.
func (c *courier) mayAdd() bool {
	if c.flying >= maxEach || len(c.failed) >= manyFailures {
		return false
	}
	select {
	case c.desk.extra <- struct{}{}:
		return true
	default:
		return false
	}
}

// attempt makes one attempt. A message that can't be made is a fault of this program.
func (c *courier) attempt(ctx context.Context, key domain.Lane, e domain.StreamEvent, extra bool) {
	out := result{lane: key, extra: extra}
	if m, err := messageOf(e); err == nil {
		traced, span := c.desk.Spans.Continue(ctx, e.TraceID, "deliver webhook")
		span.Event(e.ID)
		out.Attempt = c.desk.Sender.Send(traced, c.hook.URL, m.signed(c.keys, c.desk.Now()))
		out.tell(span)
	} else {
		out.Fault = domain.FaultStatus
		c.desk.Log.ErrorContext(ctx, "an event can't be sent", "event", e.ID, "error", err)
	}
	if extra {
		<-c.desk.extra
	}
	c.results <- out
}

// take notes what came of an attempt. One that was cut off is no failure of the endpoint.
func (c *courier) take(ctx context.Context, r result) {
	c.flying--
	l := c.lanes[r.lane]
	if ctx.Err() != nil {
		return
	}
	d := l.queue[0]
	l.queue = l.queue[1:]
	d.Attempts++
	d.Status, d.Fault, d.Took, d.UpdatedAt, d.NextAt = r.Status, r.Fault, r.Took, c.desk.Now(), time.Time{}
	if r.Fault != "" {
		c.fail(l, d, r)
		return
	}
	c.desk.counts.Delivered.Add(1)
	d.State = domain.DeliveryDone
	c.delivered, c.failing, c.paused = d.UpdatedAt, time.Time{}, time.Time{}
	clear(c.failed)
	c.settle(d)
	c.goOn(r.lane, l)
}

// goOn puts a lane back in the line, or ends it. The next one of a lane of rows is stored as due
// together with the success before it: otherwise nobody would look for it after a crash.
func (c *courier) goOn(key domain.Lane, l *lane) {
	if len(l.queue) > 0 {
		c.ready = append(c.ready, key)
		if l.stored && !slices.Contains(c.freed, key) {
			c.freed = append(c.freed, key)
		}
		return
	}
	c.leave(key, l)
	if l.cut {
		c.freed = append(c.freed, key)
	}
}

// leave ends a lane. After the last one of rows it is time to look for others.
func (c *courier) leave(key domain.Lane, l *lane) {
	delete(c.lanes, key)
	if !l.stored {
		return
	}
	if c.resumed--; c.resumed == 0 {
		c.lookAt = time.Time{}
	}
}

// fail makes rows of an event that has failed, and of those behind it.
func (c *courier) fail(l *lane, d domain.WebhookDelivery, r result) {
	c.desk.counts.Failed.Add(1)
	if c.failing.IsZero() {
		c.failing = d.UpdatedAt
	}
	c.failed[r.lane] = true
	if n := len(c.failed) - manyFailures; n >= 0 {
		c.paused = d.UpdatedAt.Add(min(shortPause<<min(n, 8), longPause))
	}
	wait, again := waitAfter(d.Attempts, r.After)
	if !again {
		c.desk.counts.GivenUp.Add(1)
		d.State = domain.DeliveryDead
		c.settle(d)
		c.goOn(r.lane, l)
	} else {
		d.NextAt = d.UpdatedAt.Add(wait).Truncate(time.Microsecond) // as it is stored
		c.settle(d)
		c.hold(r.lane, l)
		c.lookAt = sooner(c.lookAt, d.NextAt)
	}
	switch {
	case r.Gone():
		c.stop(domain.WebhookGone)
	case d.UpdatedAt.Sub(c.failing) >= failingLimit:
		c.stop(domain.WebhookFailing)
	}
}

// hold makes rows of all that is left in a lane.
func (c *courier) hold(key domain.Lane, l *lane) {
	for _, d := range l.queue {
		d.NextAt = time.Time{}
		c.settle(d)
	}
	c.leave(key, l)
}

// stop ends the courier, which then disables the webhook.
func (c *courier) stop(why domain.WebhookEnd) {
	c.quit = why
	c.end()
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// disable disables a webhook, which the stream tells.
func (d *Deliverer) disable(ctx context.Context, id int64, why domain.WebhookEnd) error {
	return d.Recorder.Apply(ctx, d.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.Webhooks()
		_, done, err = webhooks.Edit(ctx, id, rows.Lock, rows.Update, func(w *domain.Webhook) error {
			if w.Enabled {
				w.Enabled, w.Disabled, w.DisabledAt, w.UpdatedAt = false, why, d.Now(), d.Now()
			}
			return nil
		})
		return done, err
	})
}
