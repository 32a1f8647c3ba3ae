package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// hangs are how long the database stands still.
func hangs() []time.Duration {
	if nightly {
		return []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}
	}
	return []time.Duration{5 * time.Second}
}

const (
	hangWriters = 8
	hangReaders = 20
	hangPace    = 150 * time.Millisecond // between two requests of a caller
	// hangBound is when a request is answered at the latest: --request-timeout, and a busy machine.
	hangBound = 33 * time.Second
	// shedBound is when those are answered that have got no connection to the database. hangHolders
	// have one: as many as the two pools have.
	shedBound   = 12 * time.Second
	hangHolders = 2 * 8
	// hangMemory and hangGoroutines are what the server may need more while the database hangs.
	hangMemory     = 64 << 20
	hangGoroutines = 250
	hangHeal       = 5 * time.Second
)

// heardAnswer is one answer of the server under load.
type heardAnswer struct {
	begun, ended time.Time
	status       int
}

// underLoad is what writers and readers have seen.
type underLoad struct {
	t      *testing.T
	client *apptest.Client
	caID   int64
	site   record

	mu      sync.Mutex // guards what follows
	answers []heardAnswer
	stored  map[string]bool
}

// run lets writers and readers ask until the function that it returns is called.
func (l *underLoad) run() (stop func()) {
	ended := make(chan struct{})
	var group sync.WaitGroup
	for i := range hangWriters + hangReaders {
		group.Go(func() {
			for n := 0; ; n++ {
				if i < hangWriters {
					l.write(fmt.Sprintf("hang-%d-%d", i, n))
				} else {
					l.read(n)
				}
				select {
				case <-ended:
					return
				case <-time.After(hangPace):
				}
			}
		})
	}
	return func() { close(ended); group.Wait() }
}

func (l *underLoad) write(name string) {
	body := object{"ca_id": l.caID, "name": name, "email": "site@example.com"}
	if status, _ := l.ask(http.MethodPost, clients, body); status == http.StatusOK {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.stored[name] = true
	}
}

func (l *underLoad) read(n int) {
	path := []string{clientPath(l.site.ID, ""), clients + "?name=" + l.site.Name, caPath(l.caID, "/crl")}[n%3]
	want := []string{l.site.Name, l.site.Name, "X509 CRL"}[n%3]
	if status, text := l.ask(http.MethodGet, path, nil); status == http.StatusOK && !strings.Contains(text, want) {
		l.t.Errorf("GET %s: %s", path, text)
	}
}

// ask checks that a request succeeds, or is told when to come again.
func (l *underLoad) ask(method, path string, in any) (int, string) {
	body, err := json.Marshal(in)
	if err != nil {
		l.t.Error(err)
	}
	request, err := http.NewRequestWithContext(l.t.Context(), method, l.client.URL+path, bytes.NewReader(body))
	if err != nil {
		l.t.Error(err)
		return 0, ""
	}
	request.Header.Set("Authorization", "Bearer "+l.client.Token)
	request.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		l.t.Errorf("%s %s: %v", method, path, err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if status := response.StatusCode; err != nil ||
		status != http.StatusOK && (status < 500 || response.Header.Get("Retry-After") == "") {
		l.t.Errorf("%s %s: %d, %v: %s", method, path, status, err, text)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, heardAnswer{begun, time.Now(), response.StatusCode})
	return response.StatusCode, string(text)
}

// between returns the answers to what was asked in a time.
func (l *underLoad) between(from, to time.Time) []heardAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.answers), func(a heardAnswer) bool {
		return a.begun.Before(from) || a.begun.After(to)
	})
}

// p99 is how long the slowest but one in a hundred took.
func p99(list []heardAnswer) time.Duration {
	took := make([]time.Duration, len(list))
	for i, a := range list {
		took[i] = a.ended.Sub(a.begun)
	}
	slices.Sort(took)
	if len(took) == 0 {
		return 0
	}
	return took[len(took)*99/100]
}

