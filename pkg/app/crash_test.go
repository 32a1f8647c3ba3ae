package app_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

const (
	writers       = 8
	defaultCycles = 5
	nightlyCycles = 40
	// A server lives for a random time between these.
	shortestLife       = 200 * time.Millisecond
	longestLife        = 600 * time.Millisecond
	longestLifeNightly = time.Second
)

// TestCrash kills the server while it works, again and again on the same data. Afterwards,
// everything that it has answered must be stored completely, and everything that it has not
// answered must be stored completely or not at all. CHAVEIRO_CRASH_CYCLES says how often.
func TestCrash(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		w := newCrashWorld(t, o)
		for range crashCycles(t) {
			w.live(t)
			w.check(t)
			if t.Failed() {
				return
			}
		}
		w.checkOld(t)
		t.Logf(
			"%d clients made, %d revoked, CRL number %d", len(w.answered), len(w.revoked),
			w.authorities[0].crlNumber.Load(),
		)
		t.Logf(
			"%d devices made, %d changed, %d files imported", len(w.vault.answered), w.vault.changed.Load(),
			w.vault.imported.Load(),
		)
		t.Logf(
			"%d imports of clients, %d lists merged, %d CAs below others with %d clients", len(w.pki.imported),
			len(w.pki.merged), len(w.pki.below), len(w.pki.under),
		)
		t.Logf(
			"%d instances, models and configs changed, %d links claimed", w.tunnels.changed.Load(),
			w.tunnels.claimed.Load(),
		)
	})
}

func crashCycles(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CHAVEIRO_CRASH_CYCLES")
	if text == "" && nightly {
		return nightlyCycles
	}
	if text == "" {
		return defaultCycles
	}
	cycles, err := strconv.Atoi(text)
	if err != nil || cycles < 1 {
		t.Fatalf("CHAVEIRO_CRASH_CYCLES is %q, not a number above 0", text)
	}
	return cycles
}

// crashWorld is what the callers of the server know: what the server has answered.
type crashWorld struct {
	options     apptest.Options
	token       string
	server      *apptest.Process
	killed      atomic.Bool
	names       atomic.Int64
	authorities [2]*crashAuthority // made by the server, and imported
	vault       *crashVault
	lives       crashLives
	pki         crashPKI
	tunnels     *crashTunnels

	mu        sync.Mutex
	answered  []record
	fresh     []record    // answered since the last check
	revoked   []record    // answered to a DELETE
	freshKeys []apikey    // answered since the last check
	keyed     []keyedPost // since the last check
	serials   map[string]int64
}

// crashAuthority is a CA as its callers know it. They have the key of an imported one only.
type crashAuthority struct {
	id        int64
	cert      *x509.Certificate
	key       crypto.Signer
	crlNumber atomic.Int64 // the highest number that was seen
	renewing  sync.Mutex   // so that renewals come one after the other
	renewals  int          // answered; guarded by renewing
}

// newCrashWorld starts the first server and gives it two CAs and a vault.
func newCrashWorld(t *testing.T, o apptest.Options) *crashWorld {
	t.Helper()
	w := &crashWorld{options: o, server: apptest.Start(t, o), serials: map[string]int64{}}
	c := login(t, w.server)
	w.token = c.Token
	key := newKey()
	imported := &crashAuthority{key: key, cert: sign(caTemplate("elsewhere"), nil, key.Public(), key)}
	imported.id = create(t, c, cas+"/import", object{"cert": certificatePEM(imported.cert), "key": keyPEM(key)}).ID
	own := &crashAuthority{id: createCA(t, c, "own").ID}
	own.cert = must(parseCertificates(get(t, c, caPath(own.id, "/certificate"))))[0]
	w.authorities = [2]*crashAuthority{own, imported}
	w.lives.serials, w.lives.ended = map[int64][]string{}, map[int64]int{}
	w.vault = newCrashVault(t, c)
	w.tunnels = newCrashTunnels(t, c, own.id)
	return w
}

// live lets writers work with the server, kills it in the middle and starts it again.
func (w *crashWorld) live(t *testing.T) {
	t.Helper()
	var group sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: writers}
	defer transport.CloseIdleConnections()
	c := &apptest.Client{URL: w.server.URL, Token: w.token, HTTP: &http.Client{Transport: transport}}
	w.vault.token = w.vault.oauth2.bearer(t, c.URL)
	w.killed.Store(false)
	for range writers {
		group.Go(func() { w.write(t, c) })
	}
	longest := longestLife
	if nightly {
		longest = longestLifeNightly
	}
	time.Sleep(shortestLife + rand.N(longest-shortestLife))
	w.killed.Store(true)
	w.server.Kill()
	group.Wait()
	wantQuiet(t, w.server.Log())
	w.server = apptest.Start(t, w.options)
}

