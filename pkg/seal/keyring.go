package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strconv"
	"strings"
)

// A sealed blob is
//
//	format (1 byte, 1) | key version (4, big-endian) | nonce (12) | ciphertext and tag (n+16)
//
// encrypted with AES-256-GCM; the first five bytes and the context are its
// additional data.
const (
	sealFormat      = 1
	sealHeaderBytes = 5
	masterKeyBytes  = 32
	maxKeyringBytes = 64 << 10
)

// Keyring seals secrets for storage. It holds 256-bit master keys by version:
// the highest version seals, every one opens, so that keys can be rotated
// while old rows exist. It is immutable and safe for concurrent use, and
// printing or logging it shows its versions only.
//
// Nonces are random, which is sound for 2^32 seals under one key; a service
// that came near that would add a key version.
type Keyring struct {
	keys    map[uint32]cipher.AEAD
	prints  map[uint32]string
	version uint32
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
	k := &Keyring{keys: make(map[uint32]cipher.AEAD, len(keys)), prints: make(map[uint32]string, len(keys))}
	for version, key := range keys {
		if version == 0 {
			return nil, fmt.Errorf("%w: key versions start at 1", ErrMalformed)
		}
		aead, err := newSealer(key)
		if err != nil {
			return nil, fmt.Errorf("master key %d: %w", version, err)
		}
		k.keys[version], k.prints[version] = aead, keyFingerprint(key)
		k.version = max(k.version, version)
	}
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

// ParseKeyring reads a keyring file: a line "version:base64 of 32 bytes" for each key, beside blank
// lines and lines starting with #. It fails with [ErrMalformed]; the text of the error names the
// line and never quotes it.
func ParseKeyring(text []byte) (*Keyring, error) {
	if len(text) > maxKeyringBytes {
		return nil, fmt.Errorf("%w: a keyring of more than %d bytes", ErrMalformed, maxKeyringBytes)
	}
	keys := make(map[uint32][]byte)
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		version, key, err := parseKeyLine(string(line))
		if err != nil {
			return nil, fmt.Errorf("keyring line %d: %w", number, err)
		}
		if _, ok := keys[version]; ok {
			return nil, fmt.Errorf("keyring line %d: %w: this version is already there", number, ErrMalformed)
		}
		keys[version] = key
	}
	return NewKeyring(keys)
}

// parseKeyLine drops the causes of its errors: they quote their input.
func parseKeyLine(line string) (version uint32, key []byte, err error) {
	number, encoded, ok := strings.Cut(line, ":")
	if !ok {
		return 0, nil, fmt.Errorf("%w: not version:base64", ErrMalformed)
	}
	v, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	if err != nil || v == 0 {
		return 0, nil, fmt.Errorf("%w: the version is no number from 1 to 2^32-1", ErrMalformed)
	}
	key, err = base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(key) != masterKeyBytes {
		return 0, nil, fmt.Errorf("%w: the key is not the base64 of %d bytes", ErrMalformed, masterKeyBytes)
	}
	return uint32(v), key, nil
}

// GenerateKeyring makes a keyring with one random key, version 1, and the text
// from which [ParseKeyring] makes it again. The text is the secret.
func GenerateKeyring() (*Keyring, []byte) {
	key := make([]byte, masterKeyBytes)
	rand.Read(key)
	k, err := NewKeyring(map[uint32][]byte{1: key})
	if err != nil {
		panic(err) // a key of the right length cannot fail
	}
	return k, []byte("1:" + base64.StdEncoding.EncodeToString(key) + "\n")
}

// Seal encrypts plaintext for storage at the place that context names, such as
// "client/42/key"; only the same context opens it.
func (k *Keyring) Seal(plaintext []byte, context string) []byte {
	aead := k.keys[k.version]
	blob := make([]byte, sealHeaderBytes, sealHeaderBytes+len(plaintext)+aead.Overhead())
	blob[0] = sealFormat
	binary.BigEndian.PutUint32(blob[1:], k.version)
	return aead.Seal(blob, nil, plaintext, additionalData(blob, context))
}

// Open decrypts what [Keyring.Seal] made. It fails with
// [ErrUnknownKeyVersion], or with [ErrSealed] if the blob was altered or
// belongs to another context or key.
func (k *Keyring) Open(blob []byte, context string) ([]byte, error) {
	if len(blob) < sealHeaderBytes || blob[0] != sealFormat {
		return nil, fmt.Errorf("%w: unknown format", ErrSealed)
	}
	header, sealed := blob[:sealHeaderBytes], blob[sealHeaderBytes:]
	version := binary.BigEndian.Uint32(header[1:])
	aead, ok := k.keys[version]
	if !ok {
		return nil, fmt.Errorf("%w: version %d", ErrUnknownKeyVersion, version)
	}
	plaintext, err := aead.Open(nil, nil, sealed, additionalData(header, context))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// additionalData is unambiguous because the header has a fixed length.
func additionalData(header []byte, context string) []byte {
	return append(bytes.Clone(header), context...)
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
func (k *Keyring) Fingerprints() map[uint32]string { return maps.Clone(k.prints) }

// Version is the version of the key that seals.
func (k *Keyring) Version() uint32 { return k.version }

// Format implements [fmt.Formatter] for every verb, so that no key is printed.
func (k Keyring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, k.redacted())
}

// LogValue implements [slog.LogValuer] as [Keyring.Format] does.
func (k Keyring) LogValue() slog.Value { return slog.StringValue(k.redacted()) }

func (k Keyring) redacted() string {
	return fmt.Sprintf("keyring(version %d of %d)", k.version, len(k.keys))
}
