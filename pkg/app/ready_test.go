package app_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// readyTimeout is how long readiness may take to notice a change: the probe of writes runs every
// five seconds.
const readyTimeout = 30 * time.Second

// awaitReady waits until the server is ready or, with a fault, until it is not ready and names that
// fault.
func awaitReady(t *testing.T, url, fault string) {
	t.Helper()
	c := &apptest.Client{URL: url}
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		body, err := c.Bytes(t.Context(), "/readyz")
		if fault == "" && err == nil || fault != "" && statusOf(err) == http.StatusServiceUnavailable &&
			strings.Contains(err.Error(), fault) {
			return
		}
		if time.Since(begin) > readyTimeout {
			t.Fatalf("readyz: %s %v; want %q", body, err, fault)
		}
	}
}

// TestReady_ReadOnly: the database accepts no writes any more, as after a failover to a standby
// that is not promoted yet.
func TestReady_ReadOnly(t *testing.T) {
	t.Parallel()
	o := onPostgres(t)
	p := apptest.Start(t, o)
	wantReady(t, p.URL)
	db := openDatabase(t, o)
	setReadOnly := func(value string) {
		t.Helper()
		for _, statement := range []string{
			"SET default_transaction_read_only = off",
			"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = " + value +
				"', current_database()); END $$",
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	setReadOnly("on")
	awaitReady(t, p.URL, "the database can't be written to")
	setReadOnly("off")
	awaitReady(t, p.URL, "")
}

// TestReady_OfANewerSchema: a program that is too old for the schema does not start, does not
// continue, and none of its commands touches the database.
func TestReady_OfANewerSchema(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		wantReady(t, p.URL)
		if _, err := openDatabase(t, o).
			ExecContext(
				t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)",
			); err != nil {
			t.Fatal(err)
		}
		awaitReady(t, p.URL, "the schema is newer than this version of the program")
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		wantRefusal(t, o, "newer version")
		for _, args := range [][]string{
			{"migrate", "up"}, {"migrate", "status"}, {"apikey", "create", "--name", "x"}, {"apikey", "list"},
			{"device", "export"}, {"audit", "verify"},
		} {
			if outcome := apptest.Command(t, o, args...); outcome.Code == 0 ||
				!strings.Contains(outcome.Stderr, "newer version") {
				t.Errorf("%q: code %d, %s", args, outcome.Code, outcome.Stderr)
			}
		}
	})
}

// TestReady_ManyAskers: a thousand concurrent requests, of which half are canceled, change nothing.
// Neither does a holder of the lock of the migrations.
func TestReady_ManyAskers(t *testing.T) {
	t.Parallel()
	o := onPostgres(t)
	p := apptest.Start(t, o)
	db := openDatabase(t, o)
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "SELECT pg_advisory_lock(4097083626)"); err != nil { // the lock of goose
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	var group sync.WaitGroup
	for i := range 1000 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if i%2 == 1 {
				ctx, cancel = context.WithTimeout(ctx, time.Duration(i)*time.Microsecond)
				defer cancel()
			}
			_, err := (&apptest.Client{URL: p.URL, HTTP: client}).Bytes(ctx, "/readyz")
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
