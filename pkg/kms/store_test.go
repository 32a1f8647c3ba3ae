package kms_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// made is a provider whose keys are in memory, and that can be away, hang, or lie.
type made struct {
	away, hang, lies atomic.Bool
	checks, running  atomic.Int64
	most             atomic.Int64
	released         chan struct{}
	key              *ecdsa.PrivateKey
	discarded        atomic.Int64
}

func newMade(t *testing.T) *made {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &made{released: make(chan struct{}), key: key}
}

func (m *made) answer() error {
	now := m.running.Add(1)
	defer m.running.Add(-1)
	for most := m.most.Load(); now > most && !m.most.CompareAndSwap(most, now); most = m.most.Load() {
	}
	if m.hang.Load() {
		<-m.released // whatever the context says, as a library in C does
	}
	if m.away.Load() {
		return kms.ErrAway
	}
	return nil
}

type madeKey struct {
	*made
	uri kms.URI
}

func (k madeKey) URI() kms.URI { return k.uri }

func (k madeKey) Public() crypto.PublicKey {
	if k.lies.Load() {
		other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return other.Public()
	}
	return k.key.Public()
}

func (k madeKey) Sign(_ context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := k.answer(); err != nil {
		return nil, err
	}
	return k.key.Sign(rand.Reader, digest, opts)
}

func (m *made) Find(_ context.Context, uri kms.URI) (kms.Key, error) {
	return madeKey{m, uri}, m.answer()
}

func (m *made) Create(_ context.Context, _, label string) (kms.Key, error) {
	uri, err := kms.ParseURI("made:store=one;name=" + label)
	return madeKey{m, uri}, errors.Join(err, m.answer())
}

func (m *made) Discard(context.Context, kms.URI) error {
	m.discarded.Add(1)
	return m.answer()
}

func (m *made) Wrap(_ context.Context, _ kms.URI, secret []byte) ([]byte, error) {
	return append([]byte("wrapped "), secret...), m.answer()
}

func (m *made) Unwrap(_ context.Context, _ kms.URI, wrapped []byte) ([]byte, error) {
	return bytes.TrimPrefix(wrapped, []byte("wrapped ")), m.answer()
}

func (m *made) Check(context.Context) error {
	m.checks.Add(1)
	return m.answer()
}

func (m *made) Close() error { return nil }

func openMade(t *testing.T, m *made, bounds kms.Bounds) (*kms.Stores, *kms.Signer) {
	t.Helper()
	stores, err := kms.Open([]string{"one=made:store=one"}, map[string]kms.Opener{
		"made": func(kms.URI) (kms.Provider, error) { return m, nil },
	}, bounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stores.Close() })
	signer, err := stores.Signer("made:store=one;name=ca", m.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return stores, signer
}

var digest = bytes.Repeat([]byte{7}, 32)

// TestStore_Hangs: of a store that hangs so many calls are begun as it has sessions. Nobody waits
// longer than the bound, and after the first who does, nobody waits at all.
func TestStore_Hangs(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	_, signer := openMade(t, m, kms.Bounds{Sessions: 3, Time: 200 * time.Millisecond, Healing: 20 * time.Millisecond})
	if _, err := signer.Sign(nil, digest, crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	m.hang.Store(true)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := signer.Sign(nil, digest, crypto.SHA256); !errors.Is(err, kms.ErrAway) {
				t.Errorf("while it hangs: %v", err)
			}
		})
	}
	group.Wait()
	begun := time.Now()
	for range 1000 {
		if _, err := signer.Sign(nil, digest, crypto.SHA256); !errors.Is(err, kms.ErrAway) {
			t.Fatal(err)
		}
	}
	t.Logf("1000 refusals took %s", time.Since(begun))
	if most := m.most.Load(); most > 3 {
		t.Errorf("%d calls at once", most)
	}
	m.hang.Store(false)
	close(m.released)
	awaitSigning(t, signer)
}

