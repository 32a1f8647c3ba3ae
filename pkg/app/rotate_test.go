package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// sealedRows is how many values a rotation of the tests has to go through: enough to be broken off.
const sealedRows = 4000

// manyKeys multiplies the rows of a certificate with its key, which stays bound to it.
func manyKeys(t *testing.T, o apptest.Options, certificate int64, rows int) {
	t.Helper()
	const columns = "ca_id, kind, name, name_key, fingerprint, key_algorithm, not_before, not_after, der, sealed_key, key_protected, created_at"
	_, err := openDatabase(t, o).ExecContext(t.Context(), fmt.Sprintf(`
		WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %d)
		INSERT INTO certificates (serial, %s) SELECT 'f' || i, %s FROM certificates, numbers WHERE id = %d`,
		rows, columns, columns, certificate))
	if err != nil {
		t.Fatal(err)
	}
}

// keyTraffic uses the servers while the master key is rotated: it makes sites and fetches keys.
type keyTraffic struct {
	stop    chan struct{}
	workers sync.WaitGroup
	done    atomic.Int64
	failed  atomic.Int64
	first   atomic.Pointer[string] // failure
}

func (k *keyTraffic) run(t *testing.T, caID int64, known []int64, servers ...*apptest.Client) {
	k.stop = make(chan struct{})
	for worker := range 4 {
		k.workers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-k.stop:
					return
				case <-time.After(2 * time.Millisecond):
				}
				c := servers[(worker+i)%len(servers)]
				var err error
				if i%3 == 0 {
					spec := object{"ca_id": caID, "name": fmt.Sprintf("load-%d-%d", worker, i), "email": "a@example.com"}
					err = c.Do(t.Context(), "POST", clients, spec, nil)
				} else {
					_, err = c.Bytes(t.Context(), clientPath(known[i%len(known)], "/key"))
				}
				if k.done.Add(1); err != nil {
					text := err.Error()
					k.failed.Add(1)
					k.first.CompareAndSwap(nil, &text)
				}
			}
		})
	}
}

// end stops the traffic, of which nothing may have failed.
func (k *keyTraffic) end(t *testing.T) {
	t.Helper()
	close(k.stop)
	k.workers.Wait()
	if n := k.failed.Load(); n > 0 {
		t.Errorf("%d of %d requests failed, the first: %s", n, k.done.Load(), *k.first.Load())
	}
	if k.done.Load() < 50 {
		t.Errorf("only %d requests", k.done.Load())
	}
}

// another is a second server on the same database, with a copy of the key file. On SQLite there is
// none.
func another(t *testing.T, o apptest.Options) (apptest.Options, bool) {
	if o.DatabaseURL == "" {
		return o, false
	}
	o.DataDir = filepath.Join(t.TempDir(), "second")
	if err := os.Mkdir(o.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	return o, true
}

func copyKey(t *testing.T, from, to apptest.Options) {
	t.Helper()
	write(t, to.DataDir, "master.key.new", []byte(read(t, from.DataDir, "master.key")))
	err := os.Rename(filepath.Join(to.DataDir, "master.key.new"), filepath.Join(to.DataDir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
}

// TestMasterKey_Rotate rotates the master key while one or two servers are used, kills the command
// when it is on its way, and repeats it. No request fails, nothing stays under the earlier key, and
// that can go.
func TestMasterKey_Rotate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		c := login(t, p)
		servers := []*apptest.Client{c}
		authority := createCA(t, c, "ca")
		var known []int64
		for i := range 8 {
			known = append(known, createClient(t, c, authority.ID, fmt.Sprint("site-", i)).ID)
		}
		manyKeys(t, o, 1, sealedRows)
		second, two := another(t, o)
		if two {
			copyKey(t, o, second)
			q := apptest.Start(t, second)
			servers = append(servers, &apptest.Client{URL: q.URL, Token: c.Token})
			defer func() { _ = q.Signal(syscall.SIGCONT) }()
		}
		traffic := new(keyTraffic)
		traffic.run(t, authority.ID, known, servers...)
		apptest.MustCommand(t, o, "master-key", "add")
		if two {
			wantFailure(t, o, "does not have the master key 2", "master-key", "rotate", "--wait", "0s")
			copyKey(t, o, second)
		}
		times := killings
		if nightly {
			times = nightlyKillings
		}
		for part := range times {
			killRotation(t, o, (part*sealedRows+rand.IntN(sealedRows))/(times+1))
		}
		apptest.MustCommand(t, o, "master-key", "rotate")
		traffic.end(t)
		wantKeys(t, o, `{"version":1,`, `"state":"opens"`, `"values":0}`, `{"version":2,`, `"state":"seals"`)
		wantFailure(t, o, "Try again in", "master-key", "remove", "1", "--keep", filepath.Join(o.DataDir, "old.key"))
		removeFirstKey(t, o)
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		c.URL = apptest.Start(t, o).URL
		for _, id := range known {
			get(t, c, clientPath(id, "/key"))
		}
		createClient(t, c, authority.ID, "after")
		apptest.MustCommand(t, o, "audit", "verify")
	})
}

