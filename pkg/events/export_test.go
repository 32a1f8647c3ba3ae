package events

import "github.com/chaveiro/chaveiro/pkg/domain"

// MayReach is for tests.
var MayReach = mayReach

// FreedWith are the lanes that are stored as due with two successes in a lane, in which there is
// more.
func FreedWith(stored bool) []domain.Lane {
	c, l := &courier{}, &lane{stored: stored, queue: make([]domain.WebhookDelivery, 1)}
	c.goOn(domain.Lane{ResourceID: 7}, l)
	c.goOn(domain.Lane{ResourceID: 7}, l)
	return c.freed
}
