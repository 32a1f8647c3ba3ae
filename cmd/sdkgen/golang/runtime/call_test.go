package chaveiro

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestCall_RequestAndAnswer(t *testing.T) {
	t.Parallel()
	var got *http.Request
	config := Config{Language: "en", UserAgent: "test/1", Headers: func(_ context.Context, h http.Header) {
		h.Set("Traceparent", "00-1")
		h.Set("X-Own", "0")
	}}
	c := serve(t, config, func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(w, http.StatusOK, `{"id":7,"name":"seven"}`)
	})
	r := get()
	r.args, r.query = []string{"a/b c"}, url.Values{}
	enabled, at := false, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	set(r.query, "name", "x&y")
	set(r.query, "empty", "")
	set(r.query, "id", int64(9))
	set(r.query, "enabled", &enabled)
	set(r.query, "left_out", (*bool)(nil))
	set(r.query, "from", at)
	var raw Response
	value, err := call[item](t.Context(), c.client, r, []CallOption{WithResponse(&raw), WithHeader("X-Own", "1")})
	if err != nil || *value != (item{7, "seven"}) {
		t.Fatal(value, err)
	}
	if trace := got.Header.Get("Traceparent"); trace != "00-1" {
		t.Errorf("the function for headers has set %q", trace)
	}
	if want := "/api/items/a%2Fb%20c?enabled=false&from=2026-01-02T03%3A04%3A05Z&id=9&name=x%26y"; got.RequestURI != want {
		t.Errorf("requested %s, want %s", got.RequestURI, want)
	}
	for name, want := range map[string]string{
		"User-Agent": "test/1", "Accept-Language": "en", "X-Own": "1", "Authorization": "", "Idempotency-Key": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if raw.Status != 200 || string(raw.Body) != `{"id":7,"name":"seven"}` || raw.Header.Get("X-Request-Id") == "" {
		t.Errorf("captured %+v", raw)
	}
}

// TestCall_OtherPath: an argument can't lead to another path.
func TestCall_OtherPath(t *testing.T) {
	t.Parallel()
	c := serve(t, Config{}, func(http.ResponseWriter, *http.Request) { t.Error("it is sent") })
	for _, arg := range []string{"", ".", ".."} {
		r := get()
		r.args = []string{arg}
		if _, err := call[item](t.Context(), c.client, r, nil); err == nil {
			t.Errorf("%q is accepted", arg)
		}
	}
}

// TestCall_Retries: which statuses of which requests are tried again, and how often.
func TestCall_Retries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		retry    retry
		retries  int
		statuses []int
		requests int
		fails    bool
	}{
		"good at once":              {safe, 0, nil, 1, false},
		"unavailable once":          {safe, 0, []int{503}, 2, false},
		"each status of the four":   {safe, 4, []int{429, 502, 503, 504}, 5, false},
		"twice by default":          {safe, 0, []int{503, 502}, 3, false},
		"not three times":           {safe, 0, []int{503, 502, 504}, 3, true},
		"as many as are set":        {safe, 1, []int{503, 503}, 2, true},
		"none":                      {safe, NoRetries, []int{503}, 1, true},
		"a POST with a key":         {keyed, 0, []int{503}, 2, false},
		"never of what is not safe": {never, 0, []int{503}, 1, true},
		"not of an internal error":  {safe, 0, []int{500}, 1, true},
		"not of a conflict":         {safe, 0, []int{409}, 1, true},
		"not of a refusal":          {safe, 0, []int{403}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, requests := inTurn(nil, test.statuses...)
			c := serve(t, Config{Retries: test.retries}, handler)
			r := get()
			r.retry = test.retry
			_, err := call[item](t.Context(), c.client, r, nil)
			if (err != nil) != test.fails || len(requests()) != test.requests {
				t.Errorf("%d requests, error %v", len(requests()), err)
			}
			if len(c.pauses) != test.requests-1 {
				t.Errorf("%d pauses", len(c.pauses))
			}
			var keys []string
			for _, r := range requests() {
				keys = append(keys, r.Header.Get("Idempotency-Key"))
			}
			if len(slices.Compact(keys)) != 1 || (keys[0] != "") != (test.retry == keyed) {
				t.Errorf("keys %q", keys)
			}
		})
	}
}

