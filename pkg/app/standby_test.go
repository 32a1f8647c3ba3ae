package app_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// setbacks are the ways in which a database loses its last writes while servers use it. Each
// function prepares one, and is called before the writes that are lost. Where a new timeline
// begins, the servers see that; otherwise they only see that what they have read is gone.
func setbacks() map[string]func(*testing.T, *pgtest.Cluster) (back func(context.Context) error) {
	all := map[string]func(*testing.T, *pgtest.Cluster) func(context.Context) error{
		"standby": func(t *testing.T, c *pgtest.Cluster) func(context.Context) error {
			standby := lagging(t, c)
			return func(ctx context.Context) error { return standby.TakeOver(ctx, c) }
		},
		"disk": func(t *testing.T, c *pgtest.Cluster) func(context.Context) error { return backup(t, c, false) },
	}
	if nightly { // to the servers it is like the first with a pause
		all["recovery"] = func(t *testing.T,
			c *pgtest.Cluster) func(context.Context) error {
			return backup(t, c, true)
		}
	}
	return all
}

func backup(t *testing.T, c *pgtest.Cluster, recovery bool) func(context.Context) error {
	t.Helper()
	if err := c.Backup(t.Context()); err != nil {
		pgtest.GiveUp(t, err)
	}
	return func(ctx context.Context) error { return c.GoBack(ctx, recovery) }
}

// lagging makes a standby that receives nothing from now on.
func lagging(t *testing.T, primary *pgtest.Cluster) *pgtest.Cluster {
	t.Helper()
	standby, err := primary.Standby(t.Context())
	if err != nil {
		pgtest.GiveUp(t, err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := standby.Lag(t.Context(), primary); err != nil {
		t.Fatal(err)
	}
	return standby
}

// failover is two servers on a database that loses its last writes.
type failover struct {
	options             apptest.Options // of the first server
	stopped             apptest.Options // of a server that has ended before, whose floor has what was published
	logs                [2]*apptest.Process
	replicas            [2]*apptest.Client
	vault               vaultKeys // of an authorization that stays
	kept, lost          record    // CAs
	early, late, listed record    // clients of the CA that stays
	keptCert, lostCert  *x509.Certificate
	number              int64 // of the newest CRL that was seen
	this                time.Time
	published           []byte            // the last CRL before the loss
	gone                []goneCredential  // credentials of rows that are lost
	sessions            []string          // tokens of sessions and apikeys of such rows
	ids                 map[string]string // of the last rows, by table
	// access tokens of credentials that stay, one for each dialect, signed by the lost key
	signed [2]string
	seen   [2]string // checkpoints of the audit: one that stays and one that is lost
}

// goneCredential is a credential of a row that is lost, with what it could read and change.
type goneCredential struct {
	token, read, change string
	in                  any
}

// TestFailover_LostWrites: the database lacks the last writes that were answered, and the servers
// have them in their caches. Nothing of that is used afterwards, requests meanwhile are answered or
// told to retry, and the loss is logged.
func TestFailover_LostWrites(t *testing.T) {
	t.Parallel()
	for name, prepare := range setbacks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, primary := newFailover(t)
			back := prepare(t, primary)
			w.lose(t)
			calm := w.askMeanwhile(t)
			if err := back(t.Context()); err != nil {
				t.Fatal(err)
			}
			taken := time.Now()
			w.giveNumbersAgain(t)
			w.awaitBoth(t)
			w.checkChanges(t)
			w.checkAuthorities(t)
			w.checkRevocations(t)
			w.checkDevices(t)
			w.makeHeirs(t)
			time.Sleep(time.Until(taken.Add(promised)))
			calm()
			w.checkCredentials(t)
			w.checkSigned(t)
			w.checkLogs(t)
			w.checkAudit(t)
			w.checkFloor(t)
		})
	}
}

// newFailover makes what both databases have, and lets both servers read it.
func newFailover(t *testing.T) (*failover, *pgtest.Cluster) {
	t.Helper()
	o, primary := onOwnCluster(t, pgtest.Config{})
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	w := &failover{options: o, stopped: o}
	other := o
	other.DataDir, w.stopped.DataDir = onSQLite(t).DataDir, onSQLite(t).DataDir
	w.logs = [2]*apptest.Process{apptest.Start(t, o), apptest.Start(t, other)}
	admin := login(t, w.logs[0])
	w.replicas = [2]*apptest.Client{admin, {URL: w.logs[1].URL, Token: admin.Token}}
	w.kept = createCA(t, admin, "kept")
	for name, site := range map[string]*record{"early": &w.early, "late": &w.late, "listed": &w.listed} {
		*site = createClient(t, admin, w.kept.ID, name)
	}
	w.keptCert = must(parseCertificates(get(t, admin, caPath(w.kept.ID, "/certificate"))))[0]
	for i, c := range w.replicas {
		importDevice(t, c, fmt.Sprintf("kept-%d", i), "kept-model")
		w.readCRL(t, c)
	}
	w.vault, w.seen[0] = authorize(t, admin, "oauth2"), apptest.MustCommand(t, o, "audit", "checkpoint")
	return w, primary
}

