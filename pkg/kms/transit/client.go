package transit

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// client asks OpenBao, with the token of the file. It is written here because the client of OpenBao
// is under the MPL, which the licences of the program do not include, and brings a dozen modules
// for seven requests of JSON.
type client struct {
	address address
	http    *http.Client

	mu      sync.Mutex
	token   string // that was read last
	known   kms.Lease
	of      string    // the token that known is of
	renewAt time.Time // zero: it does not end
}

// The bounds of a request. Its context ends it earlier, as a rule.
const (
	patience  = time.Minute
	maxAnswer = 1 << 20
)

func newClient(a address) (*client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // the answer is a secret
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if a.authority != "" {
		text, err := os.ReadFile(a.authority)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%w: ca-file has no certificates in PEM", kms.ErrURI)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &client{address: a, http: &http.Client{
		Transport: transport, Timeout: patience, CheckRedirect: refuseRedirect,
	}}, nil
}

// refuseRedirect keeps the token with the server that it is for. A standby forwards requests
// itself.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ask sends one request to a path below /v1/, with the token of the file. One that is refused is
// read anew, once.
func (c *client) ask(ctx context.Context, method, path string, body map[string]any) (map[string]any, error) {
	token, err := c.currentToken()
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, token, method, path, body)
	if !forbidden(err) {
		return answer, explain(err)
	}
	if another, unread := c.address.readToken(); unread == nil && another != token {
		if answer, err = c.send(ctx, another, method, path, body); !forbidden(err) {
			return answer, explain(err)
		}
		token = another
	}
	return nil, c.whyForbidden(ctx, token, method, path)
}

func forbidden(err error) bool {
	refused, ok := errors.AsType[*refusal](err)
	return ok && refused.status == http.StatusForbidden
}

// whyForbidden tells a token that has ended from one whose policy does not allow a request: the
// server answers both alike.
func (c *client) whyForbidden(ctx context.Context, token, method, path string) error {
	if path != lookupPath {
		_, err := c.send(ctx, token, http.MethodGet, lookupPath, nil)
		if err == nil {
			return fmt.Errorf("%w: the policy of the token lacks %s %s", kms.ErrDenied, method, path)
		}
		if !forbidden(err) {
			return explain(err)
		}
	}
	return fmt.Errorf("%w: the token is refused: it has ended, or was revoked", kms.ErrAway)
}

// refusal is an answer that says no.
type refusal struct {
	status int
	said   string
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.said) }

// send sends a request, and returns the data of the answer. Errors: *refusal.
func (c *client) send(
	ctx context.Context, token, method, path string, body map[string]any,
) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	url := strings.TrimRight(c.address.url, "/") + "/v1/" + path
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Vault-Token", token)
	request.Header.Set("X-Vault-Request", "true")
	if c.address.namespace != "" {
		request.Header.Set("X-Vault-Namespace", c.address.namespace)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return read(response)
}

func read(response *http.Response) (map[string]any, error) {
	var answer struct {
		Data   map[string]any `json:"data"`
		Errors []string       `json:"errors"`
	}
	decoder := json.NewDecoder(io.LimitReader(response.Body, maxAnswer))
	decoder.UseNumber()
	err := decoder.Decode(&answer)
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, &refusal{response.StatusCode, strings.Join(answer.Errors, "; ")}
	}
	if errors.Is(err, io.EOF) { // no content
		err = nil
	}
	if _, strange := errors.AsType[*json.SyntaxError](err); strange {
		err = fmt.Errorf("the answer is no JSON: address may be that of another service: %w", err)
	}
	return answer.Data, err
}

// currentToken returns the token of the file, which an agent may write anew at any time. While the
// file can't be read, because it is being written, the token that was read before goes on.
func (c *client) currentToken() (string, error) {
	token, err := c.address.readToken()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.token != "" {
		return c.token, nil
	}
	c.token = token
	return token, err
}

// explain says which error of this module an answer is. What the server says is kept: it quotes no
// token.
func explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case !ok:
		return fmt.Errorf("%w: %w", kms.ErrAway, err)
	case refused.status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", kms.ErrNoKey, err)
	case refused.status == http.StatusBadRequest:
		return fmt.Errorf("%w: %w", kms.ErrUnsupported, err)
	case refused.status == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: it is sealed, or in maintenance: %w", kms.ErrAway, err)
	case refused.status < http.StatusBadRequest:
		return fmt.Errorf("%w: it redirects, and the token is for this server alone: %w", kms.ErrAway, err)
	}
	return fmt.Errorf("%w: %w", kms.ErrAway, err)
}