// TestCall_Jitter: pauses are random from nothing to a bound that doubles.
func TestCall_Jitter(t *testing.T) {
	t.Parallel()
	handler, _ := inTurn(nil, slices.Repeat([]int{503}, 7)...)
	c := serve(t, Config{Retries: 7}, handler)
	if _, err := call[item](t.Context(), c.client, get(), nil); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{500, 1000, 2000, 4000, 8000, 8000, 8000}
	for i := range want {
		want[i] *= time.Millisecond
	}
	if !slices.Equal(c.pauses, want) {
		t.Errorf("pauses %v, want %v", c.pauses, want)
	}
	handler, _ = inTurn(nil, 503, 503)
	c = serve(t, Config{}, handler)
	draws := []float64{0, 0.25}
	c.random = func() float64 { defer func() { draws = draws[1:] }(); return draws[0] }
	if _, err := call[item](t.Context(), c.client, get(), nil); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{0, 250 * time.Millisecond}; !slices.Equal(c.pauses, want) {
		t.Errorf("pauses %v, want %v", c.pauses, want)
	}
}

// TestCall_RetryAfter: both forms are honoured, within the time-out of the call.
func TestCall_RetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 18, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		value string
		want  time.Duration
		fails bool
	}{
		"seconds":         {"7", 7 * time.Second, false},
		"a date":          {"Thu, 26 Nov 2026 18:00:09 GMT", 9 * time.Second, false},
		"a date gone by":  {"Thu, 26 Nov 2026 17:00:00 GMT", firstPause, false},
		"neither":         {"soon", firstPause, false},
		"nothing to wait": {"0", firstPause, false},
		"too long":        {"3600", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, requests := inTurn(http.Header{"Retry-After": {test.value}}, 429)
			c := serve(t, Config{}, handler)
			c.now = func() time.Time { return now }
			_, err := call[item](t.Context(), c.client, get(), nil)
			limited, ok := errors.AsType[*RateLimitedError](err)
			if ok != test.fails || (err != nil) != test.fails {
				t.Fatalf("error %v", err)
			}
			if test.fails {
				if limited.RetryAfter != time.Hour || len(requests()) != 1 {
					t.Errorf("%v after %d requests", limited.RetryAfter, len(requests()))
				}
			} else if c.pauses[0] != test.want {
				t.Errorf("paused %v, want %v", c.pauses[0], test.want)
			}
		})
	}
}

// TestCall_NoConnection: a connection that is refused or cut is a NetworkError, and tried again.
func TestCall_NoConnection(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	c := serve(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		if count.Add(1) == 1 {
			w.Header().Set("Content-Length", "100") // and then the connection ends
			_, _ = w.Write([]byte(`{"id":`))
			panic(http.ErrAbortHandler)
		}
		answer(w, http.StatusOK, `{"id":7}`)
	})
	if value, err := call[item](t.Context(), c.client, get(), nil); err != nil || value.ID != 7 || count.Load() != 2 {
		t.Errorf("%v, %v after %d requests", value, err, count.Load())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c.base.Host = address
	r := get()
	r.query = url.Values{"secret": {"s3cret"}}
	_, err = call[item](t.Context(), c.client, r, nil)
	refused, ok := errors.AsType[*NetworkError](err)
	if !ok || refused.Operation != "getItem" || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
	if _, ok := errors.AsType[*StatusError](err); ok || len(c.pauses) != 3 {
		t.Errorf("%v after %v", err, c.pauses)
	}
}

