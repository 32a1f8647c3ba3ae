package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// onOwnCluster is a migrated database on a PostgreSQL server that the test may stop. A server that
// is killed has to be durable.
func onOwnCluster(t *testing.T, config pgtest.Config) (apptest.Options, *pgtest.Cluster) {
	t.Helper()
	pgtest.Long(t)
	cluster, err := pgtest.Start(t.Context(), config)
	if err != nil {
		pgtest.GiveUp(t, err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	o := onSQLite(t)
	o.DatabaseURL = cluster.URL("postgres")
	apptest.MustCommand(t, o, "migrate", "up")
	return o, cluster
}

// answeredBy returns the status and Retry-After of an answer. The status 0 means that there was no
// answer.
func answeredBy(t *testing.T, c *apptest.Client, method, path string, in any) (status int, retry string) {
	body, err := json.Marshal(in)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	request, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Retry-After")
}

// TestOutage_FrozenDatabase: the database stops in the middle of work and continues later. Every
// request is answered in time, nothing that was answered as failed is stored afterwards, and the
// process ends when it is told to.
func TestOutage_FrozenDatabase(t *testing.T) {
	t.Parallel()
	o, cluster := onOwnCluster(t, pgtest.Config{})
	o.Args = []string{"--request-timeout", "2s", "--shutdown-timeout", "1s"}
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "frozen")
	stop := createAllTheTime(t, c, authority.ID)
	time.Sleep(500 * time.Millisecond)
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	stored := stop()
	begin := time.Now()
	if status, retry := answeredBy(t, c, http.MethodGet, clients, nil); status != http.StatusInternalServerError ||
		retry == "" || time.Since(begin) > 10*time.Second {
		t.Errorf("a list: %d after %s, try again after %q", status, time.Since(begin), retry)
	}
	get(t, c, "/healthz")
	begin = time.Now()
	go func() { _, _ = answeredBy(t, c, http.MethodGet, cas+"?size=3", nil) }()
	_ = p.Stop() // requests may have been cut off
	if took := time.Since(begin); took > 25*time.Second {
		t.Errorf("it took %s to end", took)
	}
	if err := cluster.Thaw(); err != nil {
		t.Fatal(err)
	}
	again := apptest.Start(t, o)
	c.URL = again.URL
	time.Sleep(time.Second) // what was sent to the database has arrived by then
	var late []string
	for name := range namesOf(t, o) {
		if !stored[name] {
			late = append(late, name)
		}
		delete(stored, name)
	}
	// PostgreSQL finishes a commit that it has begun, and on a busy machine several callers are in
	// one. TestPostgres_NothingIsCommittedLate has the statements that come too late.
	if len(late) > 4 {
		t.Errorf("answered as failed and stored: %q", late)
	}
	if len(stored) > 0 {
		t.Errorf("lost: %v", stored)
	}
}

// createAllTheTime has eight callers that create clients, so that whatever happens meets requests
// in every stage. The function that it returns ends them, and gives the names that were answered
// as stored. Every other answer is checked: it comes in time, and says when to try again.
func createAllTheTime(t *testing.T, c *apptest.Client, caID int64) (stop func() map[string]bool) {
	t.Helper()
	stored := map[string]bool{}
	var mu sync.Mutex // guards stored
	var group sync.WaitGroup
	ended := make(chan struct{})
	for worker := range 8 {
		group.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("site-%d-%d", worker, n)
				begin := time.Now()
				body := object{"ca_id": caID, "name": name, "email": "site@example.com"}
				status, retry := answeredBy(t, c, http.MethodPost, clients, body)
				if status == http.StatusOK {
					mu.Lock()
					stored[name] = true
					mu.Unlock()
				} else if status != http.StatusInternalServerError || retry == "" ||
					time.Since(begin) > 10*time.Second {
					t.Errorf("%d after %s, try again after %q", status, time.Since(begin), retry)
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	return func() map[string]bool {
		close(ended)
		group.Wait()
		return stored
	}
}

func namesOf(t *testing.T, o apptest.Options) map[string]bool {
	t.Helper()
	rows, err := openDatabase(t, o).QueryContext(t.Context(), "SELECT name FROM clients")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names[name] = true
	}
	return names
}

// TestOutage_Restart: while the database is away, requests wait or are told to retry. Afterwards
// all requests succeed at once.
func TestOutage_Restart(t *testing.T) {
	t.Parallel()
	o, cluster := onOwnCluster(t, pgtest.Config{Durable: true})
	o.Args = []string{"--request-timeout", "2s"}
	p := apptest.Start(t, o)
	c := login(t, p)
	createCA(t, c, "away")
	if err := cluster.Down(); err != nil {
		t.Fatal(err)
	}
	if status, retry := answeredBy(
		t, c, http.MethodPost, cas, object{"name": "no", "email": "ca@example.com"},
	); status != http.StatusInternalServerError || retry == "" {
		t.Errorf("while it is away: %d, try again after %q", status, retry)
	}
	if err := cluster.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		get(t, c, cas)
		createCA(t, c, fmt.Sprint("back ", i))
	}
}
