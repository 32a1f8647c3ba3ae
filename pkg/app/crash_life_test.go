package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// crashLives are clients that are renewed, suspended and resumed while the server is killed.
type crashLives struct {
	mu      sync.Mutex
	free    []living           // those at which no writer works, and of which every request was answered
	serials map[int64][]string // the answered serial numbers of each client, in their order
	ended   map[int64]int      // how many of them a renewal without an overlap has ended
}

// living is a client, and its CA, as the server answers them.
type living struct {
	ID     int64  `json:"id"`
	CAID   int64  `json:"ca_id"`
	Serial string `json:"serial"`
}

// liveOn makes a client, or takes one and renews it, or suspends and resumes it. A client of which
// a request is not answered is left alone from then on, because its state is not known.
func (w *crashWorld) liveOn(ctx context.Context, c *apptest.Client, authority *crashAuthority) error {
	w.lives.mu.Lock()
	var one living
	if n := len(w.lives.free); n > 8 || n > 0 && rand.N(4) > 0 {
		one, w.lives.free = w.lives.free[0], w.lives.free[1:]
	}
	w.lives.mu.Unlock()
	var err error
	overlap := "P1D"
	switch {
	case one.ID == 0:
		name := fmt.Sprintf("life-%d", w.names.Add(1))
		err = c.Do(ctx, http.MethodPost, clients, object{"ca_id": authority.id, "name": name, "email": "a@b.c"}, &one)
	case rand.N(4) > 0:
		overlap = []string{"0", "P1D"}[rand.N(2)]
		err = c.Do(ctx, http.MethodPost, clientPath(one.ID, "/renew"), object{"overlap": overlap}, &one)
	default:
		if err = c.Do(ctx, http.MethodPost, clientPath(one.ID, "/suspend"), nil, nil); err == nil {
			err = c.Do(ctx, http.MethodPost, clientPath(one.ID, "/resume"), nil, nil)
		}
	}
	if err != nil {
		return err
	}
	w.lives.mu.Lock()
	defer w.lives.mu.Unlock()
	w.lives.free = append(w.lives.free, one)
	known := w.lives.serials[one.ID]
	if overlap == "0" {
		w.lives.ended[one.ID] = len(known)
	}
	if len(known) == 0 || known[len(known)-1] != one.Serial {
		w.lives.serials[one.ID] = append(known, one.Serial)
	}
	return nil
}

// renew renews a CA, unless another writer does.
func (a *crashAuthority) renew(ctx context.Context, c *apptest.Client) error {
	if !a.renewing.TryLock() {
		return nil
	}
	defer a.renewing.Unlock()
	err := c.Do(ctx, http.MethodPost, caPath(a.id, "/renew"), nil, nil)
	if err == nil {
		a.renewals++
	}
	return err
}

// checkRenewals checks that every renewal that was answered has left a certificate, and that the
// present one is the one that ends when the record says.
func (w *crashWorld) checkRenewals(t *testing.T) {
	t.Helper()
	c := &apptest.Client{URL: w.server.URL, Token: w.token}
	for _, authority := range w.authorities {
		var kept struct{ Certificates []object }
		if err := c.Do(t.Context(), http.MethodGet, caPath(authority.id, "/certificates"), nil, &kept); err != nil {
			t.Fatal(err)
		}
		var known record
		if err := c.Do(t.Context(), http.MethodGet, caPath(authority.id, ""), nil, &known); err != nil {
			t.Fatal(err)
		}
		served := must(parseCertificates(get(t, c, caPath(authority.id, "/certificate"))))
		if len(kept.Certificates) <= authority.renewals || kept.Certificates[0]["expiry_date"] != known.ExpiryDate ||
			len(served) != 1 || kept.Certificates[0]["cert"] != certificatePEM(served[0]) {
			t.Errorf(
				"CA %d: %d certificates after %d renewals, %+v", authority.id, len(kept.Certificates), authority.renewals, known,
			)
		}
	}
}

// checkLives checks that every certificate that was answered is there, and that those
// before a renewal without an overlap are revoked.
func (w *crashWorld) checkLives(t *testing.T) {
	t.Helper()
	db := openDatabase(t, w.options)
	defer db.Close()
	for id, serials := range w.lives.serials {
		for i, serial := range serials {
			var revoked bool
			err := db.QueryRowContext(
				t.Context(), "SELECT revoked_at IS NOT NULL FROM certificates WHERE client_id = $1 AND serial = $2", id, serial,
			).Scan(&revoked)
			if err != nil || i < w.lives.ended[id] && !revoked {
				t.Errorf("client %d: certificate %d of %d, revoked: %t, %v", id, i+1, len(serials), revoked, err)
			}
		}
	}
}
