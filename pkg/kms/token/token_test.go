//go:build pkcs11 && cgo

package token_test

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
	"github.com/chaveiro/chaveiro/pkg/kms/token"
)

func open(t *testing.T, address string) (kms.Provider, kms.URI) {
	t.Helper()
	uri, err := kms.ParseURI(address)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := token.Open(uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := provider.Close(); err != nil {
			t.Error(err)
		}
	})
	return provider, uri
}

// softHSM makes a token, for this process: the library reads where from the environment.
func softHSM(t *testing.T) kmstest.SoftHSM {
	hsm := kmstest.NewSoftHSM(t, "chaveiro")
	t.Setenv("SOFTHSM2_CONF", hsm.Conf)
	return hsm
}

func TestToken(t *testing.T) {
	hsm := softHSM(t)
	provider, store := open(t, hsm.Address())
	kmstest.Suite{
		Provider: provider, Store: store, Absent: store.Key("object", "nobody"),
		Algorithms: []string{"ecdsa-p256", "ecdsa-p384", "rsa-2048"}, Refused: []string{"ed25519", "dsa"},
		Wrapping: func(t *testing.T) kms.URI {
			addAES(t, hsm, "master")
			return store.Key("object", "master", "type", "secret-key")
		},
	}.Run(t)
}

// addAES makes an AES key in the token, as pkcs11-tool does.
func addAES(t *testing.T, hsm kmstest.SoftHSM, label string) {
	t.Helper()
	in, err := crypto11.Configure(&crypto11.Config{Path: hsm.Module, TokenLabel: hsm.Label, Pin: kmstest.PIN})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.GenerateSecretKeyWithLabel([]byte(label), []byte(label), 256, crypto11.CipherAES); err != nil {
		t.Fatal(err)
	}
}

func TestToken_KeysOfOneLabel(t *testing.T) {
	provider, store := open(t, softHSM(t).Address())
	for range 2 {
		if _, err := provider.Create(t.Context(), "ecdsa-p256", "twins"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := provider.Find(t.Context(), store.Key("object", "twins")); !errors.Is(err, kms.ErrManyKeys) {
		t.Error(err)
	}
}

// TestToken_Removed takes the token away, and brings it back.
func TestToken_Removed(t *testing.T) {
	hsm := softHSM(t)
	stores, err := kms.Open([]string{"hsm=" + hsm.Address()}, map[string]kms.Opener{"pkcs11": token.Open}, kms.Bounds{
		Healing: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	key, err := stores.Create(t.Context(), "hsm", "ecdsa-p256", "ca")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("message"))
	sign := func() error {
		_, err := key.Sign(nil, sum[:], crypto.SHA256)
		return err
	}
	if err := sign(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		hsm.Remove(t)
		if err := sign(); !errors.Is(err, kms.ErrAway) {
			t.Fatalf("without the token: %v", err)
		}
		time.Sleep(200 * time.Millisecond)
		if err := stores.Check(t.Context(), key.URI.String()); !errors.Is(err, kms.ErrAway) {
			t.Fatalf("without the token: %v", err)
		}
		hsm.Insert(t)
		since := time.Now()
		for err = sign(); err != nil && time.Since(since) < 20*time.Second; err = sign() {
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("with the token again: %v", err)
		}
		t.Logf("healed after %s", time.Since(since))
	}
}

// TestToken_WrongPIN: a PIN that was refused is not tried again, which would lock the token.
func TestToken_WrongPIN(t *testing.T) {
	hsm := softHSM(t)
	if err := os.WriteFile(hsm.PIN, []byte("wrong-pin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	provider, _ := open(t, hsm.Address())
	first, again := provider.Check(t.Context()), provider.Check(t.Context())
	if !errors.Is(first, kms.ErrAway) || !errors.Is(again, kms.ErrAway) || first.Error() == again.Error() {
		t.Errorf("%v; %v", first, again)
	}
	if err := os.WriteFile(hsm.PIN, []byte(kmstest.PIN), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := provider.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestToken_OneTry: however often a store with a wrong PIN is asked, and asks by itself whether the
// token is back, the token sees one try. It says so by a flag, which the right PIN of a person
// takes away, and which would be there again after another try.
func TestToken_OneTry(t *testing.T) {
	hsm := softHSM(t)
	_, store := open(t, hsm.Address())
	low := func() bool {
		flags, err := token.FlagsOf(store)
		if err != nil {
			t.Fatal(err)
		}
		return flags&pkcs11.CKF_USER_PIN_COUNT_LOW != 0
	}
	if low() {
		t.Fatal("a new token has seen a wrong PIN")
	}
	if err := os.WriteFile(hsm.PIN, []byte("wrong-pin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	provider, _ := open(t, hsm.Address())
	if err := provider.Check(t.Context()); !errors.Is(err, kms.ErrAway) || !low() {
		t.Fatalf("a wrong PIN: %v, the flag is set: %t", err, low())
	}
	addAES(t, hsm, "by-a-person")
	for range 5 {
		if err := provider.Check(t.Context()); !errors.Is(err, kms.ErrAway) || low() {
			t.Fatalf("it was tried again: %v", err)
		}
	}
}

// TestToken_LastTry: a token that is locked, or that the next wrong PIN locks, is left alone.
func TestToken_LastTry(t *testing.T) {
	for flags, words := range map[uint]string{
		0: "", pkcs11.CKF_USER_PIN_COUNT_LOW: "", pkcs11.CKF_USER_PIN_FINAL_TRY: "one more wrong PIN locks the token",
		pkcs11.CKF_USER_PIN_COUNT_LOW | pkcs11.CKF_USER_PIN_LOCKED: "the PIN of the token is locked",
	} {
		err := token.RefusalBy(flags)
		if words == "" && err != nil ||
			words != "" && (!errors.Is(err, kms.ErrAway) || !strings.Contains(err.Error(), words)) {
			t.Errorf("%x: %v", flags, err)
		}
	}
}

// TestToken_ShortKey: an AES key that the tool of SoftHSM has cut off, at a zero, does not wrap.
// The token is not away because of it.
func TestToken_ShortKey(t *testing.T) {
	hsm := softHSM(t)
	provider, store := open(t, hsm.Address())
	hsm.ImportAES(t, "short", "eight-oc\x00"+"that is 32 octets else.")
	_, err := provider.Wrap(t.Context(), store.Key("object", "short"), make([]byte, 32))
	if !errors.Is(err, kms.ErrUnsupported) || !strings.Contains(err.Error(), "CKR_MECHANISM_INVALID") {
		t.Errorf("a key of 8 octets: %v", err)
	}
	if err := provider.Check(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
}
