// Package kmstest has what tests of key stores share: the suite that every provider passes, and
// stores to run it against. Only tests may import it.
package kmstest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// Suite is a provider to test, and what it can do.
type Suite struct {
	Provider   kms.Provider
	Store      kms.URI
	Algorithms []string                 // that it makes keys of
	Refused    []string                 // that it has to refuse
	Absent     kms.URI                  // a key that is not there
	Wrapping   func(*testing.T) kms.URI // makes a key that wraps
	// Rehashed: the store stands for another one, and hashes a digest once more before it signs it.
	Rehashed bool
	Kept     bool // a key that was discarded is there for some days
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	t.Run("keys", s.keys)
	t.Run("many at once", s.manyAtOnce)
	t.Run("absent", s.absent)
	t.Run("wrap", s.wrap)
	t.Run("check", func(t *testing.T) {
		if err := s.Provider.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// keys makes, finds, uses and removes a key of each algorithm.
func (s Suite) keys(t *testing.T) {
	for _, algorithm := range s.Algorithms {
		t.Run(algorithm, func(t *testing.T) {
			made, err := s.Provider.Create(t.Context(), algorithm, "ca matriz; ação/1")
			if err != nil {
				t.Fatal(err)
			}
			if !made.URI().Within(s.Store) {
				t.Errorf("%s is not in %s", made.URI(), s.Store)
			}
			again, err := kms.ParseURI(made.URI().String())
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.Provider.Find(t.Context(), again)
			if err != nil {
				t.Fatal(err)
			}
			if found.URI().String() != made.URI().String() {
				t.Errorf("found %s as %s", made.URI(), found.URI())
			}
			s.signs(t, made, made.Public())
			s.signs(t, found, made.Public())
			if err := s.Provider.Discard(t.Context(), made.URI()); err != nil {
				t.Fatal(err)
			}
			if _, err = s.Provider.Find(t.Context(), again); !s.Kept && !errors.Is(err, kms.ErrNoKey) {
				t.Errorf("a key that was removed: %v", err)
			}
		})
	}
	for _, algorithm := range s.Refused {
		if _, err := s.Provider.Create(t.Context(), algorithm, "refused"); !errors.Is(err, kms.ErrUnsupported) {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// signs signs a message with a key, and verifies it.
func (s Suite) signs(t *testing.T, key kms.Key, public crypto.PublicKey) {
	t.Helper()
	message := []byte("a certificate to be signed")
	digest, opts := message, crypto.SignerOpts(crypto.Hash(0))
	if _, ok := public.(ed25519.PublicKey); !ok {
		hash := hashOf(public)
		digest, opts = sumOf(hash, message), hash
	}
	signature, err := key.Sign(t.Context(), digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	if !s.verifies(public, digest, signature) {
		t.Errorf("the signature of %s does not verify", key.URI())
	}
}

func (s Suite) verifies(public crypto.PublicKey, digest, signature []byte) bool {
	if s.Rehashed {
		digest = sumOf(hashOf(public), digest)
	}
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, digest, signature)
	}
	return false
}

// hashOf is the hash function that a CA with that key signs over.
func hashOf(public crypto.PublicKey) crypto.Hash {
	if key, ok := public.(*ecdsa.PublicKey); ok && key.Curve == elliptic.P384() {
		return crypto.SHA384
	}
	return crypto.SHA256
}

func sumOf(hash crypto.Hash, message []byte) []byte {
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}

func (s Suite) manyAtOnce(t *testing.T) {
	key, err := s.Provider.Create(t.Context(), s.Algorithms[0], "many")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			sum := sha256.Sum256([]byte(rand.Text()))
			signature, err := key.Sign(context.Background(), sum[:], crypto.SHA256)
			if err != nil || !s.verifies(key.Public(), sum[:], signature) {
				t.Errorf("one of many: %v", err)
			}
		})
	}
	group.Wait()
	if err := s.Provider.Discard(t.Context(), key.URI()); err != nil {
		t.Error(err)
	}
}

func (s Suite) absent(t *testing.T) {
	if _, err := s.Provider.Find(t.Context(), s.Absent); !errors.Is(err, kms.ErrNoKey) {
		t.Errorf("a key that is not there: %v", err)
	}
	if _, err := s.Provider.Find(t.Context(), s.Store.Key("strange", "x")); !errors.Is(err, kms.ErrURI) {
		t.Errorf("an attribute that is not known: %v", err)
	}
	if _, err := s.Provider.Find(t.Context(), s.Store); !errors.Is(err, kms.ErrURI) {
		t.Errorf("a store instead of a key: %v", err)
	}
	if _, err := s.Provider.Wrap(t.Context(), s.Absent, []byte("secret")); !errors.Is(err, kms.ErrNoKey) {
		t.Errorf("wrapping under a key that is not there: %v", err)
	}
}

func (s Suite) wrap(t *testing.T) {
	key := s.Wrapping(t)
	secret := bytes.Repeat([]byte{0, 0xff}, 16)
	wrapped, err := s.Provider.Wrap(t.Context(), key, secret)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wrapped, secret) {
		t.Error("the secret is there to be read")
	}
	if got, err := s.Provider.Unwrap(t.Context(), key, wrapped); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("unwrapped %x, %v", got, err)
	}
	wrapped[len(wrapped)-3] ^= 1
	if _, err := s.Provider.Unwrap(t.Context(), key, wrapped); !errors.Is(err, kms.ErrWrapped) {
		t.Errorf("a damaged one: %v", err)
	}
	if err := s.Provider.Check(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
}
