package app_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// check looks at everything after a start: by HTTP at what was answered since the last check, and
// at the database as a whole.
func (w *crashWorld) check(t *testing.T) {
	t.Helper()
	wantReady(t, w.server.URL)
	askAll(t, w, w.fresh, w.checkClient)
	w.fresh = nil
	askAll(t, w, w.keyed, w.repeat)
	w.keyed = nil
	w.checkKeys(t)
	w.checkRevoked(t)
	w.checkLives(t)
	w.checkRenewals(t)
	w.checkPKI(t)
	w.vault.check(t, w)
	w.tunnels.check(t, w)
	checkDatabase(t, w.options, apptest.Halves, pkiHalves, apptest.Unaudited, vaultHalves)
	apptest.MustCommand(t, w.options, "audit", "verify")
	wantQuiet(t, w.server.Log())
}

// checkOld checks again some of the clients and devices that were answered at any time: a later
// crash must not lose them.
func (w *crashWorld) checkOld(t *testing.T) {
	t.Helper()
	askAll(t, w, some(w.answered), w.checkClient)
	askAll(t, w, some(w.vault.answered), w.vault.checkDevice)
}

// some returns at most 200 elements of a list.
func some[T any](list []T) []T {
	list = slices.Clone(list)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(200, len(list))]
}

// askAll checks each element of a list, several at once.
func askAll[T any](t *testing.T, w *crashWorld, list []T, check func(context.Context, *apptest.Client, T) error) {
	t.Helper()
	const askers = 4
	transport := &http.Transport{MaxIdleConnsPerHost: askers}
	defer transport.CloseIdleConnections()
	c := &apptest.Client{URL: w.server.URL, Token: w.token, HTTP: &http.Client{Transport: transport}}
	queue := make(chan T)
	var group sync.WaitGroup
	for range askers {
		group.Go(func() {
			for want := range queue {
				if err := check(t.Context(), c, want); err != nil {
					t.Errorf("%+v: %v", want, err)
				}
			}
		})
	}
	for _, want := range list {
		queue <- want
	}
	close(queue)
	group.Wait()
}

// checkClient checks that a client that was answered exists, with a certificate that says the same,
// and with its key.
func (w *crashWorld) checkClient(ctx context.Context, c *apptest.Client, want record) error {
	var got record
	err := c.Do(ctx, "GET", clientPath(want.ID, ""), nil, &got)
	chain, chainErr := c.Bytes(ctx, clientPath(want.ID, "/certificate"))
	key, keyErr := c.Bytes(ctx, clientPath(want.ID, "/key"))
	if err := errors.Join(err, chainErr, keyErr); err != nil {
		return err
	}
	got.Revoked = got.Revoked && want.Revoked // it may have been revoked since
	if got != want {
		return fmt.Errorf("it is %+v, and was answered as %+v", got, want)
	}
	cert, err := w.checkCertificate(chain, want)
	if err != nil {
		return err
	}
	signer, err := parseKey(key)
	if err == nil && !cert.PublicKey.(*ecdsa.PublicKey).Equal(signer.Public()) {
		err = errors.New("the key belongs to another certificate")
	}
	if err != nil {
		return err
	}
	return w.noteSerial(want, cert)
}

func (w *crashWorld) checkCertificate(chain []byte, want record) (*x509.Certificate, error) {
	list, err := parseCertificates(chain)
	if err != nil {
		return nil, err
	}
	issuer := w.authority(want.CAID).cert // maybe an earlier one, of the same subject and key
	if len(list) != 2 || !bytes.Equal(list[1].RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) ||
		!bytes.Equal(list[1].RawSubject, issuer.RawSubject) {
		return nil, fmt.Errorf("%d certificates, want its own and its CA's", len(list))
	}
	cert := list[0]
	expiry, err := time.Parse(time.RFC3339Nano, want.ExpiryDate)
	if err != nil {
		return nil, err
	}
	if cert.Subject.CommonName != want.Name || !cert.NotAfter.Equal(expiry) {
		return nil, fmt.Errorf("the certificate is for %s until %s", cert.Subject.CommonName, cert.NotAfter)
	}
	return cert, cert.CheckSignatureFrom(issuer)
}

