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
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "read")
	var gone apikey
	if err := c.Do(t.Context(), http.MethodPost, apikeys, object{"name": "gone", "superuser": true}, &gone); err != nil {
		t.Fatal(err)
	}
	former := &apptest.Client{URL: c.URL, Token: gone.Token}
	createClient(t, c, authority.ID, "early")
	importDevice(t, c, "dev-early", "model")
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not within 20 s: %s", what)
			}
		}
	}
	lists := map[string]string{clients: "site", devicesPath: "dev", devicesPath + "/export": "dev"}
	has := func(path, name string) bool { return strings.Contains(string(get(t, c, path)), name) }
	await("the standby has everything", func() bool {
		return standbyMetric(t, c, "usable") == "1" && has(clients, "early") && has(devicesPath, "dev-early")
	})
	run(t, replay, "SELECT pg_wal_replay_pause()")
	site := createClient(t, c, authority.ID, "later-site")
	importDevice(t, c, "later-dev", "model")
	for path, kind := range lists {
		if has(path, "later-"+kind) {
			t.Errorf("%s has what the standby has not", path)
		}
	}
	if !has(clientPath(site.ID, ""), "later-site") {
		t.Error("a single record comes from the standby")
	}
	get(t, former, clients)
	wantStatus(t, c, http.MethodDelete, gone.path(), nil, http.StatusOK)
	wantStatus(t, former, http.MethodGet, clients, nil, http.StatusUnauthorized)
	revoke(t, c, site.ID)
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	if list := must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer)); len(list.RevokedCertificateEntries) != 1 {
		t.Error("a revocation list comes from the standby")
	}
	fromStandby := standbyMetric(t, c, `lists_total{answered="standby"}`)
	if fromStandby == "0" || fromStandby == "" {
		t.Errorf("the standby has answered %q lists", fromStandby)
	}
	await("it is too far behind", func() bool { return standbyMetric(t, c, "usable") == "0" })
	wantReady(t, c.URL)
	for path, kind := range lists {
		if !has(path, "later-"+kind) {
			t.Errorf("%s comes from a standby that is too far behind", path)
		}
	}
	run(t, replay, "SELECT pg_wal_replay_resume()")
	await("the standby follows again", func() bool { return standbyMetric(t, c, "usable") == "1" })
	if err := standby.Down(); err != nil {
		t.Fatal(err)
	}
	for path, kind := range lists {
		if !has(path, "later-"+kind) {
			t.Errorf("%s lacks something when the standby is dead", path)
		}
	}
	await("the standby is dead", func() bool { return standbyMetric(t, c, "usable") == "0" })
	wantReady(t, c.URL)
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
