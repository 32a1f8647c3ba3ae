package app_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestAuditCommands checks and prunes the audit of a server that runs on, and tampers with it.
func TestAuditCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		authority := createCA(t, c, "ca-matriz")
		for i := range 4 {
			createClient(t, c, authority.ID, fmt.Sprintf("site-%d", i))
		}
		site := createClient(t, c, authority.ID, "lisboa")
		get(t, c, clientPath(site.ID, "/key"))
		revoke(t, c, site.ID)
		revoke(t, c, site.ID) // changes nothing
		wantStatus(t, &apptest.Client{URL: p.URL}, http.MethodGet, cas, nil, http.StatusUnauthorized)
		wantWhole(t, o, 10) // the apikey, the CA, five clients, a key, a revocation, a refusal

		db := openDatabase(t, o)
		alter(t, db, "UPDATE audit_events SET after = replace(after, 'serial', 'Serial') WHERE action = 'revoke'")
		wantBroken(t, o, `^event \d+ \(chain \d+, position \d+\) was altered\n10 events, \d+ checkpoints, 1 problems\n$`)
		outcome := apptest.Command(t, o, "audit", "prune", "--keep", "0s")
		if outcome.Code != 1 || outcome.Stdout != "" || !strings.Contains(outcome.Stderr, "audit verify") {
			t.Errorf("prune: %+v", outcome)
		}
		alter(t, db, "UPDATE audit_events SET after = replace(after, 'Serial', 'serial') WHERE action = 'revoke'")
		wantWhole(t, o, 10)

		wantPruned(t, o, "1h", 0)
		wantPruned(t, o, "0s", 11) // and what says that nothing was
		wantWhole(t, o, 1)
		wantCommands(t, c, "audit", 0, "chaveiro audit prune")
		createClient(t, c, authority.ID, "porto")
		createClient(t, c, authority.ID, "faro")
		wantWhole(t, o, 3)
		alter(t, db, "DELETE FROM audit_events WHERE resource_name = 'porto'")
		wantBroken(t, o, `^chain \d+: positions \d+ to \d+ are missing\n`)
	})
}

// wantWhole runs the check, which must find all well and that many events.
func wantWhole(t *testing.T, o apptest.Options, want int) {
	t.Helper()
	got := apptest.MustCommand(t, o, "audit", "verify")
	if !regexp.MustCompile(fmt.Sprintf(`^%d events, \d+ checkpoints, 0 problems\n$`, want)).MatchString(got) {
		t.Errorf("it says %q, want %d events", got, want)
	}
}

// wantBroken runs the check, which must fail and say this.
func wantBroken(t *testing.T, o apptest.Options, want string) {
	t.Helper()
	outcome := apptest.Command(t, o, "audit", "verify")
	if outcome.Code != 1 || outcome.Stderr != "chaveiro: error: the audit is not whole\n" || !regexp.MustCompile(want).MatchString(outcome.Stdout) {
		t.Errorf("%+v; want %s", outcome, want)
	}
}

func wantPruned(t *testing.T, o apptest.Options, keep string, want int) {
	t.Helper()
	if got := apptest.MustCommand(t, o, "audit", "prune", "--keep", keep); got != fmt.Sprintf("%d events removed\n", want) {
		t.Errorf("it says %q, want %d", got, want)
	}
}

// alter changes one row behind the server's back.
func alter(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	result, err := db.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s: %d rows (%v)", statement, n, err)
	}
}
