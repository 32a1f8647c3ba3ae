package events_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// arrived is a request as a receiver gets it.
type arrived struct {
	id, signatures, timestamp string
	body                      []byte
	Type                      string
	Data                      struct {
		ID           int64  `json:"id"`
		ResourceID   int64  `json:"resource_id"`
		ResourceName string `json:"resource_name"`
		Resource     string `json:"resource"`
	}
}

// receiver is an endpoint on loopback.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	got    []arrived  // all requests
	taken  []arrived  // those that were answered with a success
	answer func(arrived) int
}

// receive starts an endpoint; answer gives the status, nil is 204.
func receive(t testing.TB, answer func(arrived) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, asked *http.Request) {
	body, _ := io.ReadAll(asked.Body)
	one := arrived{
		id: asked.Header.Get("webhook-id"), signatures: asked.Header.Get("webhook-signature"),
		timestamp: asked.Header.Get("webhook-timestamp"), body: body,
	}
	_ = json.Unmarshal(body, &one)
	status := http.StatusNoContent
	if r.answer != nil {
		status = r.answer(one)
	}
	r.mu.Lock()
	if r.got = append(r.got, one); status/100 == 2 {
		r.taken = append(r.taken, one)
	}
	r.mu.Unlock()
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(status)
}

func (r *receiver) all() (got, taken []arrived) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got), slices.Clone(r.taken)
}

// await waits until the receiver has taken so many, at most 20 s.
func (r *receiver) await(t testing.TB, n int) []arrived {
	t.Helper()
	eventually(t, fmt.Sprintf("%d deliveries", n), func() bool { _, taken := r.all(); return len(taken) >= n })
	_, taken := r.all()
	return taken
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there is no %s", what)
		}
	}
}

var loopback = events.SenderSettings{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func local(s *service.Settings) { s.Webhooks, s.WebhookPace = loopback, 5*time.Millisecond }

// world is one whose webhooks may reach loopback.
func world(t testing.TB) *World { return NewWorld(t).With(t, local) }

// work runs the background work of the stream and of webhooks until stop, or the test ends.
func work(t testing.TB, w *World) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	workers.Go(func() { w.Stream.Keep(ctx) })
	workers.Go(func() { w.Deliverer.Keep(ctx) })
	stop = func() { cancel(); workers.Wait() }
	t.Cleanup(stop)
	return stop
}

func hook(t testing.TB, w *World, url string, alter ...func(*domain.Webhook)) events.IssuedWebhook {
	t.Helper()
	told(t, w) // so that it begins with what comes now
	one := domain.Webhook{Name: Fresh("hook"), URL: url, Enabled: true, Resource: domain.ScopeRoles}
	for _, change := range alter {
		change(&one)
	}
	return Must(w.Webhooks.Create(Operator(t), one))(t)
}

func role(t testing.TB, w *World) domain.Role {
	t.Helper()
	return Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
}

// wantSigned checks the signatures of a delivery by the definition of Standard Webhooks.
func wantSigned(t testing.TB, one arrived, keys ...string) {
	t.Helper()
	var want []string
	for _, key := range keys {
		octets := Must(base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_")))(t)
		mac := hmac.New(sha256.New, octets)
		fmt.Fprintf(mac, "%s.%s.%s", one.id, one.timestamp, one.body)
		want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	WantSame(t, one.signatures, strings.Join(want, " "))
}

// perResource has the names of the resource in the order of their arrival.
func perResource(list []arrived) map[int64][]string {
	by := map[int64][]string{}
	for _, one := range list {
		by[one.Data.ResourceID] = append(by[one.Data.ResourceID], one.Data.ResourceName)
	}
	return by
}
