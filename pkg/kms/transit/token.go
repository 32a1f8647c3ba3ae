package transit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

const lookupPath = "auth/token/lookup-self"

// Renew implements kms.Tenant. It asks the server when the file has another token than before, and
// when half of the time is over that the server has given last.
func (t *Transit) Renew(ctx context.Context) (kms.Lease, error) {
	c := t.client
	token, err := c.currentToken()
	if err != nil {
		return kms.Lease{}, err
	}
	c.mu.Lock()
	known, same, due := c.known, c.of == token, c.due(time.Now())
	c.mu.Unlock()
	if same && !due {
		return known, nil
	}
	return c.renew(ctx)
}

// Lease implements kms.Tenant.
func (t *Transit) Lease(ctx context.Context) (kms.Lease, error) {
	lease, _, err := t.client.look(ctx)
	return lease, err
}

// due reports whether the token is to be renewed. The caller holds mu.
func (c *client) due(now time.Time) bool { return !c.renewAt.IsZero() && !now.Before(c.renewAt) }

// renew looks at the token, and renews it in the second half of its life, if it can be. It fails
// when the token is good no more, or the server can't be used, with [kms.ErrAway]; and when the
// token is good and was not renewed.
func (c *client) renew(ctx context.Context) (kms.Lease, error) {
	lease, renewable, err := c.look(ctx)
	if err != nil || !renewable {
		return lease, err
	}
	c.mu.Lock()
	due := c.due(time.Now())
	c.mu.Unlock()
	if !due {
		return lease, nil
	}
	if _, err := c.ask(ctx, http.MethodPut, "auth/token/renew-self", map[string]any{}); err != nil {
		if !errors.Is(err, kms.ErrAway) {
			err = fmt.Errorf("the token can't be renewed: %w", err)
		}
		return lease, err
	}
	lease, _, err = c.look(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !lease.Ends.IsZero() { // near its greatest life less is given than before
		c.renewAt = time.Now().Add(time.Until(lease.Ends) / 2)
	}
	return lease, err
}

// look asks the server for how long the token is good, and whether it can be renewed.
func (c *client) look(ctx context.Context) (lease kms.Lease, renewable bool, err error) {
	token, err := c.currentToken()
	if err != nil {
		return lease, false, err
	}
	found, err := c.ask(ctx, http.MethodGet, lookupPath, nil)
	if err != nil {
		return lease, false, err
	}
	left, life := seconds(found["ttl"]), seconds(found["creation_ttl"])
	renewable, _ = found["renewable"].(bool)
	c.mu.Lock()
	defer c.mu.Unlock()
	another := c.of != token
	c.of, c.known = token, kms.Lease{}
	if life == 0 {
		c.renewAt = time.Time{}
		return lease, false, nil
	}
	c.known = kms.Lease{Ends: time.Now().Add(left), Life: life}
	if another || c.renewAt.IsZero() {
		c.renewAt = c.known.Ends.Add(-life / 2)
	}
	if !renewable {
		c.renewAt = time.Time{}
	}
	return c.known, renewable, nil
}

func seconds(value any) time.Duration { return time.Duration(number(value)) * time.Second }

// number reads a number of an answer; 0 for anything else.
func number(value any) int64 {
	n, _ := value.(json.Number)
	read, err := n.Int64()
	if err != nil {
		return 0
	}
	return read
}
