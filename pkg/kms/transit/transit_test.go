package transit_test

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
	"github.com/chaveiro/chaveiro/pkg/kms/transit"
)

// nightly says whether the tests also run against a real server, which takes minutes to build.
var nightly = os.Getenv("CHAVEIRO_NIGHTLY") != ""

// onEach runs a test against the stub, and in make nightly against a real server.
func onEach(t *testing.T, test func(*testing.T, *kmstest.TransitServer)) {
	t.Parallel()
	t.Run("stub", func(t *testing.T) {
		t.Parallel()
		test(t, kmstest.NewTransitStub(t).TransitServer)
	})
	t.Run("vault", func(t *testing.T) {
		t.Parallel()
		if !nightly {
			t.Skip("the real server runs in make nightly")
		}
		test(t, kmstest.NewVault(t))
	})
}

func TestTransit(t *testing.T) { onEach(t, testSuite) }

func testSuite(t *testing.T, vault *kmstest.TransitServer) {
	store := mustURI(t, vault.Address())
	provider, err := transit.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	kmstest.Suite{
		Provider: provider, Store: store, Absent: store.Key("name", "nobody"),
		Algorithms: []string{"ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"}, Refused: []string{"dsa"},
		Wrapping: func(t *testing.T) kms.URI {
			vault.Ask(t, http.MethodPost, "transit/keys/master", map[string]any{"type": "aes256-gcm96"})
			return store.Key("name", "master")
		},
	}.Run(t)
}

func mustURI(t *testing.T, text string) kms.URI {
	t.Helper()
	uri, err := kms.ParseURI(text)
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

func openStores(t *testing.T, vault *kmstest.TransitServer) *kms.Stores {
	t.Helper()
	stores, err := kms.Open(
		[]string{"bao=" + vault.Address()}, map[string]kms.Opener{"transit": transit.Open},
		kms.Bounds{Healing: 50 * time.Millisecond, Looking: 50 * time.Millisecond},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stores.Close() })
	return stores
}

func sign(key *kms.Signer) error {
	sum := sha256.Sum256([]byte("message"))
	_, err := key.Sign(nil, sum[:], crypto.SHA256)
	return err
}

// awaitBack waits until a key signs again.
func awaitBack(t *testing.T, key *kms.Signer) {
	t.Helper()
	since := time.Now()
	for err := sign(key); err != nil; err = sign(key) {
		if time.Since(since) > 20*time.Second {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("back after %s", time.Since(since))
}

// TestTransit_Sealed: a server that is sealed is away, and back when it is opened.
func TestTransit_Sealed(t *testing.T) { onEach(t, testSealed) }

func testSealed(t *testing.T, vault *kmstest.TransitServer) {
	key, err := openStores(t, vault).Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	vault.Seal(t)
	if err := sign(key); !errors.Is(err, kms.ErrAway) {
		t.Errorf("sealed: %v", err)
	}
	vault.Unseal(t)
	awaitBack(t, key)
}

// TestTransit_Token: a token that has ended is read anew from its file, and one that ends soon is
// renewed.
func TestTransit_Token(t *testing.T) { onEach(t, testToken) }

func testToken(t *testing.T, vault *kmstest.TransitServer) {
	stores := openStores(t, vault)
	keep(t, stores)
	key, err := stores.Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	short := vault.NewToken(t, "2s")
	vault.WriteToken(t, short)
	vault.Ask(t, http.MethodPost, "auth/token/revoke", map[string]any{"token": firstToken(t, vault, key)})
	for begun := time.Now(); time.Since(begun) < 4*time.Second; time.Sleep(100 * time.Millisecond) {
		if err := stores.Check(t.Context(), key.URI.String()); err != nil {
			t.Fatalf("the token was not renewed: %v", err)
		}
	}
	vault.Ask(t, http.MethodPost, "auth/token/revoke", map[string]any{"token": short})
	if err := sign(key); !errors.Is(err, kms.ErrAway) {
		t.Errorf("with a token that has ended: %v", err)
	}
	vault.WriteToken(t, vault.NewToken(t, "1h"))
	awaitBack(t, key)
}

// firstToken is the token that is in use: another one is written into the file by then.
func firstToken(t *testing.T, vault *kmstest.TransitServer, key *kms.Signer) string {
	t.Helper()
	if err := sign(key); err != nil {
		t.Fatal(err)
	}
	return vault.First
}

// TestTransit_Rotated: the URI of a key is that of a version, which another one does not replace.
func TestTransit_Rotated(t *testing.T) { onEach(t, testRotated) }

func testRotated(t *testing.T, vault *kmstest.TransitServer) {
	key, err := openStores(t, vault).Create(t.Context(), "bao", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	vault.Ask(t, http.MethodPost, "transit/keys/"+key.URI.Get("name")+"/rotate", nil)
	if err := sign(key); err != nil || key.URI.Get("version") != "1" {
		t.Errorf("%s: %v", key.URI, err)
	}
}
