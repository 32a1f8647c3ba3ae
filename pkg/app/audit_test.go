package app_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestAuditCommands checks and prunes the audit beside a running server, and tampers with it.
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
		wantBroken(
			t, o, `^event \d+ \(chain \d+, position \d+\) was altered\n10 events, \d+ checkpoints, 1 problems\n$`,
		)
		outcome := apptest.Command(t, o, "audit", "prune", "--keep", "0s", "--yes")
		if outcome.Code != 1 || outcome.Stdout != "" || !strings.Contains(outcome.Stderr, "audit verify") {
			t.Errorf("prune: %+v", outcome)
		}
		alter(t, db, "UPDATE audit_events SET after = replace(after, 'Serial', 'serial') WHERE action = 'revoke'")
		wantWhole(t, o, 10)

		wantPruned(t, o, "1h", 0)
		wantPruned(t, o, "0s", 11) // the ten, and the event of the prune that removed nothing
		wantWhole(t, o, 1)
		wantCommands(t, c, "audit", 0, "chaveiro audit prune")
		createClient(t, c, authority.ID, "porto")
		createClient(t, c, authority.ID, "faro")
		wantWhole(t, o, 3)
		alter(t, db, "DELETE FROM audit_events WHERE resource_name = 'porto'")
		wantBroken(t, o, `^chain \d+: positions \d+ to \d+ are missing\n`)
	})
}

// TestAuditExpected: the log of a server, and the output of a command, show that a database was set
// back.
func TestAuditExpected(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		createCA(t, c, "ca-matriz")
		early := apptest.MustCommand(t, o, "audit", "checkpoint")
		db := openDatabase(t, o)
		tables := []string{"audit_events", "audit_chains", "audit_checkpoints", "secrets"}
		for _, table := range tables {
			run(t, db, "CREATE TABLE early_"+table+" AS SELECT * FROM "+table)
		}
		createCA(t, c, "ca-filial")
		late := apptest.MustCommand(t, o, "audit", "checkpoint")
		if again := apptest.MustCommand(t, o, "audit", "checkpoint"); hashOf(t, again) != hashOf(t, late) {
			t.Errorf("nothing has happened, and there is another checkpoint: %s", again)
		}
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		expected := map[string]string{
			"first": p.Log(), "early": early, "late": late, "all": p.Log() + early + late, "hash": hashOf(t, late) +
				"\n",
		}
		for name, text := range expected {
			expected[name] = filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(expected[name], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		expected["argument"] = hashOf(t, late)
		verify := func(name string, code int) {
			t.Helper()
			if got := apptest.Command(t, o, "audit", "verify", "--expect", expected[name]); got.Code != code {
				t.Errorf("%s: %+v", name, got)
			}
		}
		for name := range expected {
			verify(name, 0)
		}
		for _, table := range tables {
			run(t, db, "DELETE FROM "+table)
			run(t, db, "INSERT INTO "+table+" SELECT * FROM early_"+table)
		}
		for name, code := range map[string]int{"first": 0, "early": 0, "late": 1, "all": 1, "hash": 1, "argument": 1} {
			verify(name, code)
		}
		if got := apptest.Command(
			t, o, "audit", "verify", "--expect", filepath.Join(t.TempDir(), "none"),
		); got.Code != 1 {
			t.Errorf("a file that does not exist: %+v", got)
		}
	})
}

// run changes the database behind the server's back.
func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// hashOf reads the hash of a checkpoint that was printed.
func hashOf(t *testing.T, line string) string {
	t.Helper()
	var printed struct{ Hash string }
	if err := json.Unmarshal([]byte(line), &printed); err != nil || len(printed.Hash) != 64 {
		t.Fatalf("%q: %v", line, err)
	}
	return printed.Hash
}

// wantWhole runs the check, which must find no problem and this number of events.
func wantWhole(t *testing.T, o apptest.Options, want int) {
	t.Helper()
	got := apptest.MustCommand(t, o, "audit", "verify")
	if !regexp.MustCompile(fmt.Sprintf(`^%d events, \d+ checkpoints, 0 problems\n$`, want)).MatchString(got) {
		t.Errorf("it says %q, want %d events", got, want)
	}
}

// wantBroken runs the check, which must fail and print this.
func wantBroken(t *testing.T, o apptest.Options, want string) {
	t.Helper()
	outcome := apptest.Command(t, o, "audit", "verify")
	if outcome.Code != 1 || outcome.Stderr != "chaveiro: error: the audit is not whole\n" ||
		!regexp.MustCompile(want).MatchString(outcome.Stdout) {
		t.Errorf("%+v; want %s", outcome, want)
	}
}

func wantPruned(t *testing.T, o apptest.Options, keep string, want int) {
	t.Helper()
	if got := apptest.MustCommand(t, o, "audit", "prune", "--keep", keep, "--yes"); got != fmt.Sprintf(
		"%d events removed\n", want,
	) {
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
