package servicetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/store/sqlitetest"
)

// Noon is the time at which every test begins.
var Noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

const (
	Day     = 24 * time.Hour
	CRLLife = 30 * Day

	OCSPLife = 10 * time.Minute

	SigningKeyLife = 90 * Day
)

// Clock is a clock that a test sets. At is stored by the test and loaded by every reader of the
// time.
type Clock struct{ At atomic.Pointer[time.Time] }

// Now returns the present time.
func (c *Clock) Now() time.Time { return *c.At.Load() }

// Pass moves the clock by d.
func (c *Clock) Pass(d time.Duration) {
	at := c.Now().Add(d)
	c.At.Store(&at)
}

// rsaTurns are shared by all tests, to bound the RSA keys that are made at once.
var rsaTurns = service.RSATurns(2)

// World is one replica of the services on a database.
type World struct {
	*service.Services
	Settings service.Settings
	Store    *store.Store
	Clock    *Clock
}

// Engines maps each kind of database to a function that makes an empty, migrated one.
var Engines = map[string]func(t testing.TB) *store.Store{
	"sqlite":   NewSQLite,
	"postgres": NewPostgres,
}

// NewSQLite makes an empty, migrated database in a file.
func NewSQLite(t testing.TB) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chaveiro.db")
	sqlitetest.Make(t, path)
	return openStore(t, path)
}

// NewPostgres makes an empty, migrated database on a PostgreSQL server of the tests.
func NewPostgres(t testing.TB) *store.Store {
	t.Helper()
	return openStore(t, postgresURL(t))
}

// NewSerializable is NewPostgres with the isolation that distributed databases have.
func NewSerializable(t testing.TB) *store.Store {
	t.Helper()
	return openStore(t, postgresURL(t)+"&default_transaction_isolation=serializable")
}

func postgresURL(t testing.TB) string {
	t.Helper()
	return pgtest.URL(t, func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		_, err = s.MigrateUp(ctx)
		return errors.Join(err, s.Close())
	})
}

func openStore(t testing.TB, location string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	s.Rehearse(true)
	t.Cleanup(func() { _ = s.Close() }) // some tests close it before
	return s
}

// NewWorld makes a world on SQLite.
func NewWorld(t testing.TB) *World {
	t.Helper()
	return WorldOn(t, NewSQLite(t), slog.DiscardHandler)
}

// WorldOn makes a world on a database.
func WorldOn(t testing.TB, s *store.Store, log slog.Handler) *World {
	t.Helper()
	keys, _ := seal.GenerateKeyring()
	return WorldUnder(t, s, log, keys)
}

// WorldUnder makes a world on a database with a master key.
func WorldUnder(t testing.TB, s *store.Store, log slog.Handler, keys *seal.Keyring) *World {
	t.Helper()
	now := &Clock{}
	now.At.Store(&Noon)
	w := &World{Store: s, Clock: now, Settings: service.Settings{
		Store: s, Keys: keys, Now: now.Now, Log: slog.New(log), CRLLife: CRLLife, SigningKeyLife: SigningKeyLife,
		OCSPLife: OCSPLife, RSA: rsaTurns, Wait: begun,
	}}
	return w.With(t, func(*service.Settings) {})
}

// begun waits for no list: the clock of a world stands still meanwhile.
func begun(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Replica returns another process on the same database. It shares only the master key and the
// clock.
func (w *World) Replica(t testing.TB) *World {
	t.Helper()
	return w.With(t, func(s *service.Settings) { s.Log = slog.New(slog.DiscardHandler) })
}

// With returns a replica with other settings.
func (w *World) With(t testing.TB, alter func(*service.Settings)) *World {
	t.Helper()
	settings := w.Settings
	alter(&settings)
	return &World{
		Services: Must(service.New(t.Context(), settings))(t), Settings: settings, Store: w.Store, Clock: w.Clock,
	}
}

// TokensOnce makes the service show tokens of apikeys only once.
func TokensOnce(s *service.Settings) { s.APIKeyTokensOnce = true }

// Operator returns the context of an operator at the command line, who has all rights.
func Operator(t testing.TB) context.Context {
	return domain.WithPrincipal(
		t.Context(), domain.Principal{Kind: domain.PrincipalCommand, Name: "operator", Superuser: true},
	)
}

// NewCA makes a CA.
func (w *World) NewCA(t testing.TB) domain.CA {
	t.Helper()
	return Must(
		w.CAs.Create(t.Context(), domain.CASpec{Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}}),
	)(t)
}

