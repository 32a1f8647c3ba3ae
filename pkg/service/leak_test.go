package service_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
)

const clientPassword = "uma senha que ninguém adivinha"

// needle is what must not be found, with what it is.
type needle struct {
	what string
	text []byte
}

// TestSecretsAtRest makes keys in every way there is, and looks for them in what the database has written and in the log.
func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			log := &lockedBuffer{}
			w := worldOn(t, open(t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			secrets, known := leaveTraces(t, w)
			for what, haystack := range written(t, w.store) {
				wantNone(t, what, haystack, secrets)
				if what != "write-ahead log" && !bytes.Contains(haystack, known) {
					t.Errorf("the %s does not even have a certificate: it is not searched right", what)
				}
			}
			wantNone(t, "log", []byte(log.String()), secrets)
			if !strings.Contains(log.String(), "private key handed out") {
				t.Errorf("the log has %d bytes", len(log.String()))
			}
		})
	}
}

// leaveTraces uses every service that touches a secret. It returns the secrets, and something that has to be in the database.
func leaveTraces(t *testing.T, w *world) ([]needle, []byte) {
	t.Helper()
	ctx := t.Context()
	var secrets []needle
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.Ed25519, ca.RSA2048} {
		authority := must(w.CAs.Create(ctx, domain.CASpec{Name: fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"}, KeyAlgorithm: string(algorithm)}))(t)
		secrets = append(secrets, needlesOf(t, "CA "+string(algorithm), must(w.CAs.Authorities.Get(ctx, authority.ID))(t).Signer)...)
		passwords := []domain.Secret{"", clientPassword}
		if algorithm != ca.ECDSAP256 {
			passwords = passwords[:1] // deriving keys takes long and knows no algorithms
		}
		for _, password := range passwords {
			asked := spec(authority.ID)
			asked.KeyAlgorithm, asked.Password = string(algorithm), password
			client := must(w.Clients.Create(ctx, asked))(t)
			text := must(w.Clients.Key(ctx, client.ID))(t)
			must(w.Clients.PKCS12(ctx, client.ID, ca.PKCS12Modern, clientPassword))(t)
			secrets = append(secrets, lines("client "+string(algorithm), text)...)
			secrets = append(secrets, needlesOf(t, "client "+string(algorithm), must(ca.ParsePrivateKey(text, string(password)))(t))...)
			w.revoke(t, client.ID)
		}
		w.current(t, authority.ID)
	}
	old := newForeignCA(t)
	authority := old.importInto(t, w, nil)
	key := newRSA(t, 2048)
	for _, password := range []domain.Secret{"", clientPassword} {
		must(w.Clients.Import(ctx, domain.ClientImport{
			CAID: authority.ID, Email: "a@example.com", Certificate: old.issue(t, key.Public()), Key: keyPEM(t, key), Password: password,
		}))(t)
	}
	secrets = append(secrets, needlesOf(t, "imported CA", old.key)...)
	secrets = append(secrets, needlesOf(t, "imported client", key)...)
	secrets = append(secrets, leaveTracesOfAccess(t, w)...)
	return append(secrets, needle{"password", []byte(clientPassword)}, needle{"PEM", []byte("PRIVATE KEY")}), old.cert.Raw
}

// leaveTracesOfAccess signs in in every way, right and wrong: people type their password where the name belongs.
func leaveTracesOfAccess(t *testing.T, w *world) (secrets []needle) {
	t.Helper()
	ctx := operator(t)
	const first, second domain.Secret = "a primeira das senhas", "a segunda das senhas"
	user := must(w.Users.Create(ctx, domain.User{Username: "ana", Enabled: true}, first, nil))(t)
	session := must(w.Login.Password(ctx, "ana", first))(t)
	_, changed, err := w.Users.UpdateProfile(asUser(t, user), service.ProfileUpdate{Current: new(first), Password: new(second)})
	check(t, err)
	for username, password := range map[string]domain.Secret{string(second): "ana", "ana": first, "nobody": second} {
		_, err := w.Login.Password(t.Context(), username, password)
		wantFaults(t, err, unauthenticated)
		w.Refusals.Record(t.Context(), domain.ResourceTokens, 0, domain.Faults(err)[0])
	}
	key := w.newAPIKey(t)
	access := must(w.Access.Exchange(ctx, key.Token))(t).Token
	rotated := must(w.APIKeys.Rotate(ctx, key.ID, 0))(t)
	_, err = w.Access.Authenticate(ctx, access, auth.Access)
	w.Refusals.Record(t.Context(), domain.ResourceTokens, 0, domain.Faults(err)[0])
	for what, token := range map[string]domain.Secret{
		"apikey's token": key.Token, "access token": access, "next token": rotated.Token, "session": session.Refresh, "changed session": changed.Refresh,
	} {
		parts := strings.Split(string(token), ".")
		secrets = append(secrets, needle{what, []byte(token)}, needle{"signature of the " + what, []byte(parts[2])})
	}
	for _, row := range must(w.store.SigningKeys().List(ctx))(t) {
		secrets = append(secrets, needle{"signing key", must(w.settings.Keys.Open(row.Sealed, "signing-key/"+row.ID))(t)})
	}
	return append(secrets, needle{"first password", []byte(first)}, needle{"second password", []byte(second)})
}

// needlesOf are the private parts of a key: its PKCS#8 bytes, the lines of its PEM text, and its numbers in pieces, because a database splits what is long.
func needlesOf(t *testing.T, what string, key crypto.Signer) []needle {
	t.Helper()
	all := append(lines(what, []byte(keyPEM(t, key))), needle{what + " PKCS#8", must(x509.MarshalPKCS8PrivateKey(key))(t)})
	var numbers [][]byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		numbers = [][]byte{must(key.Bytes())(t)}
	case ed25519.PrivateKey:
		numbers = [][]byte{key.Seed()}
	case *rsa.PrivateKey:
		numbers = [][]byte{key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes()}
	default:
		t.Fatalf("a key of type %T", key)
	}
	const piece = 16
	for _, number := range numbers {
		for ; len(number) >= piece; number = number[piece:] {
			all = append(all, needle{what + " number", number[:piece]})
		}
	}
	return all
}

// lines are those of a PEM text that belong to it alone.
func lines(what string, text []byte) []needle {
	var all []needle
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && len(line) > 16 {
			all = append(all, needle{what + " PEM", []byte(line)})
		}
	}
	return all
}