// lose makes what only the primary has, and lets both servers use it.
func (w *failover) lose(t *testing.T) {
	admin := w.replicas[0]
	revoke(t, admin, w.early.ID)
	revoke(t, admin, w.listed.ID)
	w.lost = createCA(t, admin, "lost")
	w.lostCert = must(parseCertificates(get(t, admin, caPath(w.lost.ID, "/certificate"))))[0]
	for i, c := range w.replicas {
		createClient(t, c, w.lost.ID, fmt.Sprintf("lost-%d", i))
		get(t, c, caPath(w.lost.ID, "/crl"))
		importDevice(t, c, fmt.Sprintf("lost-%d", i), "lost-model")
		if !listedIn(w.readCRL(t, c))[w.serial(t, w.early)] {
			t.Fatal("the revocation is on no list before it is lost")
		}
	}
	w.loseSigningKey(t)
	w.loseCredentials(t)
	w.seen[1] = apptest.MustCommand(t, w.options, "audit", "checkpoint")
	third := apptest.Start(t, w.stopped)
	w.published = get(t, &apptest.Client{URL: third.URL, Token: admin.Token}, caPath(w.kept.ID, "/crl"))
	if err := third.Stop(); err != nil { // which stores what was published
		t.Fatal(err)
	}
	for _, c := range w.replicas {
		w.readCRL(t, c)
	}
	w.ids = w.lastIDs(t)
}

// awaitBoth returns when both servers work with the new primary.
func (w *failover) awaitBoth(t *testing.T) {
	t.Helper()
	for _, c := range w.replicas {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			err := c.Do(t.Context(), http.MethodGet, clientPath(w.late.ID, ""), nil, nil)
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
}

// checkAuthorities: the lost CA signs nothing, and the CA that now has its id signs with its own
// key, also at the server that has only the lost one in its cache.
func (w *failover) checkAuthorities(t *testing.T) {
	for i, c := range w.replicas {
		name := fmt.Sprintf("orphan-%d", i)
		err := c.Do(
			t.Context(), http.MethodPost, clients, object{
				"ca_id": w.lost.ID, "name": name, "email": "site@example.com",
			}, nil,
		)
		if code := statusOf(err); err == nil || code < 400 || code >= 500 {
			t.Errorf("a client of a CA that is gone: %v", err)
		}
	}
	heir := createCA(t, w.replicas[0], "heir")
	if heir.ID != w.lost.ID {
		t.Fatalf("the CA is %d, not %d: this tests nothing", heir.ID, w.lost.ID)
	}
	for i := range w.replicas {
		c := w.replicas[1-i] // first the server that has not made the CA
		issuer := must(parseCertificates(get(t, c, caPath(heir.ID, "/certificate"))))[0]
		site := createClient(t, c, heir.ID, fmt.Sprintf("heir-%d", i))
		leaf := must(parseCertificates(get(t, c, clientPath(site.ID, "/certificate"))))[0]
		if err := leaf.CheckSignatureFrom(issuer); err != nil || leaf.CheckSignatureFrom(w.lostCert) == nil {
			t.Errorf("CA %d: %v", heir.ID, err)
		}
		if _, err := parseCRL(get(t, c, caPath(heir.ID, "/crl")), issuer); err != nil {
			t.Errorf("the list of CA %d: %v", heir.ID, err)
		}
	}
}

// checkRevocations: what is revoked now is on the CRLs of both servers, and the CRLs never go back.
func (w *failover) checkRevocations(t *testing.T) {
	for i, site := range []record{w.late, w.early} {
		serial := w.serial(t, site)
		revoke(t, w.replicas[i], site.ID)
		for _, c := range w.replicas {
			if !listedIn(w.readCRL(t, c))[serial] {
				t.Errorf("the revocation of %s is not on list %d", site.Name, w.number)
			}
		}
	}
}

// readCRL returns the CRL of a server, which must not be older than any that was seen.
func (w *failover) readCRL(t *testing.T, c *apptest.Client) *x509.RevocationList {
	t.Helper()
	crl, err := parseCRL(get(t, c, caPath(w.kept.ID, "/crl")), w.keptCert)
	if err != nil {
		t.Fatal(err)
	}
	if number := crl.Number.Int64(); number < w.number || crl.ThisUpdate.Before(w.this) {
		t.Errorf("list %d of %s after list %d of %s", number, crl.ThisUpdate, w.number, w.this)
	}
	w.number, w.this = crl.Number.Int64(), crl.ThisUpdate
	return crl
}

func (w *failover) serial(t *testing.T, site record) string {
	t.Helper()
	return must(parseCertificates(get(t, w.replicas[0], clientPath(site.ID, "/certificate"))))[0].SerialNumber.String()
}

// importDevice stores a device of a model.
func importDevice(t *testing.T, c *apptest.Client, hostname, model string) {
	t.Helper()
	body := "hostname,ip,model,type,vendor,site\n" + hostname + ",10.0.0.1," + model + ",Server,Vendor,Site\n"
	request := must(
		http.NewRequestWithContext(
			t.Context(), http.MethodPost, c.URL+devicesPath+"/import?atomic=true", strings.NewReader(body),
		),
	)
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Content-Type", "text/csv")
	if err := sendFor(http.DefaultClient, request, http.StatusOK, nil); err != nil {
		t.Error(err)
	}
}
