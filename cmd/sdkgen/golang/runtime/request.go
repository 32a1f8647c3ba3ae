package chaveiro

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// retry says whether an operation may be sent again when it is not known what became of it.
type retry int

const (
	never retry = iota
	safe        // doing it twice is doing it once
	keyed       // safe with an Idempotency-Key
)

// request is a call of an operation.
type request struct {
	operation string
	method    string
	path      string   // with {id}
	args      []string // for the braces of path, in their order
	query     url.Values
	header    http.Header
	accept    string // media types, separated by commas
	json      any    // the body; nil: none, or content
	content   io.Reader
	mediaType string // of content
	retry     retry
	vault     bool // of the vault's dialect
	open      bool // needs no credential
	file      bool // the answer is handed on as a stream

	timeout  time.Duration // 0: that of the client
	captured *Response
}

// A CallOption changes one call.
type CallOption func(*request)

// WithHeader sends a header.
func WithHeader(name, value string) CallOption {
	return func(r *request) { r.header.Set(name, value) }
}

// WithLanguage asks for messages in another language: "pt-BR" or "en".
func WithLanguage(language string) CallOption { return WithHeader("Accept-Language", language) }

// WithIdempotencyKey sends this key with an operation that takes one, in place of a random one: for
// the same key and body the server answers as it did the first time, and does nothing again.
func WithIdempotencyKey(key string) CallOption { return WithHeader("Idempotency-Key", key) }

// WithTimeout gives the call another time-out than Config.Timeout.
func WithTimeout(timeout time.Duration) CallOption {
	return func(r *request) { r.timeout = timeout }
}

// A Response is an answer as it came.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // nil of a File
}

// WithResponse stores the answer as it came, also one that is an error. It is not touched when
// there is none.
func WithResponse(response *Response) CallOption {
	return func(r *request) { r.captured = response }
}

// apply completes a request by the options of a call.
func (r *request) apply(options []CallOption) {
	if r.header == nil {
		r.header = http.Header{}
	}
	for _, option := range options {
		option(r)
	}
	if r.retry == keyed && r.header.Get("Idempotency-Key") == "" {
		r.header.Set("Idempotency-Key", rand.Text())
	}
}

// set adds a value to a query, or to headers, unless it is the zero value.
func set[T comparable](values map[string][]string, name string, value T) {
	var zero T
	if value == zero {
		return
	}
	text := ""
	switch value := any(value).(type) {
	case *bool:
		text = fmt.Sprint(*value)
	case time.Time:
		text = value.Format(time.RFC3339Nano)
	default:
		text = fmt.Sprint(value)
	}
	values[name] = []string{text}
}

// prepare returns what a request has of a body, as a function that begins it anew for each try, and
// whether it can begin more than once.
func (r *request) prepare() (body func() (io.Reader, error), again bool, err error) {
	switch {
	case r.json != nil:
		text, err := json.Marshal(r.json)
		r.mediaType = "application/json"
		return func() (io.Reader, error) { return bytes.NewReader(text), nil }, true, err
	case r.content == nil:
		return func() (io.Reader, error) { return nil, nil }, true, nil
	}
	seeker, ok := r.content.(io.Seeker)
	if !ok {
		return func() (io.Reader, error) { return io.NopCloser(r.content), nil }, false, nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	var last *upload
	return func() (io.Reader, error) {
		if last != nil {
			<-last.closed
		}
		last = &upload{Reader: r.content, closed: make(chan struct{})}
		_, err := seeker.Seek(start, io.SeekStart)
		return last, err
	}, true, err
}

// upload is a body that says when net/http reads it no more, which may be after the answer.
type upload struct {
	io.Reader
	once   sync.Once
	closed chan struct{}
}

// Close implements io.Closer. It leaves the content open.
func (u *upload) Close() error {
	u.once.Do(func() { close(u.closed) })
	return nil
}

// http returns the request of one try, without a credential.
func (r *request) http(ctx context.Context, c *client, body io.Reader) (*http.Request, error) {
	path := r.path
	for _, arg := range r.args {
		if arg == "" || arg == "." || arg == ".." { // that would be another path
			return nil, fmt.Errorf("chaveiro: %s: %q is the name of nothing", r.operation, arg)
		}
		before, after, _ := strings.Cut(path, "{")
		_, after, _ = strings.Cut(after, "}")
		path = before + url.PathEscape(arg) + after
	}
	target := c.base.String() + path
	if len(r.query) > 0 {
		separator := "?"
		if strings.Contains(path, "?") { // of a dry run
			separator = "&"
		}
		target += separator + r.query.Encode()
	}
	made, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("chaveiro: %s: %w", r.operation, withoutURL(err))
	}
	made.Header.Set("User-Agent", c.config.UserAgent)
	set(made.Header, "Accept", r.accept)
	set(made.Header, "Content-Type", r.mediaType)
	set(made.Header, "Accept-Language", c.config.Language)
	if c.config.Headers != nil {
		c.config.Headers(ctx, made.Header)
	}
	for name, values := range r.header {
		made.Header[name] = values
	}
	return made, nil
}