func awaitSigning(t *testing.T, signer *kms.Signer) {
	t.Helper()
	since := time.Now()
	for {
		_, err := signer.Sign(nil, digest, crypto.SHA256)
		if err == nil {
			return
		}
		if time.Since(since) > 20*time.Second {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestStore_Away: a store that is away is asked by one caller, and used again when it is back.
func TestStore_Away(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	stores, signer := openMade(t, m, kms.Bounds{Healing: 20 * time.Millisecond})
	m.away.Store(true)
	for range 100 {
		if _, err := signer.Sign(nil, digest, crypto.SHA256); !errors.Is(err, kms.ErrAway) {
			t.Fatal(err)
		}
	}
	if err := stores.Check(t.Context(), signer.URI.String()); !errors.Is(err, kms.ErrAway) {
		t.Error(err)
	}
	m.away.Store(false)
	awaitSigning(t, signer)
	if err := stores.Check(t.Context(), signer.URI.String()); err != nil {
		t.Error(err)
	}
}

// TestStore_Caller: a caller that has gone does not make the store one that is away.
func TestStore_Caller(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	stores, signer := openMade(t, m, kms.Bounds{})
	m.hang.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := stores.Find(ctx, "made:store=one;name=ca"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	m.hang.Store(false)
	close(m.released)
	if _, err := signer.Sign(nil, digest, crypto.SHA256); err != nil {
		t.Error(err)
	}
}

// TestStore_LateKey: a key that is made when nobody waits for it any more is removed.
func TestStore_LateKey(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	stores, _ := openMade(t, m, kms.Bounds{Making: 20 * time.Millisecond})
	m.hang.Store(true)
	if _, err := stores.Create(t.Context(), "one", "ecdsa-p256", "ca"); !errors.Is(err, kms.ErrAway) {
		t.Error(err)
	}
	m.hang.Store(false)
	close(m.released)
	for since := time.Now(); m.discarded.Load() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(since) > 20*time.Second {
			t.Fatal("the key is left")
		}
	}
}

// TestSigner_OtherKey: the key at the URI has to be the one of the CA.
func TestSigner_OtherKey(t *testing.T) {
	t.Parallel()
	m := newMade(t)
	stores, signer := openMade(t, m, kms.Bounds{})
	m.lies.Store(true)
	if _, err := signer.Sign(nil, digest, crypto.SHA256); !errors.Is(err, kms.ErrOtherKey) {
		t.Error(err)
	}
	lost, err := stores.Signer("made:store=two;name=ca", m.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lost.Sign(nil, digest, crypto.SHA256); !errors.Is(err, kms.ErrNoStore) {
		t.Error(err)
	}
	if _, err := (*kms.Stores)(nil).Find(t.Context(), "made:store=one;name=ca"); !errors.Is(err, kms.ErrNoStore) {
		t.Error(err)
	}
}

func TestStores_Wrap(t *testing.T) {
	t.Parallel()
	stores, _ := openMade(t, newMade(t), kms.Bounds{})
	const key = "made:store=one;name=master"
	wrapped, err := stores.Wrap(t.Context(), key, []byte("1:secret\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !kms.IsWrapped(wrapped) || bytes.Contains(wrapped, []byte("secret")) || kms.IsWrapped([]byte("1:secret\n")) {
		t.Errorf("%s", wrapped)
	}
	if plain, err := stores.Unwrap(t.Context(), wrapped); err != nil || string(plain) != "1:secret\n" {
		t.Errorf("%s, %v", plain, err)
	}
	lines := strings.SplitAfter(string(wrapped), "\n")
	for i, line := range lines[1:5] {
		altered := strings.Join(lines[:i+1], "") + strings.Join(lines[i+2:], "")
		if _, err := stores.Unwrap(t.Context(), []byte(altered)); err == nil {
			t.Errorf("it opens without %q", line)
		}
	}
	other := strings.Replace(string(wrapped), "name=master", "name=other", 1)
	if _, err := stores.Unwrap(t.Context(), []byte(other)); !errors.Is(err, kms.ErrWrapped) {
		t.Errorf("it opens with another key: %v", err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	openers := map[string]kms.Opener{"made": func(kms.URI) (kms.Provider, error) { return newMade(t), nil }}
	for _, given := range []string{"made:store=one", "=made:store=one", "a b=made:store=one", "hsm=other:x=y", "hsm=made", "hsm="} {
		if _, err := kms.Open([]string{given}, openers, kms.Bounds{}); !errors.Is(err, kms.ErrURI) {
			t.Errorf("%s: %v", given, err)
		}
	}
	if _, err := kms.Open([]string{"a=made:x=1", "a=made:x=2"}, openers, kms.Bounds{}); !errors.Is(err, kms.ErrURI) {
		t.Errorf("two of one name: %v", err)
	}
}
