package service_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

const clientPassword = "uma senha que ninguém adivinha"

// TestSecretsAtRest makes keys in every way there is, and searches for them in what the database
// has written and in the log.
func TestSecretsAtRest(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			log := &LockedBuffer{}
			w := WorldOn(t, open(t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			secrets, known := leaveTraces(t, w)
			for what, haystack := range Written(t, w.Store) {
				WantNone(t, what, haystack, secrets)
				if what != "write-ahead log" && !bytes.Contains(haystack, known) {
					t.Errorf("the %s does not even have a certificate: it is not searched right", what)
				}
			}
			WantNone(t, "log", []byte(log.String()), secrets)
			if !strings.Contains(log.String(), `"action":"export"`) {
				t.Errorf("the log has %d bytes", len(log.String()))
			}
		})
	}
}

// leaveTraces uses every service that touches a secret. It returns the secrets, and bytes that must
// be in the database.
func leaveTraces(t *testing.T, w *World) ([]Needle, []byte) {
	t.Helper()
	ctx := t.Context()
	var secrets []Needle
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.Ed25519, ca.RSA2048} {
		authority := Must(
			w.CAs.Create(
				ctx, domain.CASpec{
					Name: Fresh("ca"), Subject: domain.Subject{Email: "ca@example.com"},
					KeyAlgorithm: string(algorithm),
				},
			),
		)(t)
		secrets = append(secrets,
			needlesOf(t, "CA "+string(algorithm), Must(w.CAs.Authorities.Get(ctx, authority.ID))(t).Signer)...)
		passwords := []domain.Secret{"", clientPassword}
		if algorithm != ca.ECDSAP256 {
			passwords = passwords[:1] // key derivation is slow and does not depend on the algorithm
		}
		for _, password := range passwords {
			asked := Spec(authority.ID)
			asked.KeyAlgorithm, asked.Password = string(algorithm), password
			client := Must(w.Clients.Create(ctx, asked))(t)
			text := Must(w.Clients.Key(ctx, client.ID))(t)
			Must(w.Clients.PKCS12(ctx, client.ID, ca.PKCS12Modern, clientPassword))(t)
			secrets = append(secrets, lines("client "+string(algorithm), text)...)
			secrets = append(secrets,
				needlesOf(t, "client "+string(algorithm), Must(ca.ParsePrivateKey(text, string(password)))(t))...)
			w.Revoke(t, client.ID)
		}
		w.Current(t, authority.ID)
	}
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, nil)
	key := NewRSA(t, 2048)
	for _, password := range []domain.Secret{"", clientPassword} {
		Must(w.Clients.Import(ctx, domain.ClientImport{
			CAID: authority.ID, Email: "a@example.com", Certificate: old.Issue(t, key.Public()), Key: KeyPEM(t, key),
			Password: password,
		}))(t)
	}
	secrets = append(secrets, needlesOf(t, "imported CA", old.Key)...)
	secrets = append(secrets, needlesOf(t, "imported client", key)...)
	secrets = append(secrets, leaveTracesOfAccess(t, w)...)
	return append(secrets, NewNeedle("password", []byte(clientPassword)), NewNeedle("PEM", []byte("PRIVATE KEY"))),
		old.Cert.Raw
}

// leaveTracesOfAccess signs in in every way, right and wrong. One way is a password in the place of
// the username, a common mistake.
func leaveTracesOfAccess(t *testing.T, w *World) (secrets []Needle) {
	t.Helper()
	ctx := Operator(t)
	const first, second domain.Secret = "a primeira das senhas", "a segunda das senhas"
	user := Must(w.Users.Create(ctx, domain.User{Username: "ana", Enabled: true}, first, nil))(t)
	session := Must(w.Login.Password(ctx, "ana", first))(t)
	_, changed, err := w.Users.UpdateProfile(
		AsUser(t, user), access.ProfileUpdate{Current: new(first), Password: new(second)},
	)
	Check(t, err)
	for username, password := range map[string]domain.Secret{string(second): "ana", "ana": first, "nobody": second} {
		_, err := w.Login.Password(t.Context(), username, password)
		WantFaults(t, err, Unauthenticated)
		w.Refusals.Record(t.Context(), domain.ResourceTokens, 0, domain.Faults(err)[0])
	}
	key := w.NewAPIKey(t)
	access := Must(w.Access.Exchange(ctx, key.Token))(t).Token
	rotated := Must(w.APIKeys.Rotate(ctx, key.ID, 0))(t)
	_, err = w.Access.Authenticate(ctx, access, auth.Access)
	w.Refusals.Record(t.Context(), domain.ResourceTokens, 0, domain.Faults(err)[0])
	for what, token := range map[string]domain.Secret{
		"apikey's token": key.Token, "access token": access, "next token": rotated.Token, "session": session.Refresh,
		"changed session": changed.Refresh,
	} {
		parts := strings.Split(string(token), ".")
		secrets = append(secrets, NewNeedle(what, []byte(token)), NewNeedle("signature of the "+what, []byte(parts[2])))
	}
	for _, row := range Must(w.Store.SigningKeys().List(ctx))(t) {
		secrets = append(
			secrets, NewNeedle("signing key", Must(w.Settings.Keys.Open(row.Sealed, "signing-key/"+row.ID))(t)),
		)
	}
	return append(secrets, NewNeedle("first password", []byte(first)), NewNeedle("second password", []byte(second)))
}

// needlesOf returns the private parts of a key: its PKCS#8 bytes, the lines of its PEM text, and
// its numbers in pieces, because a database may split a long value.
func needlesOf(t *testing.T, what string, key crypto.Signer) []Needle {
	t.Helper()
	all := append(
		lines(what, []byte(KeyPEM(t, key))), NewNeedle(what+" PKCS#8", Must(x509.MarshalPKCS8PrivateKey(key))(t)),
	)
	var numbers [][]byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		numbers = [][]byte{Must(key.Bytes())(t)}
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
			all = append(all, NewNeedle(what+" number", number[:piece]))
		}
	}
	return all
}

// lines returns the lines of a PEM text without those that other PEM texts may have too.
func lines(what string, text []byte) []Needle {
	var all []Needle
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && len(line) > 16 {
			all = append(all, NewNeedle(what+" PEM", []byte(line)))
		}
	}
	return all
}
