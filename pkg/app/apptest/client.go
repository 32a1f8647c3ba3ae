package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Client speaks JSON with a server.
type Client struct {
	URL   string       // of the server, without a final slash
	Token string       // sent as Bearer; empty: none
	Key   string       // the Idempotency-Key of its requests; empty: none
	HTTP  *http.Client // nil: http.DefaultClient
}

// StatusError is an answer that is not 200.
type StatusError struct {
	Request string
	Status  int
	Body    string
}

// Error implements error.
func (e *StatusError) Error() string { return fmt.Sprintf("%s: %d %s", e.Request, e.Status, e.Body) }

// Do sends a request with in as its body, unless in is nil, and reads the answer into out, unless
// out is nil. An out of type *[]byte gets the body as it is. An answer that is not 200 is a
// [*StatusError].
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return &StatusError{Request: method + " " + path, Status: response.StatusCode, Body: string(body)}
	case out == nil:
		return nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = body
		return nil
	}
	return json.Unmarshal(body, out)
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Key != "" {
		request.Header.Set("Idempotency-Key", c.Key)
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return request, nil
}

// Bytes gets a path and returns the body as it is.
func (c *Client) Bytes(ctx context.Context, path string) ([]byte, error) {
	var body []byte
	err := c.Do(ctx, http.MethodGet, path, nil, &body)
	return body, err
}
