package app_test

import (
	"context"
	cryptorand "crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// mostBelow is how many CAs a campaign makes below others.
const mostBelow = 8

// crashPKI is what the callers know of imports, merged lists and CAs below others.
type crashPKI struct {
	mu       sync.Mutex
	imported []manyClients
	merged   []mergedList
	below    []belowCA
	under    []record // clients of the CAs below others, of which the answer came
}

// manyClients are those of one import: all are there, or none.
type manyClients struct {
	prefix   string
	count    int
	answered bool
}

// mergedList has the entries of a list that was merged, as they are stored: all are there, or none.
type mergedList struct {
	serials  []string
	answered bool
}

// belowCA is a CA, and the one above it.
type belowCA struct {
	ID       int64 `json:"id"`
	ParentID int64 `json:"parent_id"`
}

// workPKI does one of the things that are many at once.
func (w *crashWorld) workPKI(ctx context.Context, c *apptest.Client) error {
	switch rand.N(5) {
	case 0:
		return w.importMany(ctx, c, w.authorities[1])
	case 1:
		return w.mergeList(ctx, c, w.authorities[1])
	case 2:
		return w.renewSome(ctx, c)
	}
	return w.workBelow(ctx, c)
}

// importMany imports some clients by one request with an Idempotency-Key. A third of them are
// revoked.
func (w *crashWorld) importMany(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	number := w.names.Add(1)
	batch := manyClients{prefix: fmt.Sprintf("many-%d-", number), count: 2 + rand.N(5)}
	list := make([]object, batch.count)
	for i := range list {
		key := newKey()
		cert := sign(clientTemplate(fmt.Sprint(batch.prefix, i)), authority.cert, key.Public(), authority.key)
		list[i] = object{"cert": certificatePEM(cert), "key": keyPEM(key), "revoked": rand.N(3) == 0}
	}
	sent := keyedPost{
		path: caPath(authority.id, "/imports"), key: fmt.Sprintf("many-%d", number), in: object{"certificates": list},
	}
	err := sent.post(ctx, c, &sent.answer)
	batch.answered = err == nil
	w.pki.mu.Lock()
	w.pki.imported = append(w.pki.imported, batch)
	w.pki.mu.Unlock()
	if rand.N(2) == 0 { // otherwise nobody repeats it
		w.mu.Lock()
		w.keyed = append(w.keyed, sent)
		w.mu.Unlock()
	}
	return err
}

// mergeList merges a list of revocations of certificates that nobody knows.
func (w *crashWorld) mergeList(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	var one mergedList
	var entries []x509.RevocationListEntry
	for range 2 + rand.N(20) {
		text := fmt.Sprintf("%s%016x", apptest.MergedPrefix, rand.Uint64())
		serial, _ := new(big.Int).SetString(text, 16)
		one.serials = append(one.serials, text)
		entries = append(entries, x509.RevocationListEntry{
			SerialNumber: serial, RevocationTime: time.Now().Add(-time.Hour),
		})
	}
	list := must(x509.CreateRevocationList(cryptorand.Reader, &x509.RevocationList{
		Number: big.NewInt(authority.crlNumber.Load() + rand.Int64N(4)), RevokedCertificateEntries: entries,
		ThisUpdate: time.Now().Add(-time.Second), NextUpdate: time.Now().Add(time.Hour),
	}, authority.cert, authority.key))
	in := object{"crl": encodePEM("X509 CRL", list)}
	err := c.Do(ctx, http.MethodPost, caPath(authority.id, "/crl/import"), in, nil)
	one.answered = err == nil
	w.pki.mu.Lock()
	defer w.pki.mu.Unlock()
	w.pki.merged = append(w.pki.merged, one)
	return err
}

// renewSome renews some of the living clients by one request. When the answer does not come they
// are left alone, because their state is not known.
func (w *crashWorld) renewSome(ctx context.Context, c *apptest.Client) error {
	w.lives.mu.Lock()
	n := min(4, len(w.lives.free))
	taken := w.lives.free[:n:n]
	w.lives.free = w.lives.free[n:]
	w.lives.mu.Unlock()
	if n == 0 {
		return nil
	}
	ids, byID := make([]int64, n), map[int64]living{}
	for i, one := range taken {
		ids[i], byID[one.ID] = one.ID, one
	}
	var out struct {
		Renewed int
		Clients []struct {
			ID     int64
			Serial string
		}
	}
	if err := c.Do(ctx, http.MethodPost, clients+"/renew", object{"ids": ids, "overlap": "0"}, &out); err != nil {
		return err
	}
	if out.Renewed != n {
		return fmt.Errorf("%d of %d clients are renewed: %+v", out.Renewed, n, out)
	}
	w.lives.mu.Lock()
	defer w.lives.mu.Unlock()
	for _, renewed := range out.Clients {
		one := byID[renewed.ID]
		one.Serial = renewed.Serial
		w.lives.free = append(w.lives.free, one)
		w.lives.serials[one.ID] = append(w.lives.serials[one.ID], one.Serial)
	}
	return nil
}

// workBelow makes a CA below another one, or a client of one.
func (w *crashWorld) workBelow(ctx context.Context, c *apptest.Client) error {
	w.pki.mu.Lock()
	made := len(w.pki.below)
	parent, issuer := w.authorities[1].id, int64(0)
	if made > 0 {
		issuer = w.pki.below[rand.N(made)].ID
	}
	w.pki.mu.Unlock()
	name := fmt.Sprintf("below-%d", w.names.Add(1))
	if made == 0 || made < mostBelow && rand.N(3) == 0 {
		if issuer != 0 && rand.N(2) == 0 {
			parent = issuer
		}
		var out belowCA
		in := object{ // narrower than those before it, of which one may be its parent
			"name": name, "email": "ca@example.com", "parent_id": parent, "expiration": 3000 - 10*made,
			"path_length": mostBelow - made,
		}
		err := c.Do(ctx, http.MethodPost, cas, in, &out)
		if err == nil {
			w.pki.mu.Lock()
			defer w.pki.mu.Unlock()
			w.pki.below = append(w.pki.below, out)
		}
		return err
	}
	var out record
	in := object{"ca_id": issuer, "name": name, "email": "site@example.com", "expiration": 1 + rand.N(1000)}
	err := c.Do(ctx, http.MethodPost, clients, in, &out)
	if err == nil {
		w.pki.mu.Lock()
		defer w.pki.mu.Unlock()
		w.pki.under = append(w.pki.under, out)
	}
	return err
}

// checkPKI checks that of each import and each list there is everything or, if it was not answered,
// nothing, and that clients lead up to the CA that has no other above it.
func (w *crashWorld) checkPKI(t *testing.T) {
	t.Helper()
	db := openDatabase(t, w.options)
	defer db.Close()
	count := func(statement string, args ...any) (n int) {
		if err := db.QueryRowContext(t.Context(), statement, args...).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	for _, batch := range w.pki.imported {
		n := count(`SELECT count(*) FROM clients c JOIN certificates x ON x.client_id = c.id AND x.serial = c.serial
			AND x.sealed_key IS NOT NULL WHERE c.name LIKE $1`, batch.prefix+"%")
		if n != batch.count && (batch.answered || n != 0) {
			t.Errorf("%d of %d clients of an import are there, answered: %t", n, batch.count, batch.answered)
		}
	}
	for _, list := range w.pki.merged {
		n := 0
		for _, serial := range list.serials {
			n += count("SELECT count(*) FROM revocations WHERE ca_id = $1 AND serial = $2", w.authorities[1].id, serial)
		}
		if n != len(list.serials) && (list.answered || n != 0) {
			t.Errorf("%d of %d entries of a list are there, answered: %t", n, len(list.serials), list.answered)
		}
	}
	askAll(t, w, w.pki.below, w.checkBelow)
	askAll(t, w, some(w.pki.under), w.checkUnder)
}

// checkBelow checks that a CA's certificate is its parent's, and that its list can be had.
func (w *crashWorld) checkBelow(ctx context.Context, c *apptest.Client, one belowCA) error {
	text, err := c.Bytes(ctx, caPath(one.ID, "/certificate"))
	above, aboveErr := c.Bytes(ctx, caPath(one.ParentID, "/certificate"))
	list, listErr := c.Bytes(ctx, caPath(one.ID, "/crl"))
	if err := errors.Join(err, aboveErr, listErr); err != nil {
		return err
	}
	chain, err := parseCertificates(text)
	parent, parentErr := parseCertificates(above)
	if err := errors.Join(err, parentErr); err != nil {
		return err
	}
	if _, err := parseCRL(list, chain[0]); err != nil {
		return err
	}
	return chain[0].CheckSignatureFrom(parent[0])
}

// checkUnder checks the chain of a client of a CA below another one.
func (w *crashWorld) checkUnder(ctx context.Context, c *apptest.Client, want record) error {
	text, err := c.Bytes(ctx, clientPath(want.ID, "/certificate"))
	if err != nil {
		return err
	}
	chain, err := parseCertificates(text)
	if err != nil || len(chain) < 3 || chain[0].Subject.CommonName != want.Name {
		return fmt.Errorf("a chain of %d certificates, %w", len(chain), err)
	}
	for i, cert := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(cert); err != nil {
			return err
		}
	}
	return w.noteSerial(want, chain[0])
}

// pkiHalves are statements that count what must not exist of CAs below others.
var pkiHalves = map[string]string{
	"CAs that their parent does not know": `SELECT count(*) FROM cas c WHERE c.parent_id <> 0 AND 1 <> (SELECT count(*) FROM certificates x
		WHERE x.ca_id = c.parent_id AND x.kind = 'ca' AND x.der = c.certificate)`,
	"certificates of CAs that are not there": `SELECT count(*) FROM certificates x WHERE x.kind = 'ca'
		AND NOT EXISTS (SELECT 1 FROM cas c WHERE c.parent_id = x.ca_id AND c.certificate = x.der)`,
}