// NewAPIKey makes an apikey, a superuser unless it is altered.
func (w *World) NewAPIKey(t testing.TB, alter ...func(*domain.APIKey)) access.IssuedKey {
	t.Helper()
	key := domain.APIKey{Name: Fresh("apikey"), Superuser: true, Enabled: true}
	for _, change := range alter {
		change(&key)
	}
	return Must(w.APIKeys.Create(Operator(t), key, nil))(t)
}

// Password is the password of every user of NewUser. Its hash is made once, because that is slow.
const Password domain.Secret = "uma senha de usuário"

// PasswordHash returns the hash of Password.
var PasswordHash = sync.OnceValue(func() domain.Secret { return auth.HashPassword(Password) })

// NewUser makes a user, who has no rights unless altered.
func (w *World) NewUser(t testing.TB, alter ...func(*domain.User)) domain.User {
	t.Helper()
	user := domain.User{
		Username: Fresh("user"), Email: "user@example.com", FullName: "Um Usuário", Enabled: true,
		PasswordHash: PasswordHash(), Generation: 1,
		CreatedAt: w.Clock.Now(), UpdatedAt: w.Clock.Now(),
	}
	for _, change := range alter {
		change(&user)
	}
	Check(t, w.Store.Users().Create(t.Context(), &user))
	return user
}

// SignIn signs a user of NewUser in.
func (w *World) SignIn(t testing.TB, user domain.User) access.Session {
	t.Helper()
	return Must(w.Login.Password(t.Context(), user.Username, Password))(t)
}

// Spec returns a valid spec for a client with a new name.
func Spec(caID int64) domain.ClientSpec {
	return domain.ClientSpec{CAID: caID, Name: Fresh("client"), Subject: domain.Subject{Email: "ti@example.com"}}
}

// NewClient makes a client.
func (w *World) NewClient(t testing.TB, caID int64) domain.Client {
	t.Helper()
	return Must(w.Clients.Create(t.Context(), Spec(caID)))(t)
}

// Serial returns the serial number of the certificate of a client.
func (w *World) Serial(t testing.TB, clientID int64) string {
	t.Helper()
	return Must(w.Store.Certificates().OfClient(t.Context(), clientID))(t).Serial
}

// Revoke revokes a client.
func (w *World) Revoke(t testing.TB, clientID int64) {
	t.Helper()
	Check(t, w.RevokeClient(t.Context(), clientID))
}

// Digest is the SHA-256 of octets, in lower-case hex.
func Digest(octets []byte) string { return fmt.Sprintf("%x", sha256.Sum256(octets)) }

// RevokeClient revokes a client, without a reason.
func (w *World) RevokeClient(ctx context.Context, clientID int64) error {
	_, err := w.Clients.Revoke(ctx, clientID, domain.RevocationSpec{})
	return err
}

// Current returns the list that is served, after checking it against its CA.
func (w *World) Current(t testing.TB, caID int64) *x509.RevocationList {
	t.Helper()
	signed := Must(w.CRLs.Current(t.Context(), caID))(t)
	block, rest := pem.Decode(signed.PEM)
	if block == nil || block.Type != "X509 CRL" || len(rest) > 0 || !bytes.Equal(block.Bytes, signed.DER) {
		t.Fatalf("the PEM is %q", signed.PEM)
	}
	list := Must(x509.ParseRevocationList(block.Bytes))(t)
	Check(t, list.CheckSignatureFrom(Must(w.CAs.Authorities.Get(t.Context(), caID))(t).Certificate))
	if list.Number.Int64() != signed.Number || !list.ThisUpdate.Equal(signed.ThisUpdate) ||
		!list.NextUpdate.Equal(signed.NextUpdate) {
		t.Fatalf("the record says %d, %v, %v", signed.Number, signed.ThisUpdate, signed.NextUpdate)
	}
	return list
}

// Serials returns the serial numbers of the entries of a list, in order.
func Serials(list *x509.RevocationList) []string {
	all := []string{}
	for _, entry := range list.RevokedCertificateEntries {
		all = append(all, ca.FormatSerial(entry.SerialNumber))
	}
	return all
}
