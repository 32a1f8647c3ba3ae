package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestFloor sets the database back behind the server's back. No server starts on it until it is
// accepted, and then the numbers continue.
func TestFloor(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca-matriz")
	site := createClient(t, c, authority.ID, "lisboa")
	get(t, c, caPath(authority.ID, "/crl"))
	old := filepath.Join(t.TempDir(), "old.db")
	apptest.MustCommand(t, o, "backup", old)
	create(t, c, caPath(authority.ID, "/renew"), nil) // it is the same CA for the floor
	revoke(t, c, site.ID)
	published := get(t, c, caPath(authority.ID, "/crl"))
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	again := apptest.Start(t, o) // the database has not gone back
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}

	live := filepath.Join(o.DataDir, "chaveiro.db")
	write(t, o.DataDir, "chaveiro.db", []byte(read(t, filepath.Dir(old), "old.db")))
	for _, part := range []string{"-wal", "-shm"} {
		_ = os.Remove(live + part)
	}
	floor := read(t, o.DataDir, "floor.json")
	wantRefusal(t, o, "older than what was published", `of the CA "ca-matriz" the CRL number`,
		"events of the audit are gone", "restore --accept",
		"--since-from", "--crl with the present list of every CA")
	wantFailure(t, o, "it is not known", "restore", "--accept")
	write(t, o.DataDir, "floor.json", []byte(strings.Replace(floor, `"crl_number":`, `"crl_number":1`, 1)))
	wantRefusal(t, o, "floor.json", "it was altered")
	write(t, o.DataDir, "floor.json", []byte(floor))
	write(t, o.DataDir, "crl.pem", published)
	apptest.MustCommand(t, o, "restore", "--accept", "--crl", filepath.Join(o.DataDir, "crl.pem"))

	p = apptest.Start(t, o)
	c.URL = p.URL
	before, after := must(parseCRL(published, issuer)), must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer))
	if after.Number.Cmp(before.Number) <= 0 || len(after.RevokedCertificateEntries) != 1 {
		t.Errorf("list %d after %d, with %d entries", after.Number, before.Number, len(after.RevokedCertificateEntries))
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if raised := read(t, o.DataDir, "floor.json"); raised == floor {
		t.Error("the floor is the one of before")
	}
	wantReady(t, apptest.Start(t, o).URL)
}

// TestFloor_OfAnotherHistory: a database that was set back has reached the positions of the floor
// again, but with other events.
func TestFloor_OfAnotherHistory(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		createCA(t, c, "ca-matriz")
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		other := o
		other.DataDir = onSQLite(t).DataDir
		if err := os.MkdirAll(other.DataDir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"master.key", "floor.json"} {
			write(t, other.DataDir, name, []byte(read(t, o.DataDir, name)))
		}
		if o.DatabaseURL == "" {
			other.DatabaseURL = filepath.Join(o.DataDir, "chaveiro.db")
		}
		db := openDatabase(t, o)
		alter(
			t, db,
			"UPDATE audit_events SET hash = (SELECT hash FROM audit_chains WHERE position = 0 LIMIT 1) WHERE resource_name = 'ca-matriz'",
		)
		alter(t, db,
			"UPDATE audit_chains SET hash = (SELECT hash FROM audit_chains WHERE position = 0 LIMIT 1) WHERE chain = "+
				"(SELECT chain FROM audit_events WHERE resource_name = 'ca-matriz')")
		wantRefusal(t, other, "events of the audit are gone, or others are in their place")
		apptest.MustCommand(t, other, "restore", "--accept", "--accept-loss")
		wantReady(t, apptest.Start(t, other).URL)
	})
}
