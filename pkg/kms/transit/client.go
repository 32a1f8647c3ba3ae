package transit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/openbao/openbao/api/v2"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// client asks OpenBao, with the token of the file.
type client struct {
	address address
	api     *api.Client

	mu    sync.Mutex
	token string // that is in use
}

// patience is how long one request may take; its context ends earlier as a rule.
const patience = time.Minute

func newClient(a address) (*client, error) {
	config := api.NewConfig() // which reads no environment
	if config.Error != nil {
		return nil, fmt.Errorf("%w: %w", kms.ErrURI, config.Error)
	}
	config.Address, config.MaxRetries, config.Timeout = a.url, 0, patience
	if a.authority != "" {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: a.authority}); err != nil {
			return nil, fmt.Errorf("%w: ca-file: %w", kms.ErrURI, err)
		}
	}
	made, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kms.ErrURI, err)
	}
	return &client{address: a, api: made}, nil
}

// ask sends one request to a path below /v1/. A token that is refused is read anew, once. It returns
// nil when there is no such thing.
func (c *client) ask(ctx context.Context, method, path string, body map[string]any) (map[string]any, error) {
	token, err := c.currentToken()
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, token, method, path, body)
	if statusOf(err) == http.StatusForbidden {
		another, err := c.anotherToken(token)
		if err != nil {
			return nil, err
		}
		answer, err = c.send(ctx, another, method, path, body)
		return answer, c.explain(err)
	}
	return answer, c.explain(err)
}

func (c *client) send(
	ctx context.Context, token, method, path string, body map[string]any,
) (map[string]any, error) {
	one, err := c.api.Clone()
	if err != nil {
		return nil, err
	}
	one.SetToken(token)
	if c.address.namespace != "" {
		one.SetNamespace(c.address.namespace)
	}
	var secret *api.Secret
	switch method {
	case http.MethodGet:
		secret, err = one.Logical().ReadWithContext(ctx, path)
	case http.MethodDelete:
		secret, err = one.Logical().DeleteWithContext(ctx, path)
	default:
		secret, err = one.Logical().WriteWithContext(ctx, path, body)
	}
	if err != nil || secret == nil {
		return nil, err
	}
	return secret.Data, nil
}

// currentToken returns the token that is in use.
func (c *client) currentToken() (token string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == "" {
		c.token, err = c.address.readToken()
	}
	return c.token, err
}

// anotherToken reads the file again after a token was refused. It fails when it is still that one.
func (c *client) anotherToken(refused string) (token string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token, err = c.address.readToken(); err == nil && c.token == refused {
		err = fmt.Errorf("%w: the token is refused: it has ended, or its policy does not allow this", kms.ErrAway)
	}
	return c.token, err
}

func statusOf(err error) int {
	if refused, ok := errors.AsType[*api.ResponseError](err); ok {
		return refused.StatusCode
	}
	return 0
}

// explain says which error of this module an answer is. What the server says is kept: it quotes no
// token.
func (c *client) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	refused, answered := errors.AsType[*api.ResponseError](err)
	switch {
	case !answered:
		return fmt.Errorf("%w: %w", kms.ErrAway, err)
	case refused.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s", kms.ErrNoKey, strings.Join(refused.Errors, "; "))
	case refused.StatusCode == http.StatusBadRequest:
		return fmt.Errorf("%w: %s", kms.ErrUnsupported, strings.Join(refused.Errors, "; "))
	}
	why := strings.Join(refused.Errors, "; ")
	if refused.StatusCode == http.StatusServiceUnavailable {
		why = "it is sealed, or in maintenance; " + why
	}
	return fmt.Errorf("%w: status %d: %s", kms.ErrAway, refused.StatusCode, why)
}
