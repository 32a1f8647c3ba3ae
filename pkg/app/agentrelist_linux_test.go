package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// relisting stands between an agent and the service. It signs the lists of the service again, as a
// service would whose clock is another one, or whose lists live shorter than they may.
type relisting struct {
	t       *testing.T
	ca      *foreignCA
	service string
	ahead   atomic.Int64  // of the clock, in nanoseconds
	life    time.Duration // of a list
	every   time.Duration // how often it is signed anew
	address string
	server  *http.Server
}

// between starts it on the loopback.
func (r *relisting) between(service string) string {
	r.service, r.address = service, "127.0.0.1:0"
	r.start()
	r.t.Cleanup(r.stop)
	return "http://" + r.address
}

// start listens, again where it was.
func (r *relisting) start() {
	listener := must(net.Listen("tcp", r.address))
	r.address = listener.Addr().String()
	r.server = &http.Server{Handler: r}
	go func() { _ = r.server.Serve(listener) }()
}

func (r *relisting) stop() { _ = r.server.Close() }

// period names the time for which a list is the same.
func (r *relisting) period() string {
	return fmt.Sprintf("%d,%d", time.Now().UnixNano()/int64(r.every), r.ahead.Load())
}

// ServeHTTP implements http.Handler. A tag has the period after that of the service.
func (r *relisting) ServeHTTP(w http.ResponseWriter, asked *http.Request) {
	query, period := asked.URL.Query(), r.period()
	tag, before, _ := strings.Cut(query.Get("tag"), "@")
	waits := query.Get("wait") != "" && query.Get("wait") != "0"
	if tag != "" && before != period {
		tag = ""
		if waits {
			_ = json.NewEncoder(w).Encode(object{"tag": "@" + period, "changed": true})
			return
		}
	}
	query.Set("tag", tag)
	if seconds, err := strconv.Atoi(query.Get("wait")); err == nil {
		query.Set("wait", strconv.Itoa(min(seconds, max(1, int(r.every/time.Second)))))
	}
	answer, status, err := r.ask(asked, query)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if status == http.StatusOK {
		r.sign(answer)
		answer["tag"] = fmt.Sprint(answer["tag"], "@", period)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// ask passes a question on.
func (r *relisting) ask(asked *http.Request, query url.Values) (answer object, status int, err error) {
	target := r.service + asked.URL.Path + "?" + query.Encode()
	request, err := http.NewRequestWithContext(asked.Context(), asked.Method, target, asked.Body)
	if err != nil {
		return nil, 0, err
	}
	request.Header = asked.Header.Clone()
	request.Header.Del("Accept-Encoding")
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	return answer, got.StatusCode, err
}

// sign replaces the list of an answer.
func (r *relisting) sign(answer object) {
	state, ok := answer["state"].(object)
	if !ok {
		return
	}
	now := time.Now().Add(time.Duration(r.ahead.Load())).Truncate(time.Second)
	for _, one := range state["files"].([]any) {
		if file := one.(object); file["name"] == "crl.pem" {
			list := must(parseCRL([]byte(file["content"].(string)), r.ca.cert))
			file["content"] = r.ca.list(list.Number, now.Add(-time.Second), now.Add(r.life), list.RevokedCertificateEntries)
		}
	}
}

// newRelisted makes a gateway whose agent gets lists of this life, signed anew so often.
func newRelisted(t *testing.T, life, every, ahead time.Duration) (*gateway, *relisting) {
	t.Helper()
	r := &relisting{t: t, life: life, every: every}
	r.ahead.Store(int64(ahead))
	g := newSpecialGateway(t, special{
		wire: wireTwoSites, between: r.between, makeCA: func(g *gateway) record {
			r.ca = g.importCA("root", nil)
			return r.ca.record
		},
	})
	return g, r
}