// noteSerial records which client has a serial number. A serial number belongs to its client for
// good.
func (w *crashWorld) noteSerial(client record, cert *x509.Certificate) error {
	serial := fmt.Sprintf("%d/%s", client.CAID, cert.SerialNumber)
	w.mu.Lock()
	defer w.mu.Unlock()
	if other, taken := w.serials[serial]; taken && other != client.ID {
		return fmt.Errorf("serial %s is client %d's, too", serial, other)
	}
	w.serials[serial] = client.ID
	return nil
}

func (w *crashWorld) authority(id int64) *crashAuthority {
	for _, authority := range w.authorities {
		if authority.id == id {
			return authority
		}
	}
	panic("a client of an unknown CA")
}

// checkRevoked checks that every client whose revocation was answered is revoked and on the CRL of
// its CA.
func (w *crashWorld) checkRevoked(t *testing.T) {
	t.Helper()
	c := &apptest.Client{URL: w.server.URL, Token: w.token}
	listed := map[int64]map[string]bool{}
	for _, authority := range w.authorities {
		if err := w.readCRL(t.Context(), c, authority); err != nil {
			t.Fatal(err)
		}
		crl, err := parseCRL(get(t, c, caPath(authority.id, "/crl")), authority.cert)
		if err != nil {
			t.Fatal(err)
		}
		listed[authority.id] = listedIn(crl)
	}
	certificates := certificatesOf(t, w.options)
	for _, one := range w.revoked {
		row, found := certificates[one.ID]
		if !found || !row.revoked || !listed[one.CAID][row.cert.SerialNumber.String()] {
			t.Errorf("client %d was answered as revoked; row found: %t, revoked: %t, on the list: %t",
				one.ID, found, row.revoked, found && listed[one.CAID][row.cert.SerialNumber.String()])
		}
	}
}

// openDatabase opens the database behind the server's back.
func openDatabase(t *testing.T, o apptest.Options) *sql.DB {
	t.Helper()
	driver, location := "pgx", o.DatabaseURL
	if o.DatabaseURL == "" {
		driver, location = "sqlite", "file:"+filepath.Join(o.DataDir, "chaveiro.db")+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func checkDatabase(t *testing.T, o apptest.Options, counts ...map[string]string) {
	t.Helper()
	db := openDatabase(t, o)
	defer db.Close()
	for _, statements := range counts {
		for what, statement := range statements {
			var count int
			if err := db.QueryRowContext(t.Context(), statement).Scan(&count); err != nil || count != 0 {
				t.Errorf("%d %s (%v)", count, what, err)
			}
		}
	}
	if o.DatabaseURL != "" {
		return
	}
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %s (%v)", verdict, err)
	}
}

// certificateRow is a certificate as it is stored.
type certificateRow struct {
	cert    *x509.Certificate
	revoked bool
}

// certificatesOf reads the certificates of all clients and checks that each is stored under its own
// serial.
func certificatesOf(t *testing.T, o apptest.Options) map[int64]certificateRow {
	t.Helper()
	db := openDatabase(t, o)
	defer db.Close()
	rows, err := db.QueryContext(
		t.Context(),
		`SELECT c.id, c.revoked_at IS NOT NULL, x.serial, x.der FROM clients c JOIN certificates x ON x.client_id = c.id ORDER BY x.id`,
	)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[int64]certificateRow{}
	for rows.Next() {
		var id int64
		var row certificateRow
		var serial string
		var der []byte
		if err := rows.Scan(&id, &row.revoked, &serial, &der); err != nil {
			t.Fatal(err)
		}
		if row.cert, err = x509.ParseCertificate(der); err != nil ||
			hex.EncodeToString(row.cert.SerialNumber.Bytes()) != serial {
			t.Fatalf("client %d: serial %s, error %v", id, serial, err)
		}
		found[id] = row
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
