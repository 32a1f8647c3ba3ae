package app_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// killings is how often a command is killed, each time at another moment. nightlyKillings is the
// same at night.
const (
	killings        = 3
	nightlyKillings = 20
)

// TestAuditAccept_Killed: the command that accepts a loss is killed. Either the loss is accepted,
// or nothing has changed and the same loss can be accepted afterwards.
func TestAuditAccept_Killed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		times := killings
		if nightly {
			times = nightlyKillings
		}
		for i := range times {
			createCA(t, c, victim(i))
		}
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		apptest.MustCommand(t, o, "audit", "checkpoint")
		db := openDatabase(t, o)
		db.SetMaxOpenConns(1)
		killed, before := 0, 0
		for i := range times {
			alter(t, db, "DELETE FROM audit_events WHERE resource_name = '"+victim(i)+"'")
			begin := time.Now()
			hash := lossOf(t, o) // this does everything but the writing
			within := time.Since(begin)
			moment := time.Duration(rand.Int64N(int64(within + within/4)))
			if i%2 == 0 { // the last part does the writing
				moment = within*3/4 + time.Duration(rand.Int64N(int64(within/2)))
			}
			if killedAt(t, o, moment, "audit", "accept", "--loss", hash, "--reason", "a disk") {
				killed++
			}
			awaitNobody(t, db, o)
			if apptest.Command(t, o, "audit", "verify").Code == 0 {
				continue // it was accepted
			}
			before++
			if again := lossOf(t, o); again != hash {
				t.Fatalf("killed after %v: what is missing is %s, and was %s", moment, again, hash)
			}
			apptest.MustCommand(t, o, "audit", "accept", "--loss", hash, "--reason", "a disk")
			if got := apptest.MustCommand(t, o, "audit", "verify"); !strings.Contains(got, hash) {
				t.Errorf("it says %q", got)
			}
		}
		apptest.MustCommand(t, o, "audit", "checkpoint") // signing continues
		if got := apptest.MustCommand(t, o, "audit", "verify"); strings.Count(got, "accepted as lost") != times {
			t.Errorf("it says %q", got)
		}
		t.Logf("%d of %d were killed, %d before it was accepted", killed, times, before)
	})
}

// victim is the name of a CA whose event is removed.
func victim(i int) string { return fmt.Sprintf("ca-%d", i) }

// killedAt runs a command and kills it at a moment, if it has not ended.
func killedAt(t *testing.T, o apptest.Options, moment time.Duration, args ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	_, err := apptest.Execute(ctx, apptest.Binary(t), o, args...)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return err != nil
}

// awaitNobody waits until PostgreSQL has noticed that a client is gone, and has finished what that
// client has sent.
func awaitNobody(t *testing.T, db *sql.DB, o apptest.Options) {
	t.Helper()
	if o.DatabaseURL == "" {
		return
	}
	const others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := db.QueryRowContext(t.Context(), others).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections remain", n)
		}
	}
}
