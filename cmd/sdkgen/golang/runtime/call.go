package chaveiro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// The bounds of what is waited between two tries: it is random from 0 to firstPause, which doubles
// with each try up to longestPause.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 8 * time.Second
)

// errTotal is the cause of the end of a call that took too long.
var errTotal = errors.New("the time-out of the call has passed")

// call calls an operation whose answer is JSON.
func call[T any](ctx context.Context, c *client, r *request, options []CallOption) (*T, error) {
	response, body, err := c.do(ctx, r, options)
	if err != nil {
		return nil, err
	}
	value := new(T)
	if err := json.Unmarshal(body, value); err != nil {
		return nil, newDecodeError(r, response, body, err)
	}
	return value, nil
}

// callEmpty calls an operation whose answer has no body. One is ignored.
func callEmpty(ctx context.Context, c *client, r *request, options []CallOption) error {
	_, _, err := c.do(ctx, r, options)
	return err
}

// callFile calls an operation whose answer is a file.
func callFile(ctx context.Context, c *client, r *request, options []CallOption) (*File, error) {
	r.file = true
	response, _, err := c.do(ctx, r, options)
	if err != nil {
		return nil, err
	}
	return newFile(response), nil
}

// do sends a request until there is an answer of success, or an error that no further try mends.
// It returns the body unless that is a file.
func (c *client) do(ctx context.Context, r *request, options []CallOption) (*http.Response, []byte, error) {
	r.apply(options)
	body, replayable, err := r.prepare()
	if err != nil {
		return nil, nil, err
	}
	timeout := r.timeout
	if timeout == 0 {
		timeout = c.config.Timeout
	}
	deadline := c.now().Add(timeout)
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(timeout, func() { cancel(errTotal) })
	t := &tries{client: c, request: r, body: body, replayable: replayable, deadline: deadline}
	response, read, err := t.run(ctx)
	timer.Stop()
	if err == nil && r.file {
		response.Body = &stream{ReadCloser: response.Body, ctx: ctx, request: r, end: func() { cancel(nil) }}
		return response, nil, nil
	}
	cancel(nil)
	return response, read, err
}

// tries are the requests of one call.
type tries struct {
	client     *client
	request    *request
	body       func() (io.Reader, error)
	replayable bool
	deadline   time.Time
	count      int  // of all requests
	again      int  // of those after a failure
	renewed    bool // the credential was renewed after a 401
}

func (t *tries) run(ctx context.Context) (*http.Response, []byte, error) {
	for {
		t.count++
		sent, response, body, err := t.one(ctx)
		if err == nil {
			return response, body, nil
		}
		if sent == nil {
			return nil, nil, err
		}
		if t.renews(ctx, sent, err) {
			continue
		}
		pause, again := t.pause(err)
		if !again {
			return nil, nil, err
		}
		if waited := t.client.wait(ctx, pause); waited != nil {
			return nil, nil, classify(ctx, t.request, waited)
		}
	}
}

// one sends the request once. It returns what was sent too; nil when nothing was.
func (t *tries) one(ctx context.Context) (*http.Request, *http.Response, []byte, error) {
	body, err := t.body()
	if err != nil {
		return nil, nil, nil, err
	}
	sent, err := t.request.http(ctx, t.client, body)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := t.sign(ctx, sent); err != nil {
		return nil, nil, nil, err // getting a token has had its own tries
	}
	response, read, err := t.exchange(ctx, sent)
	return sent, response, read, err
}

// sign signs a request unless it needs no credential.
func (t *tries) sign(ctx context.Context, sent *http.Request) error {
	switch signer := t.client.signerOf(t.request); {
	case t.request.open:
		return nil
	case signer == nil:
		return fmt.Errorf("chaveiro: %s: %w", t.request.operation, ErrNoCredential)
	default:
		return signer.sign(ctx, sent)
	}
}

// signerOf returns who signs the requests of a dialect; nil when nobody does.
func (c *client) signerOf(r *request) signer {
	if r.vault {
		return c.vault
	}
	return c.auth
}

// exchange sends a request, reads the answer, and tells the hooks.
func (t *tries) exchange(ctx context.Context, sent *http.Request) (*http.Response, []byte, error) {
	event := Event{Operation: t.request.operation, Method: t.request.method, Path: t.request.path, Attempt: t.count}
	config := &t.client.config
	if config.Before != nil {
		config.Before(ctx, event)
	}
	started := t.client.now()
	response, body, err := t.read(ctx, sent)
	if config.After != nil {
		event.Duration = t.client.now().Sub(started)
		if response != nil {
			event.Status, event.RequestID = response.StatusCode, response.Header.Get("X-Request-Id")
		} else {
			event.Err = err
		}
		config.After(ctx, event)
	}
	return response, body, err
}

// read returns the answer, also of an error that has one.
func (t *tries) read(ctx context.Context, sent *http.Request) (*http.Response, []byte, error) {
	response, err := t.client.http.Do(sent)
	if err != nil {
		return nil, nil, classify(ctx, t.request, err)
	}
	success := response.StatusCode/100 == 2 || response.StatusCode == http.StatusNotModified && t.request.file
	var body []byte
	if !success || !t.request.file {
		body, err = io.ReadAll(response.Body)
		_ = response.Body.Close() // it was read, or can't be
		if err != nil {
			return nil, nil, classify(ctx, t.request, err)
		}
	}
	if t.request.captured != nil {
		*t.request.captured = Response{Status: response.StatusCode, Header: response.Header, Body: body}
	}
	if !success {
		return response, nil, newStatusError(t.request, response, body, t.client.now())
	}
	return response, body, nil
}

// renews reports whether a request that was refused with 401 is sent again with a new credential,
// which happens once in a call.
func (t *tries) renews(ctx context.Context, sent *http.Request, err error) bool {
	refused, ok := errors.AsType[*UnauthorizedError](err)
	if !ok || t.request.open || refused.RetryAfter > 0 || t.renewed || !t.replayable {
		return false
	}
	t.renewed = t.client.signerOf(t.request).refused(ctx, sent)
	return t.renewed
}

// pause returns how long to wait before the next try, and whether there is one.
func (t *tries) pause(err error) (time.Duration, bool) {
	if t.request.retry == never || !t.replayable || t.again >= t.client.config.Retries {
		return 0, false
	}
	asked, ok := retryable(err)
	if !ok {
		return 0, false
	}
	pause := asked
	if asked == 0 {
		most := min(firstPause<<min(t.again, 8), longestPause)
		pause = time.Duration(t.client.random() * float64(most))
	}
	t.again++
	return pause, t.client.now().Add(pause).Before(t.deadline)
}

// retryable reports whether an error may be gone at the next try, and how long the server asks to
// wait.
func retryable(err error) (time.Duration, bool) {
	if status, ok := errors.AsType[*StatusError](err); ok {
		switch status.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
			http.StatusGatewayTimeout:
			return status.RetryAfter, true
		}
		return 0, false
	}
	if _, ok := errors.AsType[*NetworkError](err); ok {
		return 0, true
	}
	late, ok := errors.AsType[*TimeoutError](err)
	return 0, ok && late.Connecting
}

// retryAfter reads Retry-After: seconds, or a date (RFC 9110, section 10.2.3). 0 is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
