package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// readLists are the lists and exports that a standby answers, with the beginning of a name in them.
var readLists = map[string]string{clients: "site", devicesPath: "dev", devicesPath + "/export": "dev"}

// TestReadURL: lists and exports come from a standby, whatever it lacks; rights, single records and
// revocation lists never do. When it is too far behind or dead, lists come from the primary, the
// metrics say so, and the server stays ready.
func TestReadURL(t *testing.T) {
	t.Parallel()
	o, primary := onOwnCluster(t, pgtest.Config{})
	standby, err := primary.Standby(t.Context())
	if err != nil {
		pgtest.GiveUp(t, err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	there := o
	there.DatabaseURL = standby.URL("postgres")
	replay := openDatabase(t, there)
	bad := o
	bad.Args = []string{"--read-url", "postgres://standby.example.com:port/chaveiro?password=hunter2"}
	wantRefusal(t, bad, "read-url")

	o.Args = []string{"--read-url", there.DatabaseURL, "--read-lag", "6s"}
	c := login(t, apptest.Start(t, o))
	authority := createCA(t, c, "read")
	var gone apikey
	if err := c.Do(t.Context(), http.MethodPost, apikeys, object{"name": "gone", "superuser": true}, &gone); err != nil {
		t.Fatal(err)
	}
	createClient(t, c, authority.ID, "early")
	importDevice(t, c, "dev-early", "model")
	awaitStandby(t, c, "1")
	for !holds(t, c, clients, "early") || !holds(t, c, devicesPath, "dev-early") {
		time.Sleep(50 * time.Millisecond) // until the deadline of the test
	}
	run(t, replay, "SELECT pg_wal_replay_pause()")
	readPaused(t, c, authority, gone)
	awaitStandby(t, c, "0")
	wantReady(t, c.URL)
	wantLater(t, c, true)
	run(t, replay, "SELECT pg_wal_replay_resume()")
	awaitStandby(t, c, "1")
	if err := standby.Down(); err != nil {
		t.Fatal(err)
	}
	wantLater(t, c, true)
	awaitStandby(t, c, "0")
	wantReady(t, c.URL)
}

// readPaused looks at what is read while the standby stands still.
func readPaused(t *testing.T, c *apptest.Client, authority record, gone apikey) {
	t.Helper()
	site := createClient(t, c, authority.ID, "later-site")
	importDevice(t, c, "later-dev", "model")
	wantLater(t, c, false)
	if !holds(t, c, clientPath(site.ID, ""), "later-site") {
		t.Error("a single record comes from the standby")
	}
	former := &apptest.Client{URL: c.URL, Token: gone.Token}
	get(t, former, clients)
	wantStatus(t, c, http.MethodDelete, gone.path(), nil, http.StatusOK)
	wantStatus(t, former, http.MethodGet, clients, nil, http.StatusUnauthorized)
	revoke(t, c, site.ID)
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	if list := must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer)); len(list.RevokedCertificateEntries) != 1 {
		t.Error("a revocation list comes from the standby")
	}
	if n := standbyMetric(t, c, `lists_total{answered="standby"}`); n == "0" || n == "" {
		t.Errorf("the standby has answered %q lists", n)
	}
}

// wantLater checks whether the lists have what the standby lacks.
func wantLater(t *testing.T, c *apptest.Client, want bool) {
	t.Helper()
	for path, kind := range readLists {
		if holds(t, c, path, "later-"+kind) != want {
			t.Errorf("%s has what the standby lacks: %v", path, !want)
		}
	}
}

func holds(t *testing.T, c *apptest.Client, path, name string) bool {
	t.Helper()
	return strings.Contains(string(get(t, c, path)), name)
}

// awaitStandby waits until the metrics say whether lists are read from the standby.
func awaitStandby(t *testing.T, c *apptest.Client, usable string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); standbyMetric(t, c, "usable") != usable; {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it is not so that usable is %s", usable)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// standbyMetric is the value of a metric of the standby, as text.
func standbyMetric(t *testing.T, c *apptest.Client, name string) string {
	t.Helper()
	line := regexp.MustCompile(fmt.Sprintf(`(?m)^chaveiro_read_standby_%s (\S+)`, regexp.QuoteMeta(name)))
	found := line.FindSubmatch(get(t, c, "/metrics"))
	if found == nil {
		return ""
	}
	return string(found[1])
}