// killRotation begins a rotation, or goes on with it, and kills it when so many values are under
// the second key.
func killRotation(t *testing.T, o apptest.Options, values int) {
	t.Helper()
	db := openDatabase(t, o)
	defer db.Close()
	query := "SELECT count(*) FROM certificates WHERE substr(sealed_key, 1, 5) = x'0100000002'"
	if o.DatabaseURL != "" {
		query = strings.Replace(query, "x'", `'\x`, 1)
	}
	p, err := apptest.SpawnCommand(apptest.Binary(t), o, "master-key", "rotate")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(3 * time.Millisecond) {
		var n int
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > values {
			t.Logf("killed with %d values under the second key", n)
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d values are under the second key, not %d: %s", n, values, p.Log())
		}
	}
}

// wantKeys looks for words, in this order, in what status prints as JSON.
func wantKeys(t *testing.T, o apptest.Options, words ...string) {
	t.Helper()
	said := apptest.MustCommand(t, o, "master-key", "status", "--count", "--json")
	rest := said
	for _, word := range words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Fatalf("no %s in %s", word, said)
		}
		rest = after
	}
}

// removeFirstKey lets the time pass that a removal waits for, and removes the key 1.
func removeFirstKey(t *testing.T, o apptest.Options) {
	t.Helper()
	settle(t, o)
	keep := filepath.Join(o.DataDir, "old.key")
	before := read(t, o.DataDir, "master.key")
	apptest.MustCommand(t, o, "master-key", "remove", "1", "--keep", keep)
	after, kept := read(t, o.DataDir, "master.key"), strings.TrimSpace(read(t, o.DataDir, "old.key"))
	if !strings.HasPrefix(kept, "1:") || strings.Contains(after, kept) || before != kept+"\n"+after {
		t.Error("the key was not moved")
	}
	for _, path := range []string{keep, filepath.Join(o.DataDir, "master.key")} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

// settle makes the newest rotation one of an hour ago.
func settle(t *testing.T, o apptest.Options) {
	t.Helper()
	ago := time.Now().UTC().Add(-time.Hour).Format("2006-01-02 15:04:05.999999-07:00")
	db := openDatabase(t, o)
	alter(t, db, "UPDATE master_keys SET since = '"+ago+"' WHERE version = (SELECT max(version) FROM master_keys)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMasterKey_Missing: a server without the key that seals says so and takes over when it has it.
// Another one does not start.
func TestMasterKey_Missing(t *testing.T) {
	t.Parallel()
	o := onPostgres(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca")
	second, _ := another(t, o)
	copyKey(t, o, second)
	q := apptest.Start(t, second)
	onSecond := &apptest.Client{URL: q.URL, Token: c.Token}
	createClient(t, onSecond, authority.ID, "opens-the-ca")
	apptest.MustCommand(t, o, "master-key", "add")
	wantFailure(t, o, "master key 2 is here already", "master-key", "add")
	wantFailure(
		t, o, "does not seal with the master key 2 yet", "master-key", "rotate", "--force", "--follow", "1s",
	)
	awaitReady(t, q.URL, "the master key 2 is missing here")
	wantReady(t, p.URL)
	awaitMetric(t, c, "chaveiro_master_key_version 2", "chaveiro_master_key_rotating 1")
	for there, words := range map[*apptest.Options]string{
		&o: "the rotation to the key 2 has not ended", &second: "the key 2 is missing here",
	} {
		if said := apptest.Command(t, *there, "doctor").Stdout; !strings.Contains(said, words) {
			t.Errorf("no %q in %s", words, said)
		}
	}
	third, _ := another(t, second)
	write(t, third.DataDir, "master.key", []byte(read(t, second.DataDir, "master.key")))
	wantRefusal(t, third, "the master key 2 is missing here")
	write(t, third.DataDir, "master.key", []byte(read(t, second.DataDir, "master.key")+"2:"+keyText()[2:]+"\n"))
	wantRefusal(t, third, "master key is not the one this database was sealed with", "the key 2")
	site := createClient(t, c, authority.ID, "under-the-second-key")
	status, retry := answeredBy(t, onSecond, http.MethodGet, clientPath(site.ID, "/key"), nil)
	if status != http.StatusInternalServerError || retry == "" {
		t.Errorf("without the key: %d, Retry-After %q", status, retry)
	}
	copyKey(t, o, second)
	awaitKey(t, onSecond, site.ID)
	awaitReady(t, q.URL, "")
	apptest.MustCommand(t, o, "master-key", "rotate")
	wantKeys(t, o, `"values":0}`, `"state":"seals"`)
	awaitMetric(t, c, "chaveiro_master_key_rotating 0", "chaveiro_master_key_remaining 0")
}

// awaitKey gets the private key of a client from a server that lacks the master key until it reads
// its file again: when a value needs it, once a second at most. Its tasks may just have done so.
func awaitKey(t *testing.T, c *apptest.Client, id int64) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		asked := time.Since(begun)
		_, err := c.Bytes(t.Context(), clientPath(id, "/key"))
		if err == nil {
			return
		}
		if asked > 1500*time.Millisecond {
			t.Fatalf("after %s: %v", asked, err)
		}
	}
}

// TestMasterKey_OlderBackup: a backup from before a rotation is restored with the key that was kept
// apart, and the database is rotated again.
func TestMasterKey_OlderBackup(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca")
	site := createClient(t, c, authority.ID, "site")
	file := filepath.Join(t.TempDir(), "backup.db")
	apptest.MustCommand(t, o, "backup", file)
	apptest.MustCommand(t, o, "master-key", "add")
	apptest.MustCommand(t, o, "master-key", "rotate")
	removeFirstKey(t, o)
	later := filepath.Join(t.TempDir(), "later.db")
	if said := apptest.MustCommand(t, o, "backup", later); strings.Contains(said, "[1:") {
		t.Error(said)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, o, "it was sealed with the master key 1", "restore", file)
	write(t, o.DataDir, "master.key", []byte(read(t, o.DataDir, "old.key")+read(t, o.DataDir, "master.key")))
	apptest.MustCommand(t, o, "restore", file)
	wantKeys(t, o, `"version":1`, `"state":"seals"`, `"version":2`, `"state":"waits for rotate"`)
	c.URL = apptest.Start(t, o).URL
	get(t, c, clientPath(site.ID, "/key"))
	createClient(t, c, authority.ID, "under-the-first-key")
	apptest.MustCommand(t, o, "master-key", "rotate")
	wantKeys(t, o, `"version":1`, `"values":0}`, `"version":2`, `"state":"seals"`)
	get(t, c, clientPath(site.ID, "/key"))
}

// TestMasterKey_RotateInTheEnvironment: where the key is in the environment, add prints the next
// one and writes nothing.
func TestMasterKey_RotateInTheEnvironment(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	first := keyText()
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + first}
	p := apptest.Start(t, o)
	c := login(t, p)
	site := createClient(t, c, createCA(t, c, "ca").ID, "site")
	outcome := apptest.Command(t, o, "master-key", "add")
	second := strings.TrimSpace(outcome.Stdout)
	if outcome.Code != 0 || !strings.HasPrefix(second, "2:") || strings.Contains(outcome.Stderr, second) {
		t.Fatalf("code %d, %s, %s", outcome.Code, outcome.Stdout, outcome.Stderr)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + first + "," + second}
	p = apptest.Start(t, o)
	c.URL = p.URL
	apptest.MustCommand(t, o, "master-key", "rotate")
	settle(t, o)
	if said := apptest.MustCommand(t, o, "master-key", "remove", "1"); !strings.Contains(said, "CHAVEIRO_MASTER_KEY") {
		t.Error(said)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + second}
	c.URL = apptest.Start(t, o).URL
	get(t, c, clientPath(site.ID, "/key"))
	if files := filesIn(t, o.DataDir); strings.Contains(fmt.Sprint(files), "master.key") {
		t.Errorf("files: %q", files)
	}
}
