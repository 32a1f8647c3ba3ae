package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
)

const (
	masterKeyBytes  = 32
	maxKeyringBytes = 64 << 10
)

// Keyring seals secrets for storage. It holds 256-bit master keys by version:
// one version seals, every one opens, so that keys can be rotated while old
// rows exist. The version that seals is the highest one until [Keyring.Use]
// says otherwise. It is safe for concurrent use, and printing or logging it
// shows its versions only.
//
// Nonces are random, which is sound for 2^32 seals under one key; a service
// that came near that would add a key version.
type Keyring struct {
	ring    *atomic.Pointer[ring] // replaced as a whole, never changed
	unknown *atomic.Pointer[func() bool]
	sealing *atomic.Pointer[func()]
}

// ring is what a keyring holds at one moment.
type ring struct {
	keys    map[uint32]cipher.AEAD
	prints  map[uint32]string
	version uint32 // that seals
}

var (
	_ fmt.Formatter  = Keyring{}
	_ slog.LogValuer = Keyring{}
)

// NewKeyring makes a keyring of at least one key of exactly 32 bytes. Versions
// start at 1. It fails with [ErrMalformed]; it does not keep the slices.
func NewKeyring(keys map[uint32][]byte) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: a keyring needs at least one key", ErrMalformed)
	}
	r := &ring{keys: make(map[uint32]cipher.AEAD, len(keys)), prints: make(map[uint32]string, len(keys))}
	for version, key := range keys {
		if version == 0 {
			return nil, fmt.Errorf("%w: key versions start at 1", ErrMalformed)
		}
		aead, err := newSealer(key)
		if err != nil {
			return nil, fmt.Errorf("master key %d: %w", version, err)
		}
		r.keys[version], r.prints[version] = aead, keyFingerprint(key)
		r.version = max(r.version, version)
	}
	k := &Keyring{
		ring: new(atomic.Pointer[ring]), unknown: new(atomic.Pointer[func() bool]),
		sealing: new(atomic.Pointer[func()]),
	}
	k.ring.Store(r)
	return k, nil
}

func newSealer(key []byte) (cipher.AEAD, error) {
	if len(key) != masterKeyBytes {
		return nil, fmt.Errorf("%w: a key has %d bytes, this one %d", ErrMalformed, masterKeyBytes, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up AES: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Use makes the key of a version seal from now on. It fails with
// [ErrUnknownKeyVersion], and then nothing changes.
func (k *Keyring) Use(version uint32) error {
	for {
		before := k.ring.Load()
		if _, ok := before.keys[version]; !ok {
			return fmt.Errorf("%w: version %d", ErrUnknownKeyVersion, version)
		}
		if before.version == version || k.ring.CompareAndSwap(before, before.using(version)) {
			return nil
		}
	}
}

func (r ring) using(version uint32) *ring {
	r.version = version
	return &r
}

// Take replaces the keys by those of another keyring. The version that seals stays. It fails with
// [ErrUnknownKeyVersion] if the other lacks that version, and with [ErrOtherKey] if it has another
// key for a version; then nothing changes.
func (k *Keyring) Take(other *Keyring) error {
	for {
		before, next := k.ring.Load(), other.ring.Load()
		if _, ok := next.keys[before.version]; !ok {
			return fmt.Errorf("%w: version %d, which seals", ErrUnknownKeyVersion, before.version)
		}
		for version, print := range next.prints {
			if had, ok := before.prints[version]; ok && had != print {
				return fmt.Errorf("%w: version %d", ErrOtherKey, version)
			}
		}
		if k.ring.CompareAndSwap(before, next.using(before.version)) {
			return nil
		}
	}
}

// OnUnknown makes [Keyring.Open] call again when it meets a version that it does not know. again
// reads the keys anew by [Keyring.Take], and reports whether it did; it bounds how often.
func (k *Keyring) OnUnknown(again func() bool) { k.unknown.Store(&again) }

// OnSeal makes [Keyring.Seal] call sure before it seals, so that it can say by [Keyring.Use] which
// version seals now. It has to be quick nearly always.
func (k *Keyring) OnSeal(sure func()) { k.sealing.Store(&sure) }

func (k *Keyring) reread() bool {
	again := k.unknown.Load()
	return again != nil && (*again)()
}

// fingerprintBytes is long enough to tell keys apart.
const fingerprintBytes = 8

// keyFingerprint is a MAC of a constant text under the key: it reveals nothing about a key of 256
// random bits.
func keyFingerprint(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("chaveiro/master-key-fingerprint"))
	return hex.EncodeToString(mac.Sum(nil)[:fingerprintBytes])
}

// Fingerprints returns the fingerprint of each key, by version. Unlike the keys
// they may be shown: they tell which key a database was sealed with.
func (k *Keyring) Fingerprints() map[uint32]string { return maps.Clone(k.ring.Load().prints) }

// Version is the version of the key that seals.
func (k *Keyring) Version() uint32 { return k.ring.Load().version }

// Newest is the highest version.
func (k *Keyring) Newest() uint32 { return slices.Max(slices.Collect(maps.Keys(k.ring.Load().keys))) }

// Format implements [fmt.Formatter] for every verb, so that no key is printed.
func (k Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, k.redacted())
}

// LogValue implements [slog.LogValuer] as [Keyring.Format] does.
func (k Keyring) LogValue() slog.Value { return slog.StringValue(k.redacted()) }

func (k Keyring) redacted() string {
	r := k.ring.Load()
	return fmt.Sprintf("keyring(version %d of %d)", r.version, len(r.keys))
}
