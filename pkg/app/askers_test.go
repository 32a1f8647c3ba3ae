package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// question is a request that anybody may make.
type question struct {
	method, path, header, value, body string
	status                            int
}

// questions are all requests that need no credential.
func questions(crl string) []question {
	get := func(path string, status int) question {
		return question{method: http.MethodGet, path: path, status: status}
	}
	return []question{
		get("/readyz", 200), get("/healthz", 200), get("/metrics", 200), get("/nothing", 404), get("/api/nothing", 404),
		get("/iso/nothing", 404),
		get("/", 307), get("/docs/", 200), get("/api/openapi.json", 200), get("/api/openapi.yaml", 200),
		get("/iso/openapi.json", 200), get("/iso/openapi.yaml", 200),
		get(crl, 200), get(crl+"?format=der", 200), {http.MethodGet, crl, "If-None-Match", "*", "", 304},
		{http.MethodHead, crl, "", "", "", 200},
		{
			http.MethodPost, tokens, "Content-Type", "application/json",
			`{"grant_type": "refresh_token", "refresh_token": "x"}`, 401,
		},
		{
			http.MethodPost, "/iso/oauth2/token", "Content-Type", "application/x-www-form-urlencoded",
			"grant_type=client_credentials&client_id=x&client_secret=y", 401,
		},
		get(cas, 401),
	}
}

// TestAskers lets a thousand anonymous callers make all public requests, as fast as they are
// answered. They get answers, the database is asked little for them, nothing changes, and a caller
// with a credential is served as before.
func TestAskers(t *testing.T) {
	o := onPostgres(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "public")
	crl := caPath(authority.ID, "/crl")
	list := get(t, c, crl)
	db := openDatabase(t, o)
	transactions := func() (n int64) {
		t.Helper()
		if err := db.QueryRowContext(
			t.Context(), "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
		).Scan(
			&n,
		); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, begin := transactions(), time.Now()
	var slowest time.Duration
	asked := askTogether(t, p.URL, questions(crl), func() {
		slowest = slowestOf(t, c, 20)
		createClient(t, c, authority.ID, "site-beside")
	})
	if slowest > 3*time.Second {
		t.Errorf("a caller with a credential waited %s", slowest)
	}
	// The request of the caller is a transaction or two; so is what the server does by itself in
	// some seconds, and refusals are recorded at a limited rate.
	if n := transactions() - before; n > 600 {
		t.Errorf("%d transactions for %d who asked", n, asked)
	}
	if again := get(t, c, crl); string(again) != string(list) {
		t.Error("the list of revocations is another")
	}
	wantReady(t, p.URL)
	t.Logf("%d answers in %s, slowest %s", asked, time.Since(begin), slowest)
}

// slowestOf reads several times with a credential, and returns the longest time.
func slowestOf(t *testing.T, c *apptest.Client, times int) time.Duration {
	t.Helper()
	took := make([]time.Duration, times)
	for i := range took {
		begin := time.Now()
		get(t, c, cas)
		took[i] = time.Since(begin)
	}
	return slices.Max(took)
}

// askTogether lets a thousand callers ask, and runs during as soon as there were a thousand
// answers, and three to each question. It returns the number of answers.
func askTogether(t *testing.T, url string, list []question, during func()) (answered int64) {
	t.Helper()
	const askers = 1000
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	transport := &http.Transport{MaxIdleConnsPerHost: askers, MaxConnsPerHost: askers}
	defer transport.CloseIdleConnections()
	var group sync.WaitGroup
	answers := make([]atomic.Int64, len(list))
	for i := range askers {
		group.Go(func() {
			for turn := i; ctx.Err() == nil; turn++ {
				one := turn % len(list)
				if err := ask(ctx, transport, url, list[one]); err == nil {
					answers[one].Add(1)
				} else if ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	enough := func() bool {
		all := int64(0)
		for i := range answers {
			n := answers[i].Load()
			if all += n; n < 3 {
				return false
			}
		}
		return all >= askers
	}
	for ctx.Err() == nil && !enough() {
		time.Sleep(time.Millisecond)
	}
	during()
	cancel()
	group.Wait()
	for i := range answers {
		if n := answers[i].Load(); n < 3 {
			t.Errorf("%s %s was answered %d times", list[i].method, list[i].path, n)
		}
		answered += answers[i].Load()
	}
	return answered
}

// ask asks one question, and reads the answer. An answer that says when to retry counts as well.
func ask(ctx context.Context, transport *http.Transport, url string, q question) error {
	request, err := http.NewRequestWithContext(ctx, q.method, url+q.path, strings.NewReader(q.body))
	if err != nil {
		return err
	}
	if q.header != "" {
		request.Header.Set(q.header, q.value)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != q.status && response.Header.Get("Retry-After") == "" {
		return fmt.Errorf("%s %s: %d", q.method, q.path, response.StatusCode)
	}
	return nil
}
