package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMigrations_OfPostgreSQLAreAStepOfTheirOwn(t *testing.T) {
	t.Parallel()
	o := onEmptyPostgres(t)
	wantRefusal(t, o, "the database lacks", "chaveiro migrate up")
	wantCommand := func(code int, words string, args ...string) {
		t.Helper()
		outcome := apptest.Command(t, o, args...)
		if (outcome.Code != 0) != (code != 0) || !strings.Contains(outcome.Stdout, words) {
			t.Errorf("%q: code %d, stdout %q, stderr %q; want %q", args, outcome.Code, outcome.Stdout, outcome.Stderr, words)
		}
	}
	wantCommand(1, "00001 missing 00001_", "migrate", "status")
	wantRefusal(t, o, "the database lacks") // looking changes nothing
	wantCommand(0, "applied 00001_", "migrate", "up")
	wantCommand(0, "up to date\n", "migrate", "up")
	wantCommand(0, "00001 applied 00001_", "migrate", "status")
	p := apptest.Start(t, o)
	wantReady(t, p.URL)
	if log := p.Log(); strings.Contains(log, "migration applied") {
		t.Errorf("it migrates again: %s", log)
	}
}

func TestMigrations_OfPostgreSQLAtStart(t *testing.T) {
	t.Parallel()
	o := onEmptyPostgres(t)
	o.Env = []string{"CHAVEIRO_AUTO_MIGRATE=true"}
	p := apptest.Start(t, o)
	wantReady(t, p.URL)
	if log := p.Log(); !strings.Contains(log, "migration applied") {
		t.Errorf("no word of the migration: %s", log)
	}
	createCA(t, login(t, p), "migrated")
}

// startReplicas starts two servers that share a database and a master key, and nothing else.
func startReplicas(t *testing.T) (a, b *apptest.Process, o apptest.Options) {
	t.Helper()
	o = onPostgres(t)
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	other := o
	other.DataDir = onSQLite(t).DataDir
	return apptest.Start(t, o), apptest.Start(t, other), o
}

func TestReplicas_ServeEachOthersRevocations(t *testing.T) {
	t.Parallel()
	a, b, _ := startReplicas(t)
	one := login(t, a)
	two := &apptest.Client{URL: b.URL, Token: one.Token}
	authority := createCA(t, one, "shared")
	issuer := must(parseCertificates(get(t, two, caPath(authority.ID, "/certificate"))))[0]
	last := int64(0)
	for i := range 10 {
		site := createClient(t, two, authority.ID, "site-"+string(rune('a'+i)))
		leaf := must(parseCertificates(get(t, one, clientPath(site.ID, "/certificate"))))[0]
		revoke(t, one, site.ID)
		for _, reader := range []*apptest.Client{two, one} {
			crl, err := parseCRL(get(t, reader, caPath(authority.ID, "/crl")), issuer)
			if err != nil {
				t.Fatal(err)
			}
			if number := crl.Number.Int64(); !listedIn(crl)[leaf.SerialNumber.String()] || number < last {
				t.Fatalf("list %d after %d: %d entries, this one among them: %t", number, last,
					len(crl.RevokedCertificateEntries), listedIn(crl)[leaf.SerialNumber.String()])
			}
			last = crl.Number.Int64()
		}
		one, two = two, one
	}
}

func TestReplicas_ForgetADeletedAPIKey(t *testing.T) {
	t.Parallel()
	a, b, o := startReplicas(t)
	one := login(t, a)
	two := &apptest.Client{URL: b.URL, Token: one.Token}
	db := openDatabase(t, o)
	for _, c := range []*apptest.Client{one, two} {
		get(t, c, cas) // so that both know the key
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM apikeys"); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	for _, c := range []*apptest.Client{one, two} {
		for statusOf(c.Do(t.Context(), http.MethodGet, cas, nil, nil)) != http.StatusUnauthorized {
			if time.Since(deleted) > 3*time.Second { // one second, and what a slow machine takes
				t.Fatal("the token of a deleted apikey is still good")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