func wantNone(t *testing.T, where string, haystack []byte, secrets []needle) {
	t.Helper()
	for _, secret := range secrets {
		if len(secret.text) < 8 {
			t.Fatalf("%s is too short to look for", secret.what)
		}
		if bytes.Contains(haystack, secret.text) || bytes.Contains(haystack, []byte(hex.EncodeToString(secret.text))) {
			t.Errorf("%s: in clear in the %s", secret.what, where)
		}
	}
}

// written is what the database holds: the files of SQLite while it is open and after it was closed, the rows of PostgreSQL.
func written(t *testing.T, s *store.Store) map[string][]byte {
	t.Helper()
	if s.Engine() == store.Postgres {
		return map[string][]byte{"rows": postgresRows(t, s)}
	}
	path := sqlitePath(t, s)
	all := map[string][]byte{"write-ahead log": readFile(t, path+"-wal")}
	if len(all["write-ahead log"]) == 0 {
		t.Error("the write-ahead log is empty: it was to be searched while it is full")
	}
	check(t, s.Close())
	all["file"] = readFile(t, path)
	for _, other := range must(filepath.Glob(filepath.Join(filepath.Dir(path), "*")))(t) {
		if other != path && len(readFile(t, other)) > 0 {
			t.Errorf("%s is left beside the file", other)
		}
	}
	return all
}

func sqlitePath(t *testing.T, s *store.Store) (path string) {
	t.Helper()
	check(t, must(s.SQL())(t).QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list").Scan(&path))
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	return must(os.ReadFile(path))(t)
}

// postgresRows is every row of every table as text; binary columns are unhexed in it.
func postgresRows(t *testing.T, s *store.Store) []byte {
	t.Helper()
	db := must(s.SQL())(t)
	tables := must(db.QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))(t)
	defer tables.Close()
	var all bytes.Buffer
	for tables.Next() {
		var table, rows string
		check(t, tables.Scan(&table))
		check(t, db.QueryRowContext(t.Context(), `SELECT coalesce(string_agg(r::text, E'\n'), '') FROM "`+table+`" r`).Scan(&rows))
		all.WriteString(rows)
		for _, word := range strings.FieldsFunc(rows, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
			if raw, err := hex.DecodeString(word); err == nil {
				all.Write(raw)
			}
		}
	}
	check(t, tables.Err())
	return all.Bytes()
}

// lockedBuffer keeps what concurrent loggers write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