// TestCall_Timeout: the whole call with its tries ends with a TimeoutError.
func TestCall_Timeout(t *testing.T) {
	t.Parallel()
	c := serve(t, Config{Timeout: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	_, err := call[item](t.Context(), c.client, get(), nil)
	late, ok := errors.AsType[*TimeoutError](err)
	if !ok || late.Connecting || !late.Timeout() || len(c.pauses) != 0 {
		t.Errorf("error %v", err)
	}
	_, err = call[item](t.Context(), c.client, get(), []CallOption{WithTimeout(time.Nanosecond)})
	if _, ok := errors.AsType[*TimeoutError](err); !ok {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = call[item](ctx, c.client, get(), nil)
	if _, ok := errors.AsType[*TimeoutError](err); !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestCall_ConnectTimeout: a connection that takes too long is a TimeoutError that says so, and is
// tried again.
func TestCall_ConnectTimeout(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections, and never speaks TLS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	c, err := newClient(Config{URL: "https://" + listener.Addr().String(), ConnectTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	pauses := 0
	c.wait = func(context.Context, time.Duration) error { pauses++; return nil }
	_, err = call[item](t.Context(), c, get(), nil)
	if late, ok := errors.AsType[*TimeoutError](err); !ok || !late.Connecting || pauses != defaultRetries {
		t.Errorf("error %v after %d pauses", err, pauses)
	}
}

// TestNewClient_CABundle: the server's certificate must be signed with one of the bundle.
func TestNewClient_CABundle(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"id":7}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of the refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, test := range []struct {
		bundle []byte
		good   bool
	}{{bundle, true}, {nil, false}} {
		c, err := newClient(Config{URL: server.URL, CABundle: test.bundle, Retries: NoRetries})
		if err != nil {
			t.Fatal(err)
		}
		_, err = call[item](t.Context(), c, get(), nil)
		if _, refused := errors.AsType[*NetworkError](err); (err == nil) != test.good || refused == test.good {
			t.Errorf("error %v, want %v", err, test.good)
		}
	}
}

// TestCall_Cancel: the end of the context ends a request, and the pause between two, at once.
func TestCall_Cancel(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 1)
	c := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		if r.URL.Path == "/api/items/7" {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Retry-After", "30")
		answer(w, http.StatusServiceUnavailable, `{}`)
	})
	c.wait = sleep
	for _, id := range []string{"7", "8"} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-started
			cancel()
		}()
		r := get()
		r.args = []string{id}
		before := time.Now()
		_, err := call[item](ctx, c.client, r, nil)
		if !errors.Is(err, context.Canceled) || time.Since(before) > 10*time.Second {
			t.Errorf("%s: error %v after %v", id, err, time.Since(before))
		}
		if _, ok := errors.AsType[*NetworkError](err); ok {
			t.Errorf("%s: that is no error of the network: %v", id, err)
		}
	}
}

// TestCall_Upload: a file is sent again from its beginning; a stream is sent once.
func TestCall_Upload(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content io.Reader
		want    []string
	}{
		"a file":   {strings.NewReader("a,b\n1,2\n"), []string{"a,b\n1,2\n", "a,b\n1,2\n"}},
		"a stream": {io.MultiReader(strings.NewReader("a,b\n1,2\n")), []string{"a,b\n1,2\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			c := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
				text, err := io.ReadAll(r.Body)
				if got = append(got, string(text)); err != nil || r.Header.Get("Content-Type") != "text/csv" {
					t.Errorf("%v, %s", err, r.Header.Get("Content-Type"))
				}
				answer(w, map[int]int{1: 503}[len(got)]+200*(len(got)-1), `{}`)
			})
			r := &request{
				operation: "import", method: http.MethodPost, path: "/api/import", retry: keyed, open: true,
				content: test.content, mediaType: "text/csv",
			}
			_, err := call[item](t.Context(), c.client, r, nil)
			if !slices.Equal(got, test.want) || (err == nil) != (len(test.want) == 2) {
				t.Errorf("sent %q, error %v", got, err)
			}
		})
	}
}

// TestHooks: they see every try, and nothing that is secret.
func TestHooks(t *testing.T) {
	t.Parallel()
	var before, after []Event
	handler, _ := inTurn(nil, 503)
	config := Config{
		Auth:   AccessToken("s3cret"),
		Before: func(_ context.Context, e Event) { before = append(before, e) },
		After:  func(_ context.Context, e Event) { after = append(after, e) },
	}
	c := serve(t, config, handler)
	r := get()
	r.open, r.args, r.query = false, []string{"s3cret-id"}, url.Values{"q": {"s3cret-value"}}
	r.method, r.json = http.MethodPut, map[string]string{"password": "s3cret-body"}
	if _, err := call[item](t.Context(), c.client, r, nil); err != nil {
		t.Fatal(err)
	}
	first := Event{Operation: "getItem", Method: "PUT", Path: "/api/items/{id}", Attempt: 1}
	if len(before) != 2 || before[0] != first || before[1].Attempt != 2 {
		t.Errorf("before: %+v", before)
	}
	if len(after) != 2 || after[0].Status != 503 || after[1].Status != 200 || after[1].RequestID != "request-1" {
		t.Errorf("after: %+v", after)
	}
	c.base.Host = "127.0.0.1:1"
	_, err := call[item](t.Context(), c.client, r, nil)
	last := after[len(after)-1]
	if err == nil || last.Err == nil || last.Status != 0 || strings.Contains(last.Err.Error(), "s3cret") {
		t.Errorf("error %v, event %+v", err, last)
	}
}
