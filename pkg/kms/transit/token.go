package transit

import (
	"context"
	"encoding/json"
	"net/http"
)

// renew keeps the token alive: in the second half of its life it is renewed, if it can be. It fails
// when the token is good no more, or the server can't be used.
func (c *client) renew(ctx context.Context) error {
	found, err := c.ask(ctx, http.MethodGet, "auth/token/lookup-self", nil)
	if err != nil {
		return err
	}
	renewable, _ := found["renewable"].(bool)
	left, life := number(found["ttl"]), number(found["creation_ttl"])
	if !renewable || life == 0 || left > life/2 {
		return nil
	}
	_, err = c.ask(ctx, http.MethodPut, "auth/token/renew-self", map[string]any{})
	return err
}

// number reads a number of an answer; 0 for anything else.
func number(value any) int64 {
	n, _ := value.(json.Number)
	read, err := n.Int64()
	if err != nil {
		return 0
	}
	return read
}
