package events

import (
	"context"
	"sort"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// ledger is what a courier has not stored yet.
type ledger struct {
	cursor    int64 // as it is stored
	delivered time.Time
	failing   time.Time
	unsaved   []domain.WebhookDelivery
	freed     []domain.Lane
	waits     bool      // some of unsaved wait
	savedAt   time.Time // when was stored last, or nothing was to be stored
	retryAt   time.Time // after a failure
}

// settle notes what became of an event, to be stored.
func (c *courier) settle(d domain.WebhookDelivery) {
	c.unsaved = append(c.unsaved, d)
	c.waits = c.waits || d.State == domain.DeliveryWaiting
	i := sort.Search(len(c.marks), func(i int) bool { return c.marks[i].id >= d.Event.ID })
	if i < len(c.marks) && c.marks[i].id == d.Event.ID {
		c.marks[i].done = true
	}
	first := 0
	for first < len(c.marks) && c.marks[first].done {
		first++
	}
	c.marks = c.marks[first:]
}

// reached is the id up to which all events are delivered, left out, or noted.
func (c *courier) reached() int64 {
	if len(c.marks) > 0 {
		return c.marks[0].id - 1
	}
	return c.reader.Cursor()
}

// due reports whether it is time to store: much is to be stored, or nothing more comes soon.
func (c *courier) due(idle bool) bool {
	now := time.Now()
	if now.Before(c.retryAt) {
		return false
	}
	if len(c.unsaved) > 0 || len(c.freed) > 0 {
		return len(c.unsaved) >= saveAt || idle || now.Sub(c.savedAt) >= saveAfter
	}
	return c.reached() != c.cursor && now.Sub(c.savedAt) >= moveAfter
}

// save stores what is to be stored. While the database can't be written to, it is kept. Errors:
// errLeaseLost.
func (c *courier) save(ctx context.Context) error {
	reached := c.reached()
	if len(c.unsaved) == 0 && len(c.freed) == 0 && reached == c.cursor {
		c.savedAt = time.Now()
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, leaseQuery)
	defer cancel()
	stored, err := c.desk.Store.Webhooks().Settle(bounded, domain.Settlement{
		WebhookID: c.hook.ID, Token: c.hook.Token, Cursor: reached, DeliveredAt: c.delivered, FailingSince: c.failing,
		Deliveries: c.unsaved, Freed: c.freed, Now: c.desk.Now(),
	})
	if err != nil {
		return err
	}
	if !stored {
		return errLeaseLost
	}
	c.cursor, c.unsaved, c.freed, c.waits, c.savedAt = reached, nil, nil, false, time.Now()
	return nil
}
