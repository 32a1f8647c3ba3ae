package service_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/store/sqlitetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// noon is when every test begins.
var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

const (
	day     = 24 * time.Hour
	crlLife = 30 * day

	signingKeyLife = 90 * day
)

// clock is a present that a test sets.
type clock struct{ at atomic.Pointer[time.Time] }

func (c *clock) Now() time.Time { return *c.at.Load() }

func (c *clock) pass(d time.Duration) {
	at := c.Now().Add(d)
	c.at.Store(&at)
}

// rsaTurns are shared: they bound the RSA keys that are made at once.
var rsaTurns = service.RSATurns(2)

// world is one replica of the services on a database.
type world struct {
	*service.Services
	settings service.Settings
	store    *store.Store
	clock    *clock
}

// engines makes an empty, migrated database of each kind.
var engines = map[string]func(t testing.TB) *store.Store{
	"sqlite":   newSQLite,
	"postgres": newPostgres,
}

func newSQLite(t testing.TB) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chaveiro.db")
	sqlitetest.Make(t, path)
	return openStore(t, path)
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
	keys, _ := seal.GenerateKeyring()
	now := &clock{}
	now.at.Store(&noon)
	w := &world{store: s, clock: now, settings: service.Settings{
		Store: s, Keys: keys, Now: now.Now, Log: slog.New(log), CRLLife: crlLife, SigningKeyLife: signingKeyLife, RSA: rsaTurns,
	}}
	return w.with(t, func(*service.Settings) {})
}

// replica is another process on the same database: it shares the master key and what time it is, and nothing else.
func (w *world) replica(t testing.TB) *world {
	t.Helper()
	return w.with(t, func(s *service.Settings) { s.Log = slog.New(slog.DiscardHandler) })
}

// with is a replica with other settings.
func (w *world) with(t testing.TB, alter func(*service.Settings)) *world {
	t.Helper()
	settings := w.settings
	alter(&settings)
	return &world{Services: must(service.New(t.Context(), settings))(t), settings: settings, store: w.store, clock: w.clock}
}

func tokensOnce(s *service.Settings) { s.TokensOnce = true }

// operator is the context of somebody at the command line, who may everything.
func operator(t testing.TB) context.Context {
	return domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalCommand, Name: "operator", Superuser: true})
}

var names atomic.Int64

func fresh(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

func (w *world) newCA(t testing.TB) domain.CA {
	t.Helper()
	return must(w.CAs.Create(t.Context(), domain.CASpec{Name: fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}}))(t)
}

// newAPIKey makes an apikey, a superuser unless it is altered.
func (w *world) newAPIKey(t testing.TB, alter ...func(*domain.APIKey)) service.IssuedKey {
	t.Helper()
	key := domain.APIKey{Name: fresh("apikey"), Superuser: true, Enabled: true}
	for _, change := range alter {
		change(&key)
	}
	return must(w.APIKeys.Create(operator(t), key, nil))(t)
}

// password is that of every user of newUser, whose hash is made once because it takes long.
const password domain.Secret = "uma senha de usuário"

var passwordHash = sync.OnceValue(func() domain.Secret { return auth.HashPassword(password) })

// newUser makes a user, who may nothing unless altered.
func (w *world) newUser(t testing.TB, alter ...func(*domain.User)) domain.User {
	t.Helper()
	user := domain.User{
		Username: fresh("user"), Email: "user@example.com", FullName: "Um Usuário", Enabled: true, PasswordHash: passwordHash(), Generation: 1,
		CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
	}
	for _, change := range alter {
		change(&user)
	}
	check(t, w.store.Users().Create(t.Context(), &user))
	return user
}

func (w *world) signIn(t testing.TB, user domain.User) service.Session {
	t.Helper()
	return must(w.Login.Password(t.Context(), user.Username, password))(t)
}

func spec(caID int64) domain.ClientSpec {
	return domain.ClientSpec{CAID: caID, Name: fresh("client"), Subject: domain.Subject{Email: "ti@example.com"}}
}

func (w *world) newClient(t testing.TB, caID int64) domain.Client {
	t.Helper()
	return must(w.Clients.Create(t.Context(), spec(caID)))(t)
}

func (w *world) serial(t testing.TB, clientID int64) string {
	t.Helper()
	return must(w.store.Certificates().OfClient(t.Context(), clientID))(t).Serial
}

func (w *world) revoke(t testing.TB, clientID int64) {
	t.Helper()
	check(t, w.Clients.Revoke(t.Context(), clientID))
}

// current returns the list that is served, after it was checked against its CA.
func (w *world) current(t testing.TB, caID int64) *x509.RevocationList {
	t.Helper()
	signed := must(w.CRLs.Current(t.Context(), caID))(t)
	block, rest := pem.Decode(signed.PEM)
	if block == nil || block.Type != "X509 CRL" || len(rest) > 0 || !bytes.Equal(block.Bytes, signed.DER) {
		t.Fatalf("the PEM is %q", signed.PEM)
	}
	list := must(x509.ParseRevocationList(block.Bytes))(t)
	check(t, list.CheckSignatureFrom(must(w.CAs.Authorities.Get(t.Context(), caID))(t).Certificate))
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

// opaque are the types that are compared as a whole.
var opaque = cmpopts.EquateComparable(domain.Rights{}, netip.Prefix{})

// unproven leaves out when and by what a principal was found, and what is random.
var unproven = cmp.Options{cmpopts.IgnoreFields(domain.Principal{}, "Proof", "Limits"), cmpopts.IgnoreFields(domain.APIKey{}, "Binding")}

func wantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, opaque, unproven); diff != "" {
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
