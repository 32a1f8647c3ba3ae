package app_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// archivedEach is how many certificates are to be archived each time that the command is killed.
const archivedEach = 120

// archiveWorld is a CA of before and the certificates of it that have ended.
type archiveWorld struct {
	*crashAuthority
	options apptest.Options
	serials []string
}

// bring imports certificates that have ended, of clients and of servers, most of them revoked, and
// then revokes another one: the newest revocation of a CA is not archived.
func (w *archiveWorld) bring(t *testing.T, c *apptest.Client) {
	t.Helper()
	key := newKey()
	var list []object
	for i := range archivedEach {
		template := clientTemplate(fmt.Sprintf("site-%d", len(w.serials)))
		template.SerialNumber = big.NewInt(int64(1000 + len(w.serials)))
		template.NotBefore, template.NotAfter = time.Now().Add(-year), time.Now().Add(-60*24*time.Hour)
		if i%2 == 0 {
			template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		cert := sign(template, w.cert, key.Public(), w.key)
		w.serials = append(w.serials, hex.EncodeToString(cert.SerialNumber.Bytes()))
		list = append(list, object{"cert": certificatePEM(cert), "email": "site@example.com", "revoked": i%4 > 0})
	}
	if err := c.Do(t.Context(), http.MethodPost, caPath(w.id, "/imports"), object{"certificates": list}, nil); err != nil {
		t.Fatal(err)
	}
	revoke(t, c, createClient(t, c, w.id, fmt.Sprintf("revoked-%d", len(w.serials))).ID)
}

// check checks that each certificate is in one place, and nothing is half done. It returns how many
// are in the archive.
func (w *archiveWorld) check(t *testing.T) (archived int) {
	t.Helper()
	db := openDatabase(t, w.options)
	defer db.Close()
	awaitNobodyElse(t, w.options)
	places := map[string]int{}
	for _, table := range []string{"certificates", "archived_certificates"} {
		rows := must(db.QueryContext(t.Context(), "SELECT serial FROM "+table+" WHERE ca_id = $1", w.id))
		for rows.Next() {
			var serial string
			if err := rows.Scan(&serial); err != nil {
				t.Fatal(err)
			}
			places[serial]++
			if table != "certificates" {
				archived++
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, serial := range w.serials {
		if places[serial] != 1 {
			t.Errorf("%s is in %d places", serial, places[serial])
		}
	}
	checkDatabase(t, w.options, apptest.Halves, apptest.Unaudited)
	return archived
}

// awaitNobodyElse waits until the database has finished what a command has sent that was killed.
// The server has connections of its own; they are idle.
func awaitNobodyElse(t *testing.T, o apptest.Options) {
	t.Helper()
	if o.DatabaseURL == "" {
		return
	}
	db := openDatabase(t, o)
	defer db.Close()
	const busy = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
		AND backend_type = 'client backend' AND xact_start IS NOT NULL
		AND query LIKE '%archived_certificates%'`
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := db.QueryRowContext(t.Context(), busy).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d transactions remain", n)
		}
	}
}

// killed checks what the kill of a command leaves, and returns how many are in the archive.
func (w *archiveWorld) killed(t *testing.T, c *apptest.Client, kill func()) (moved int) {
	t.Helper()
	list := get(t, c, caPath(w.id, "/crl"))
	kill()
	moved = w.check(t)
	t.Logf("%d of %d are in the archive", moved, len(w.serials))
	if got := get(t, c, caPath(w.id, "/crl")); !bytes.Equal(got, list) {
		t.Error("another list is served")
	}
	return moved
}

// halfwayTries is how often a command may have ended before it was killed.
const halfwayTries = 10

// killedHalfway kills the command when it has moved some, and not all yet.
func (w *archiveWorld) killedHalfway(t *testing.T, c *apptest.Client) {
	t.Helper()
	for range halfwayTries {
		w.bring(t, c)
		before := w.check(t)
		moved := w.killed(t, c, func() {
			p := must(apptest.SpawnCommand(apptest.Binary(t), w.options, "cert", "archive", "--keep", "720h", "--yes"))
			defer p.Kill()
			db := openDatabase(t, w.options)
			defer db.Close()
			deadline := time.Now().Add(20 * time.Second)
			for n := before; n == before; {
				if time.Now().After(deadline) {
					t.Fatalf("it moves nothing: %s", p.Log())
				}
				const archived = "SELECT count(*) FROM archived_certificates WHERE ca_id = $1"
				if err := db.QueryRowContext(t.Context(), archived, w.id).Scan(&n); err != nil {
					t.Fatal(err)
				}
			}
		})
		if moved > before && moved < len(w.serials) {
			return
		}
	}
	t.Errorf("no kill of %d has hit the command halfway", halfwayTries)
}

// TestArchive_Killed: the command that moves certificates to the archive is killed at any moment.
// Each certificate is then in one place, lists stay as they are, also those of a server that starts
// afterwards, and the command that is repeated moves the rest.
func TestArchive_Killed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		key := newKey()
		w := &archiveWorld{
			crashAuthority: &crashAuthority{key: key, cert: sign(caTemplate("former"), nil, key.Public(), key)}, options: o,
		}
		w.id = create(t, c, cas+"/import", object{"cert": certificatePEM(w.cert), "key": keyPEM(key)}).ID
		times := killings
		if nightly {
			times = nightlyKillings
		}
		begin := time.Now()
		apptest.MustCommand(t, o, "cert", "archive", "--keep", "720h", "--dry-run")
		within, killed := time.Since(begin), 0
		for range times {
			w.bring(t, c)
			w.killed(t, c, func() {
				if killedAt(t, o, within/2+rand.N(within), "cert", "archive", "--keep", "720h", "--yes") {
					killed++
				}
			})
		}
		w.killedHalfway(t, c)
		list := get(t, c, caPath(w.id, "/crl"))
		p.Kill()
		again := apptest.Start(t, o)
		c.URL = again.URL
		apptest.MustCommand(t, o, "cert", "archive", "--keep", "720h", "--yes")
		if moved := w.check(t); moved != len(w.serials) {
			t.Errorf("%d of %d are in the archive", moved, len(w.serials))
		}
		if got := get(t, c, caPath(w.id, "/crl")); !bytes.Equal(got, list) {
			t.Error("a server that was started has another list")
		}
		apptest.MustCommand(t, o, "audit", "verify")
		wantReady(t, again.URL)
		wantQuiet(t, p.Log())
		wantQuiet(t, again.Log())
		t.Logf("%d of %d were killed", killed, times)
	})
}
