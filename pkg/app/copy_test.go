package app_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestCopy moves a service from SQLite to PostgreSQL and back. Tokens, keys and lists stay the
// same.
func TestCopy(t *testing.T) {
	t.Parallel()
	o, postgres := onSQLite(t), onPostgres(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca-matriz")
	site := createClient(t, c, authority.ID, "lisboa")
	revoke(t, c, createClient(t, c, authority.ID, "porto").ID)
	key, list := get(t, c, clientPath(site.ID, "/key")), get(t, c, caPath(authority.ID, "/crl"))
	source := filepath.Join(o.DataDir, "chaveiro.db")
	wantFailure(t, o, "stop the server first", "copy", "--from", source, "--to", postgres.DatabaseURL)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, o, "run `chaveiro migrate up`", "copy", "--from", source, "--to", onEmptyPostgres(t).DatabaseURL)
	wantFailure(t, onSQLite(t), "there is no database", "copy", "--from", source+"x", "--to", postgres.DatabaseURL)
	wantCopied(t, o, source, postgres.DatabaseURL)
	wantFailure(t, o, "the target is not empty", "copy", "--from", source, "--to", postgres.DatabaseURL)

	moved := o
	moved.DatabaseURL = postgres.DatabaseURL
	p = apptest.Start(t, moved)
	c.URL = p.URL
	if !bytes.Equal(get(t, c, clientPath(site.ID, "/key")), key) ||
		!bytes.Equal(get(t, c, caPath(authority.ID, "/crl")), list) {
		t.Error("key or list are others in the copy")
	}
	later := createClient(t, c, authority.ID, "faro")
	if later.ID != site.ID+2 {
		t.Errorf("the next client is %d", later.ID)
	}
	back := onSQLite(t)
	wantFailure(
		t, o, "servers are connected to it", "copy", "--from", postgres.DatabaseURL, "--to",
		filepath.Join(back.DataDir, "chaveiro.db"),
	)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, o, postgres.DatabaseURL, filepath.Join(back.DataDir, "chaveiro.db"))
	write(t, back.DataDir, "master.key", []byte(read(t, o.DataDir, "master.key")))
	c.URL = apptest.Start(t, back).URL
	if !bytes.Equal(get(t, c, clientPath(site.ID, "/key")), key) {
		t.Error("the key is another in the copy of the copy")
	}
	get(t, c, clientPath(later.ID, "/key"))
	wantCommands(t, c, "database", 0, "chaveiro copy", "chaveiro copy")
	other := back
	other.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	wantFailure(
		t, other, "the master key is not the one", "copy", "--online", "--from",
		filepath.Join(back.DataDir, "chaveiro.db"), "--to", filepath.Join(t.TempDir(), "x.db"),
	)
}

func wantCopied(t *testing.T, o apptest.Options, from, to string) {
	t.Helper()
	said := apptest.MustCommand(t, o, "copy", "--from", from, "--to", to)
	if !strings.Contains(said, "the copy is the same as the source") || !strings.Contains(said, " 0 problems") {
		t.Error(said)
	}
}

// TestCopy_OfAnAlteredAudit: an audit that was altered in the source is found in the copy.
func TestCopy_OfAnAlteredAudit(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	apptest.MustCommand(t, o, "migrate", "up")
	apptest.MustCommand(t, o, "ca", "create", "--name", "altered", "--email", "a@example.com")
	db := openDatabase(t, o)
	alter(t, db, "UPDATE audit_events SET actor_name = 'somebody' WHERE resource_name = 'altered'")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	source, target := filepath.Join(o.DataDir, "chaveiro.db"), filepath.Join(t.TempDir(), "copy.db")
	outcome := apptest.Command(t, o, "copy", "--from", source, "--to", target)
	if outcome.Code != 1 || !strings.Contains(outcome.Stdout, "1 problems") {
		t.Errorf("code %d, %s, %s", outcome.Code, outcome.Stdout, outcome.Stderr)
	}
}