// write makes requests until the server is gone. Until then every request must succeed.
func (w *crashWorld) write(t *testing.T, c *apptest.Client) {
	for {
		authority := w.authorities[rand.N(len(w.authorities))]
		var err error
		switch dice := rand.N(29); {
		case dice < 4:
			err = w.issue(t.Context(), c, authority)
		case dice < 5:
			err = w.postKeyed(t.Context(), c, authority)
		case dice < 6:
			err = w.bring(t.Context(), c, w.authorities[1])
		case dice < 8:
			err = w.revokeAny(t.Context(), c)
		case dice < 10:
			err = w.liveOn(t.Context(), c, authority)
		case dice < 11:
			err = w.createKey(t.Context(), c)
		case dice < 13:
			err = w.readCRL(t.Context(), c, authority)
		case dice < 17:
			err = w.workPKI(t.Context(), c)
		case dice < 18:
			err = authority.renew(t.Context(), c)
		case dice < 23:
			err = w.vault.work(t.Context(), c)
		default:
			err = w.tunnels.work(t.Context(), c, w.authorities[0].id)
		}
		if err == nil {
			continue
		}
		if !w.killed.Load() || statusOf(err) != 0 {
			t.Error(err)
		}
		return
	}
}

func (w *crashWorld) issue(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	name := fmt.Sprintf("site-%d", w.names.Add(1))
	return w.post(
		ctx, c, clients, object{
			"ca_id": authority.id, "name": name, "email": "site@example.com", "expiration": 1 + rand.N(3000),
		},
	)
}

// bring imports a client whose certificate was made elsewhere. A third of them are imported
// revoked.
func (w *crashWorld) bring(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	key := newKey()
	cert := sign(clientTemplate(fmt.Sprintf("site-%d", w.names.Add(1))), authority.cert, key.Public(), authority.key)
	return w.post(ctx, c, clients+"/import", object{
		"ca_id": authority.id, "email": "site@example.com", "cert": certificatePEM(cert), "key": keyPEM(key),
		"revoked": rand.N(3) == 0,
	})
}

func (w *crashWorld) post(ctx context.Context, c *apptest.Client, path string, in object) error {
	var out record
	if err := c.Do(ctx, http.MethodPost, path, in, &out); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered, w.fresh = append(w.answered, out), append(w.fresh, out)
	if out.Revoked {
		w.revoked = append(w.revoked, out)
	}
	return nil
}

func (w *crashWorld) revokeAny(ctx context.Context, c *apptest.Client) error {
	w.mu.Lock()
	if len(w.answered) == 0 {
		w.mu.Unlock()
		return nil
	}
	one := w.answered[rand.N(len(w.answered))]
	w.mu.Unlock()
	if err := c.Do(ctx, http.MethodDelete, clientPath(one.ID, ""), nil, nil); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked = append(w.revoked, one)
	return nil
}

// createKey makes an apikey that may do nothing but ask for its own identity.
func (w *crashWorld) createKey(ctx context.Context, c *apptest.Client) error {
	var out apikey
	if err := c.Do(
		ctx, http.MethodPost, apikeys, object{"name": fmt.Sprintf("key-%d", w.names.Add(1))}, &out,
	); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.freshKeys = append(w.freshKeys, out)
	return nil
}

// readCRL checks that the CRL is not older than the newest one that was seen before the request.
func (w *crashWorld) readCRL(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	before := authority.crlNumber.Load()
	text, err := c.Bytes(ctx, caPath(authority.id, "/crl"))
	if err != nil {
		return err
	}
	crl, err := parseCRL(text, authority.cert)
	if err != nil {
		return err
	}
	number := crl.Number.Int64()
	if number < before {
		return fmt.Errorf("the CRL of CA %d has number %d, after %d", authority.id, number, before)
	}
	for seen := before; number > seen && !authority.crlNumber.CompareAndSwap(seen, number); {
		seen = authority.crlNumber.Load()
	}
	return nil
}

// TestCrash_FirstStart kills servers at every stage of their very first start. The next start must
// succeed, and the one after that must find the same key.
func TestCrash_FirstStart(t *testing.T) {
	t.Parallel()
	stages := 4
	if nightly {
		stages = 16
	}
	for name, empty := range map[string]func(*testing.T) apptest.Options{
		"SQLite": onSQLite, "PostgreSQL": onEmptyPostgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := empty(t)
			o.Args = []string{"--auto-migrate"}
			begin := time.Now()
			apptest.Start(t, o).Kill()
			whole := time.Since(begin)
			for stage := range stages {
				o := empty(t)
				o.Args = []string{"--auto-migrate"} // which has no effect on SQLite
				crashed, err := apptest.Spawn(apptest.Binary(t), o)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(whole * time.Duration(stage+1) / time.Duration(stages))
				crashed.Kill()
				wantQuiet(t, crashed.Log())
				checkFirstStart(t, o)
			}
		})
	}
}

func checkFirstStart(t *testing.T, o apptest.Options) {
	t.Helper()
	p := apptest.Start(t, o)
	wantReady(t, p.URL)
	c := login(t, p)
	authority := createCA(t, c, "first")
	p.Kill()
	p = apptest.Start(t, o)
	defer p.Kill()
	c.URL = p.URL
	createClient(t, c, authority.ID, "site-1")
	wantQuiet(t, p.Log())
}
