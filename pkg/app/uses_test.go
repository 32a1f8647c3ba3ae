package app_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// usesInterval is how often a server stores when apikeys were last used.
const usesInterval = 5 * time.Second

// TestLastUse: the use of an apikey is stored some seconds later, or when the server stops, and
// does not cost a write per request.
func TestLastUse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		admin := login(t, p)
		busy := &apptest.Client{URL: p.URL, Token: createKey(t, o, "--name", "busy", "--superuser")}
		idle := &apptest.Client{URL: p.URL, Token: createKey(t, o, "--name", "idle", "--superuser")}
		db := openDatabase(t, o)
		noteUpdates(t, db, o)
		begin := time.Now()
		for range 300 {
			get(t, busy, cas)
		}
		end := time.Now()
		key := find(t, admin, "busy")
		for ; key.LastUsedAt == nil; key = find(t, admin, "busy") {
			if time.Since(end) > 3*usesInterval {
				t.Fatal("the last use is not known")
			}
			time.Sleep(50 * time.Millisecond)
		}
		used, err := time.Parse(time.RFC3339Nano, *key.LastUsedAt)
		if err != nil || used.Before(begin.Truncate(time.Microsecond)) || used.After(end) ||
			*key.LastUsedIP != "127.0.0.1" {
			t.Errorf("last used at %s from %s; want %s to %s (%v)", *key.LastUsedAt, *key.LastUsedIP, begin, end, err)
		}
		if most, n := 1+int(time.Since(begin)/usesInterval), updatesOf(t, db, key.ID); n > most {
			t.Errorf("%d updates for 300 requests within %s", n, time.Since(begin))
		}
		if find(t, admin, "idle").LastUsedAt != nil {
			t.Error("an apikey has a last use before any")
		}
		get(t, idle, cas)
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(apptest.MustCommand(t, o, "apikey", "list")) {
			if strings.Contains(line, " idle ") && !strings.HasSuffix(line, " 127.0.0.1\n") {
				t.Errorf("after the stop: %s", line)
			}
		}
	})
}

// noteUpdates makes the database record every update of an apikey.
func noteUpdates(t *testing.T, db *sql.DB, o apptest.Options) {
	t.Helper()
	statements := []string{
		"CREATE TABLE updates (id bigint)",
		"CREATE TRIGGER note_update AFTER UPDATE ON apikeys BEGIN INSERT INTO updates VALUES (new.id); END",
	}
	if o.DatabaseURL != "" {
		statements = append(statements[:1],
			"CREATE FUNCTION note_update() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO updates VALUES (new.id); RETURN NULL; END'",
			"CREATE TRIGGER note_update AFTER UPDATE ON apikeys FOR EACH ROW EXECUTE FUNCTION note_update()")
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

func updatesOf(t *testing.T, db *sql.DB, id int64) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM updates WHERE id = $1", id).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
