package events

import (
	"context"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

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
