package service_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// noon is when every test begins.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

const (
	day     = 24 * time.Hour
	crlLife = 30 * day
)

// clock is a present that a test sets.
type clock struct{ at atomic.Pointer[time.Time] }

func (c *clock) Now() time.Time { return *c.at.Load() }

func (c *clock) pass(d time.Duration) {
	at := c.Now().Add(d)
	c.at.Store(&at)
}

// generator is shared: it bounds the RSA keys that are made at once.
var generator = ca.NewKeyGenerator(2)

// world is one replica of the services on a database.
type world struct {
	store       *store.Store
	keys        *ca.Keyring
	clock       *clock
	authorities *service.Authorities
	cas         *service.CAs
	clients     *service.Clients
	crls        *service.CRLs
	access      *service.Access
}

// engines makes an empty, migrated database of each kind.
var engines = map[string]func(t testing.TB) *store.Store{
	"sqlite":   newSQLite,
	"postgres": newPostgres,
}

func newSQLite(t testing.TB) *store.Store {
	t.Helper()
	s := openStore(t, filepath.Join(t.TempDir(), "chaveiro.db"))
	if _, err := s.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func newPostgres(t testing.TB) *store.Store {
	t.Helper()
	return openStore(t, pgtest.URL(t, func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		_, err = s.MigrateUp(ctx)
		return errors.Join(err, s.Close())
	}))
}

func openStore(t testing.TB, location string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests close it before
	return s
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return worldOn(t, newSQLite(t), slog.DiscardHandler)
}

func worldOn(t testing.TB, s *store.Store, log slog.Handler) *world {
	t.Helper()
	keys, _ := ca.GenerateKeyring()
	now := &clock{}
	now.at.Store(&noon)
	return wire(t, s, keys, now, slog.New(log))
}

// replica is another process on the same database: it shares the master key and what time it is, and nothing else.
func (w *world) replica(t testing.TB) *world {
	t.Helper()
	return wire(t, w.store, w.keys, w.clock, slog.New(slog.DiscardHandler))
}

func wire(t testing.TB, s *store.Store, keys *ca.Keyring, now *clock, log *slog.Logger) *world {
	t.Helper()
	tokens, err := service.OpenTokens(t.Context(), s, keys, now.Now)
	check(t, err)
	authorities := &service.Authorities{Store: s, Keys: keys}
	derivations := service.NewLimit(2)
	return &world{
		store: s, keys: keys, clock: now, authorities: authorities,
		cas:     &service.CAs{Store: s, Authorities: authorities, Keys: keys, Generator: generator, Derivations: derivations, Now: now.Now, Log: log},
		clients: &service.Clients{Store: s, Authorities: authorities, Keys: keys, Generator: generator, Derivations: derivations, Now: now.Now, Log: log},
		crls:    &service.CRLs{Store: s, Authorities: authorities, Now: now.Now, Life: crlLife, Log: log},
		access:  &service.Access{Store: s, Tokens: tokens, Now: now.Now, Log: log},
	}
}

var names atomic.Int64

func fresh(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

func (w *world) newCA(t testing.TB) domain.CA {
	t.Helper()
	return must(w.cas.Create(t.Context(), domain.CASpec{Name: fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}}))(t)
}

func spec(caID int64) domain.ClientSpec {
	return domain.ClientSpec{CAID: caID, Name: fresh("client"), Subject: domain.Subject{Email: "ti@example.com"}}
}

func (w *world) newClient(t testing.TB, caID int64) domain.Client {
	t.Helper()
	return must(w.clients.Create(t.Context(), spec(caID)))(t)
}

func (w *world) serial(t testing.TB, clientID int64) string {
	t.Helper()
	return must(w.store.Certificates().OfClient(t.Context(), clientID))(t).Serial
}

func (w *world) revoke(t testing.TB, clientID int64) {
	t.Helper()
	check(t, w.clients.Revoke(t.Context(), clientID))
}

// current returns the list that is served, after it was checked against its CA.
func (w *world) current(t testing.TB, caID int64) *x509.RevocationList {
	t.Helper()
	signed := must(w.crls.Current(t.Context(), caID))(t)
	block, rest := pem.Decode(signed.PEM)
	if block == nil || block.Type != "X509 CRL" || len(rest) > 0 || !bytes.Equal(block.Bytes, signed.DER) {
		t.Fatalf("the PEM is %q", signed.PEM)
	}
	list := must(x509.ParseRevocationList(block.Bytes))(t)
	check(t, list.CheckSignatureFrom(must(w.authorities.Get(t.Context(), caID))(t).Certificate))
	if list.Number.Int64() != signed.Number || !list.ThisUpdate.Equal(signed.ThisUpdate) || !list.NextUpdate.Equal(signed.NextUpdate) {
		t.Fatalf("the record says %d, %v, %v", signed.Number, signed.ThisUpdate, signed.NextUpdate)
	}
	return list
}

func serials(list *x509.RevocationList) []string {
	all := []string{}
	for _, entry := range list.RevokedCertificateEntries {
		all = append(all, ca.FormatSerial(entry.SerialNumber))
	}
	return all
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns the value of a call that has to succeed: must(f())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return value
	}
}

func wantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

// fault is a domain.Error in short.
type fault struct {
	Kind   domain.Kind
	Field  string
	Reason domain.Reason
}

// wantFaults checks that err is exactly these faults in this order.
func wantFaults(t testing.TB, err error, want ...fault) {
	t.Helper()
	var got []fault
	for _, f := range domain.Faults(err) {
		got = append(got, fault{f.Kind, f.Field, f.Reason})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults of %v (-want +got):\n%s", err, diff)
	}
}

// together runs fn in n goroutines that begin at once.
func together(n int, fn func(i int) error) error {
	faults := make([]error, n)
	begin := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-begin
			faults[i] = fn(i)
		})
	}
	close(begin)
	group.Wait()
	return errors.Join(faults...)
}
