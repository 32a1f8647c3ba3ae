package chaveiro

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// item is what the servers of the tests answer.
type item struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// fake is a client of a test server whose pauses are noted and take no time.
type fake struct {
	*client
	mu     sync.Mutex
	pauses []time.Duration
}

// serve starts a server and returns a client of it. Jitter is always the most there can be.
func serve(t *testing.T, config Config, handler http.HandlerFunc) *fake {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config.URL = server.URL
	c, err := newClient(config)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{client: c}
	c.random = func() float64 { return 1 }
	c.wait = func(ctx context.Context, pause time.Duration) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.pauses = append(f.pauses, pause)
		return ctx.Err()
	}
	return f
}

// get is a request that needs no credential.
func get() *request {
	return &request{
		operation: "getItem", method: http.MethodGet, path: "/api/items/{id}", args: []string{"7"}, retry: safe, open: true,
	}
}

// answer writes an answer of JSON.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", "request-1")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// inTurn answers each request with the next of some statuses, and then always with 200.
func inTurn(header http.Header, statuses ...int) (handler http.HandlerFunc, requests func() []*http.Request) {
	var mu sync.Mutex
	var seen []*http.Request
	return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n := len(seen)
			seen = append(seen, r)
			mu.Unlock()
			if n >= len(statuses) || statuses[n] == http.StatusOK {
				answer(w, http.StatusOK, `{"id":7,"name":"seven","newer":true}`)
				return
			}
			for name, values := range header {
				w.Header()[name] = values
			}
			answer(w, statuses[n], `{"errors":[]}`)
		}, func() []*http.Request {
			mu.Lock()
			defer mu.Unlock()
			return seen
		}
}
