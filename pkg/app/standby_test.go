package app_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// failover is two servers on a primary whose asynchronous standby takes over without the last writes.
type failover struct {
	replicas           [2]*apptest.Client
	kept, lost         record // CAs
	early, late        record // clients of the CA that is kept
	keptCert, lostCert *x509.Certificate
	number             int64 // of the newest CRL that was seen
	this               time.Time
	gone               []string // credentials of rows that are gone
}

// TestFailover_LostWrites: the standby that takes over lacks what was answered last, and the servers go on with what they remember. Nothing of that
// is used afterwards.
func TestFailover_LostWrites(t *testing.T) {
	t.Parallel()
	o, primary := onOwnCluster(t, pgtest.Config{})
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	other := o
	other.DataDir = onSQLite(t).DataDir
	a, b := apptest.Start(t, o), apptest.Start(t, other)
	admin := login(t, a)
	w := &failover{replicas: [2]*apptest.Client{admin, {URL: b.URL, Token: admin.Token}}}
	w.keep(t)
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
	w.lose(t, o)
	if err := standby.TakeOver(t.Context(), primary); err != nil {
		t.Fatal(err)
	}
	taken := time.Now()
	w.awaitBoth(t)
	w.checkAuthorities(t)
	w.checkRevocations(t)
	w.checkDevices(t)
	time.Sleep(time.Until(taken.Add(promised)))
	w.checkCredentials(t)
}

// keep makes what both databases have, and lets both servers read it.
func (w *failover) keep(t *testing.T) {
	admin := w.replicas[0]
	w.kept = createCA(t, admin, "kept")
	w.early, w.late = createClient(t, admin, w.kept.ID, "early"), createClient(t, admin, w.kept.ID, "late")
	w.keptCert = must(parseCertificates(get(t, admin, caPath(w.kept.ID, "/certificate"))))[0]
	for i, c := range w.replicas {
		importDevice(t, c, fmt.Sprintf("kept-%d", i), "kept-model")
		w.readCRL(t, c)
	}
}

// lose makes what only the primary has, and lets both servers use it.
func (w *failover) lose(t *testing.T, o apptest.Options) {
	admin := w.replicas[0]
	revoke(t, admin, w.early.ID)
	w.lost = createCA(t, admin, "lost")
	w.lostCert = must(parseCertificates(get(t, admin, caPath(w.lost.ID, "/certificate"))))[0]
	key := createKey(t, o, "--name", "lost", "--superuser")
	machine, err := exchange(admin, t, key)
	if err != nil {
		t.Fatal(err)
	}
	apptest.MustCommand(t, o, "signing-key", "rotate")
	newer, err := exchange(w.replicas[1], t, key)
	if err != nil {
		t.Fatal(err)
	}
	w.gone = []string{key, machine.Access, newer.Access}
	for i, c := range w.replicas {
		createClient(t, c, w.lost.ID, fmt.Sprintf("lost-%d", i))
		importDevice(t, c, fmt.Sprintf("lost-%d", i), "lost-model")
		for _, token := range w.gone[:2] {
			get(t, &apptest.Client{URL: c.URL, Token: token}, cas)
		}
		if !listedIn(w.readCRL(t, c))[w.serial(t, w.early)] {
			t.Fatal("the revocation is on no list before it is lost")
		}
	}
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

// checkCredentials: what stands for a row that is gone opens nothing, also not the row that has its number now. It is asked
// when the time is over in which a server may go on with the rights that it has read.
func (w *failover) checkCredentials(t *testing.T) {
	t.Helper()
	create(t, w.replicas[0], apikeys, object{"name": "heir", "superuser": true})
	for i, c := range w.replicas {
		for j, token := range w.gone {
			gone := &apptest.Client{URL: c.URL, Token: token}
			if err := gone.Do(t.Context(), http.MethodGet, cas, nil, nil); statusOf(err) != http.StatusUnauthorized {
				t.Errorf("replica %d, credential %d: %v", i, j, err)
			}
		}
	}
}

// checkAuthorities: the CA that is gone signs nothing, and the one that has its number now signs with its own key.
func (w *failover) checkAuthorities(t *testing.T) {
	for i, c := range w.replicas {
		name := fmt.Sprintf("orphan-%d", i)
		err := c.Do(t.Context(), http.MethodPost, clients, object{"ca_id": w.lost.ID, "name": name, "email": "site@example.com"}, nil)
		if code := statusOf(err); err == nil || code < 400 || code >= 500 {
			t.Errorf("a client of a CA that is gone: %v", err)
		}
	}
	heir := createCA(t, w.replicas[0], "heir")
	for i, c := range w.replicas {
		issuer := must(parseCertificates(get(t, c, caPath(heir.ID, "/certificate"))))[0]
		site := createClient(t, c, heir.ID, fmt.Sprintf("heir-%d", i))
		leaf := must(parseCertificates(get(t, c, clientPath(site.ID, "/certificate"))))[0]
		if err := leaf.CheckSignatureFrom(issuer); err != nil || leaf.CheckSignatureFrom(w.lostCert) == nil {
			t.Errorf("CA %d (the one that is gone was %d): %v", heir.ID, w.lost.ID, err)
		}
	}
}

// checkRevocations: what is revoked now is on the list of both, which never goes back.
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

// checkDevices: a model whose row is gone leaves no device behind that cannot be listed.
func (w *failover) checkDevices(t *testing.T) {
	for i, c := range w.replicas {
		importDevice(t, c, fmt.Sprintf("again-%d", i), "lost-model")
	}
	for _, c := range w.replicas {
		list := string(get(t, c, devicesPath))
		if strings.Count(list, "lost-model") < 2 || !strings.Contains(list, "kept-1") || strings.Contains(list, `"lost-0"`) {
			t.Errorf("%s", list)
		}
	}
}

// readCRL is the list that a server has, which is no older than any that was seen.
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
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+devicesPath+"/import?atomic=true", strings.NewReader(body)))
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Content-Type", "text/csv")
	if err := sendFor(http.DefaultClient, request, http.StatusOK, nil); err != nil {
		t.Error(err)
	}
}
