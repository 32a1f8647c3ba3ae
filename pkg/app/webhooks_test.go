package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// hookEndpoint is an endpoint on loopback that takes its time. It keeps the names of the roles that
// events are about, by their ids, each event once.
type hookEndpoint struct {
	*httptest.Server
	mu    sync.Mutex // guards what follows
	seen  map[string]bool
	names map[int64][]string
}

func newHookEndpoint(t *testing.T, pause time.Duration) *hookEndpoint {
	t.Helper()
	e := &hookEndpoint{seen: map[string]bool{}, names: map[int64][]string{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			Data struct {
				ID   int64  `json:"resource_id"`
				Name string `json:"resource_name"`
			}
		}
		if json.NewDecoder(r.Body).Decode(&message) == nil {
			e.take(r.Header.Get("webhook-id"), message.Data.ID, message.Data.Name)
		}
		time.Sleep(pause)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *hookEndpoint) take(id string, role int64, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.seen[id] {
		e.seen[id], e.names[role] = true, append(e.names[role], name)
	}
}

// await waits until so many events have arrived.
func (e *hookEndpoint) await(t *testing.T, n int, within time.Duration) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		e.mu.Lock()
		arrived := len(e.seen)
		e.mu.Unlock()
		if arrived >= n {
			return
		}
		if time.Since(begun) > within {
			t.Fatalf("%d of %d events have arrived within %s", arrived, n, within)
		}
	}
}

// TestWebhooks_Killed: the server that delivers is killed between deliveries. Another one, or the
// same when it starts again, delivers the rest within 15 seconds, and of each role everything in
// its order.
func TestWebhooks_Killed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		e := newHookEndpoint(t, 20*time.Millisecond)
		o.Args = []string{"--webhook-allow", "127.0.0.0/8"}
		first := apptest.Start(t, o)
		c := login(t, first)
		create(t, c, "/api/webhooks", object{"name": "hook", "url": e.URL, "resource": "auth.roles"})
		want := map[int64][]string{}
		var roles []int64
		for i := range 3 {
			name := fmt.Sprintf("role %d", i)
			made := create(t, c, "/api/roles", object{"name": name, "scopes": []object{}})
			roles = append(roles, made.ID)
			want[made.ID] = []string{name}
		}
		e.await(t, 3, 20*time.Second)
		other := first
		if o.DatabaseURL != "" {
			other = apptest.Start(t, o)
			c.URL = other.URL
		}
		const changes = 15
		for n := range changes {
			for _, id := range roles {
				name := fmt.Sprintf("role %d, change %d", id, n)
				if err := c.Do(t.Context(), http.MethodPut, fmt.Sprintf("/api/roles/%d", id), object{"name": name}, nil); err != nil {
					t.Fatal(err)
				}
				want[id] = append(want[id], name)
			}
		}
		e.await(t, 6, 20*time.Second)
		first.Kill()
		if other == first {
			apptest.Start(t, o)
		}
		e.await(t, 3*(changes+1), 25*time.Second)
		e.mu.Lock()
		defer e.mu.Unlock()
		if diff := cmp.Diff(want, e.names); diff != "" {
			t.Errorf("not as it was changed (-want +got):\n%s", diff)
		}
	})
}

// TestWebhooks_Commands: a webhook is made, tried, looked at and given a new key at the command
// line, and no output but that of create and rotate has a key.
func TestWebhooks_Commands(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	e := newHookEndpoint(t, 0)
	run := func(line string) string { return apptest.MustCommand(t, o, strings.Fields(line)...) }
	key := run("webhook create --name alarms --type role.created --type role.deleted --webhook-allow 127.0.0.0/8 --url " + e.URL)
	if !strings.HasPrefix(key, "whsec_") {
		t.Errorf("%q", key)
	}
	if got := run("webhook test alarms --webhook-allow 127.0.0.0/8"); !strings.HasPrefix(got, "delivered: 204") {
		t.Errorf("%q", got)
	}
	if got := apptest.Command(t, o, "webhook", "test", "alarms"); got.Code != 1 || !strings.Contains(got.Stderr, "address") {
		t.Errorf("%+v", got)
	}
	if rotated := run("webhook rotate alarms --overlap 1h"); rotated == key || !strings.HasPrefix(rotated, "whsec_") {
		t.Errorf("%q", rotated)
	}
	got := run("webhook update 1 --name alarmes --all-types --no-enabled --json") + run("webhook show alarmes") +
		run("webhook list") + run("webhook deliveries alarmes --state dead") + run("webhook replay alarmes --state all --since 2026-01-01")
	if strings.Contains(got, "whsec_") || !strings.Contains(got, "alarmes") || !strings.Contains(got, "0 are sent again") {
		t.Errorf("%q", got)
	}
	if got := apptest.Command(t, o, "webhook", "replay", "alarmes", "--event", "7"); got.Code != 3 {
		t.Errorf("%+v", got)
	}
	if got := apptest.Command(t, o, "webhook", "replay", "alarmes", "--event", "7", "--state", "all"); got.Code != 2 {
		t.Errorf("%+v", got)
	}
	run("webhook delete alarmes --yes")
	if got := run("webhook list"); strings.Contains(got, "alarmes") {
		t.Errorf("%q", got)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if strings.Contains(p.Log(), "whsec_") {
		t.Error("a key is in the log")
	}
}
