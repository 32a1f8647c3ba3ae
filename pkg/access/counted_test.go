package access_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// counted is a store that notes for which repositories it was asked outside of transactions: each
// time is a round trip to the database.
type counted struct {
	domain.Store
	afterEpoch func() // runs after the database has answered about the epoch, before the answer is returned

	mu    sync.Mutex
	asked []string
}

func (c *counted) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, what)
}

// want checks which repositories were asked for since the last call, in order.
func (c *counted) want(t testing.TB, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.asked, want) {
		t.Errorf("the database was asked for %v, not %v", c.asked, want)
	}
	c.asked = nil
}

func (c *counted) Histories() domain.Histories {
	return countedHistories{c.Store.Histories(), c}
}

func (c *counted) APIKeys() domain.APIKeys {
	c.note("apikeys")
	return c.Store.APIKeys()
}

func (c *counted) Users() domain.Users {
	c.note("users")
	return c.Store.Users()
}

func (c *counted) SigningKeys() domain.SigningKeys {
	c.note("signing keys")
	return c.Store.SigningKeys()
}

func (c *counted) Throttles() domain.Throttles {
	c.note("throttles")
	return c.Store.Throttles()
}

func (c *counted) Audit() domain.Audit {
	c.note("audit")
	return c.Store.Audit()
}

type countedHistories struct {
	domain.Histories
	counted *counted
}

func (c countedHistories) Glance(ctx context.Context, seen domain.Link) (domain.Glance, error) {
	c.counted.note("epoch")
	glance, err := c.Histories.Glance(ctx, seen)
	if c.counted.afterEpoch != nil {
		c.counted.afterEpoch()
	}
	return glance, err
}

// counting returns a replica whose questions to the database are counted.
func counting(t testing.TB, w *World) (*World, *counted) {
	t.Helper()
	store := &counted{Store: w.Store}
	replica := w.With(t, func(s *service.Settings) { s.Store = store })
	store.asked = nil // what New has asked
	return replica, store
}