// TestOutage_Hangs stops all processes of the database for a while, under load. Every request is
// answered within its bound, and most are shed long before; none is wrong or an error without
// Retry-After. /readyz says that the server is not ready, memory and goroutines stay bounded, and
// 5 s later everything is as before.
func TestOutage_Hangs(t *testing.T) {
	t.Parallel()
	o, cluster := onOwnCluster(t, pgtest.Config{})
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "hangs")
	load := &underLoad{
		t: t, client: c, caID: authority.ID, site: createClient(t, c, authority.ID, "steady"), stored: map[string]bool{},
	}
	stop := sync.OnceFunc(load.run())
	defer stop()
	time.Sleep(2 * time.Second) // the load before, to compare
	for _, length := range hangs() {
		hang(t, load, p, cluster, length)
	}
	stop()
	names := namesOf(t, o)
	for name := range load.stored {
		if !names[name] {
			t.Errorf("%s was answered as stored and is lost", name)
		}
	}
}

func hang(t *testing.T, load *underLoad, p *apptest.Process, cluster *pgtest.Cluster, length time.Duration) {
	t.Helper()
	begin := time.Now()
	before := p99(load.between(begin.Add(-2*time.Second), begin))
	memory, goroutines := weightOf(t, p)
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	end := begin.Add(length)
	most, many := memory, goroutines
	var unready time.Time
	for time.Now().Before(end) {
		asked := time.Now()
		ready := readyStatus(t, p.URL) == http.StatusOK
		if took := time.Since(asked); took > 3*time.Second {
			t.Errorf("/readyz took %v", took)
		}
		switch {
		case !ready && unready.IsZero():
			unready = time.Now()
		case ready && !unready.IsZero():
			t.Error("/readyz is ready again while the database hangs")
		}
		bytes, n := weightOf(t, p)
		most, many = max(most, bytes), max(many, n)
		time.Sleep(100 * time.Millisecond)
	}
	if err := cluster.Thaw(); err != nil {
		t.Fatal(err)
	}
	thawed := time.Now()
	for readyStatus(t, p.URL) != http.StatusOK && time.Since(thawed) < 2*hangHeal {
		time.Sleep(50 * time.Millisecond)
	}
	healed := time.Since(thawed)
	time.Sleep(time.Until(thawed.Add(hangHeal + 2*time.Second)))
	after := load.between(thawed.Add(hangHeal), time.Now())
	judgeHang(t, load.between(begin.Add(-time.Second), thawed), after, length)
	if unready.IsZero() || unready.Sub(begin) > 7*time.Second || healed > hangHeal {
		t.Errorf("not ready after %v of %v, ready %v after it", unready.Sub(begin), length, healed)
	}
	if most > memory+hangMemory || many > goroutines+hangGoroutines {
		t.Errorf("%d octets and %d goroutines, before %d and %d", most, many, memory, goroutines)
	}
	if got, bound := p99(after), max(10*before, time.Second); got > bound {
		t.Errorf("the p99 is %v, before %v", got, before)
	}
	t.Logf("%v: not ready after %v, ready again after %v; p99 %v before, %v after; %d MB and %d goroutines, before %d and %d",
		length, unready.Sub(begin), healed, before, p99(after), most>>20, many, memory>>20, goroutines)
}

// judgeHang looks at the answers to what was asked while the database hung, and 5 s later.
func judgeHang(t *testing.T, during, after []heardAnswer, length time.Duration) {
	t.Helper()
	shed, waited, longest := 0, 0, time.Duration(0)
	for _, a := range during {
		took := a.ended.Sub(a.begun)
		longest = max(longest, took)
		if took > shedBound {
			waited++
		}
		if a.status != http.StatusOK {
			shed++
		}
	}
	if longest > hangBound || waited > hangHolders*(1+int(length/hangBound)) {
		t.Errorf("the longest took %v, and %d more than %v", longest, waited, shedBound)
	}
	for _, a := range after {
		if a.status != http.StatusOK {
			t.Errorf("%v after the hang: %d", hangHeal, a.status)
		}
	}
	t.Logf("%d requests, %d were told to come again, %d took more than %v, the longest %v; %d afterwards",
		len(during), shed, waited, shedBound, longest, len(after))
}

func readyStatus(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url + "/readyz")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

var goroutineGauge = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

// weightOf returns the memory of a server, in octets, and its goroutines, or 0 if it does not say.
func weightOf(t *testing.T, p *apptest.Process) (memory, goroutines int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := (&apptest.Client{URL: p.URL}).Bytes(t.Context(), "/metrics") // or it has no turn
	found := goroutineGauge.FindSubmatch(metrics)
	if found == nil {
		return pages * os.Getpagesize(), 0
	}
	goroutines, err = strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize(), goroutines
}
