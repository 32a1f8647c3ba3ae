// Package proxytest stands between a client SDK and a server, and does what bad proxies do.
//
// Only tests import it. What is not obvious: programs of other languages tell it by HTTP what to do
// next, so the tests of all SDKs use the same one.
package proxytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The moods: what is done to a request.
const (
	Cut     = "cut"     // the connection ends before the server is asked
	Lost    = "lost"    // the server does what is asked, and the connection ends before the answer
	HTML    = "html"    // the answer is a 502 with a page
	Delayed = "delayed" // the server is asked after a minute
)

// Start starts a proxy before the server at the URL target. It ends with the test. A POST to /next
// with a query such as cut=2 says what it does to so many of the next requests.
func Start(t testing.TB, target string) (address string) {
	t.Helper()
	backend, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{forward: httputil.NewSingleHostReverseProxy(backend)}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

// Next says what a proxy does to the next n requests.
func Next(t testing.TB, address, mood string, n int) {
	t.Helper()
	response, err := http.Post(address+"/next?"+mood+"="+strconv.Itoa(n), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

type proxy struct {
	forward http.Handler
	mu      sync.Mutex // guards next; held while a mood is added or taken
	next    []string   // the moods of the next requests
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/next" {
		p.add(r.URL.Query())
		return
	}
	switch p.take() {
	case Cut:
		panic(http.ErrAbortHandler)
	case Lost:
		p.forward.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>Bad Gateway</html>")
		return
	case Delayed:
		select {
		case <-time.After(time.Minute):
		case <-r.Context().Done():
			return
		}
	}
	p.forward.ServeHTTP(w, r)
}

// add replaces what is left of the moods before.
func (p *proxy) add(moods url.Values) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = nil
	for mood := range moods {
		n, _ := strconv.Atoi(moods.Get(mood))
		for range n {
			p.next = append(p.next, mood)
		}
	}
}

func (p *proxy) take() (mood string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.next) > 0 {
		mood, p.next = p.next[0], p.next[1:]
	}
	return mood
}
