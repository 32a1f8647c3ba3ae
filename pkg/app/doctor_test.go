package app_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// finding is a line of chaveiro doctor --json.
type finding struct{ Check, Level, Text, Remedy string }

func examined(t *testing.T, o apptest.Options, code int, args ...string) map[string][]finding {
	t.Helper()
	outcome := apptest.Command(t, o, append([]string{"doctor", "--json"}, args...)...)
	if outcome.Code != code {
		t.Fatalf("code %d, want %d: %s%s", outcome.Code, code, outcome.Stdout, outcome.Stderr)
	}
	found := map[string][]finding{}
	for line := range strings.Lines(outcome.Stdout) {
		var one finding
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		if (one.Level == "ok") != (one.Remedy == "") {
			t.Errorf("a remedy for nothing, or none: %+v", one)
		}
		found[one.Check] = append(found[one.Check], one)
	}
	return found
}

func wantFinding(t *testing.T, found map[string][]finding, check, level, words string) {
	t.Helper()
	for _, one := range found[check] {
		if one.Level == level && strings.Contains(one.Text+" | "+one.Remedy, words) {
			return
		}
	}
	t.Errorf("no %s of %s with %q: %+v", level, check, words, found)
}

// TestDoctor_SQLite: beside a server that runs all is well; then one thing after the other is not.
func TestDoctor_SQLite(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	createCA(t, login(t, p), "ca-matriz")
	backup := backupOf(t, o)
	found := examined(t, o, 0, "--deep", "--backup", backup)
	for check, words := range map[string]string{
		"files": "no other account", "database": "sqlite 3.", "schema": "newest", "master key": "1:", "CAs": "1, with",
		"integrity": "whole", "backup": "seconds old", "entropy": "random",
	} {
		wantFinding(t, found, check, "ok", words)
	}
	wantFinding(t, examined(t, o, 1, "--backup", backup, "--backup-age", "1ms"), "backup", "fail", "seconds old")
	wantFinding(t, examined(t, o, 1, "--backup", backup+".none"), "backup", "fail", "no such file")

	key := filepath.Join(o.DataDir, "master.key")
	chmod(t, key, 0o644)
	wantFinding(t, examined(t, o, 1), "files", "fail", "chmod 600 "+key)
	chmod(t, key, 0o600)
	chmod(t, o.DataDir, 0o755)
	wantFinding(t, examined(t, o, 0), "files", "warn", "chmod 700 "+o.DataDir)

	other := elsewhere(t, o)
	wantFinding(t, examined(t, other, 1), "database", "fail", "there is no database")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	kept := read(t, o.DataDir, "master.key")
	write(t, o.DataDir, "master.key", []byte("1:"+strings.Repeat("A", 43)+"=\n"))
	wantFinding(t, examined(t, o, 1), "master key", "fail", "put back the master key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, examined(t, o, 1), "master key", "fail", "without it")
	write(t, o.DataDir, "master.key", []byte(kept))
}

// TestDoctor_Lists: a list that has ended, and one that begins in the future, are told.
func TestDoctor_Lists(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	createCA(t, login(t, p), "ca-matriz")
	apptest.MustCommand(t, o, "crl", "get", "ca-matriz")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	for words, hours := range map[string][2]time.Duration{
		"OpenVPN refuses everybody": {-50, -3}, "begins in the future": {3, 50}, "was to be signed anew": {-50, 3},
	} {
		now := time.Now().UTC()
		moveList(t, o, now.Add(hours[0]*time.Hour), now.Add(hours[1]*time.Hour))
		level, code := "fail", 1
		if hours[0]*hours[1] < 0 {
			level, code = "warn", 0
		}
		wantFinding(t, examined(t, o, code), "lists", level, words)
	}
}

func moveList(t *testing.T, o apptest.Options, from, to time.Time) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(o.DataDir, "chaveiro.db")+"?_time_format=sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE crls SET this_update = ?, next_update = ?", from, to); err != nil {
		t.Fatal(err)
	}
}

// TestDoctor_Postgres: the clusters of the tests are not durable, and that is told.
func TestDoctor_Postgres(t *testing.T) {
	t.Parallel()
	o := onPostgres(t)
	login(t, apptest.Start(t, o))
	found := examined(t, o, 1)
	wantFinding(t, found, "database", "ok", "postgres ")
	wantFinding(t, found, "schema", "ok", "newest")
	wantFinding(t, found, "durability", "fail", "fsync is off")
	o.DatabaseURL = strings.Replace(o.DatabaseURL, "/chaveiro", "/none", 1) + "&connect_timeout=2"
	if text := apptest.Command(t, o, "doctor"); text.Code != 1 || strings.Contains(text.Stdout, "postgres://") {
		t.Errorf("%+v", text)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
