package kms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
)

// A wrapped text is lines, beside comments that begin with #:
//
//	chaveiro-wrapped 1
//	key URI
//	wrapped BASE64   a key of AES-256, wrapped under the key in the store
//	text BASE64      the text under that key: AES-256-GCM, with the URI as additional data
//
// So the store sees neither the text nor how long it is.
const (
	wrappedBegin = "chaveiro-wrapped 1"
	maxWrapped   = 128 << 10
)

// IsWrapped reports whether a text is one that [Stores.Wrap] has made, whole or not.
func IsWrapped(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return bytes.HasPrefix(line, []byte("chaveiro-wrapped"))
		}
	}
	return false
}

// WrappedBy is the URI of the key under which [Stores.Wrap] has encrypted a text. Error:
// [ErrWrapped].
func WrappedBy(text []byte) (string, error) {
	key, _, _, err := readWrapped(text)
	return key, err
}

// Wrap encrypts a text, so that only who may use the key in its store can read it. The key is one
// that encrypts, and not one that signs. Errors: [ErrURI], [ErrNoStore], [ErrAway] and those of
// [Provider.Wrap].
func (s *Stores) Wrap(ctx context.Context, key string, text []byte) ([]byte, error) {
	uri, store, err := s.wrapping(key)
	if err != nil {
		return nil, err
	}
	once := make([]byte, 32)
	rand.Read(once)
	wrapped := make(chan []byte, 1)
	err = store.do(ctx, store.bounds.Time, func(ctx context.Context) error {
		octets, err := store.provider.Wrap(ctx, uri, once)
		wrapped <- octets
		return err
	})
	if err != nil {
		return nil, err
	}
	aead, err := sealer(once)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The master key of Chaveiro, under a key that is in a key store.\n%s\nkey %s\n", wrappedBegin, uri)
	fmt.Fprintf(&b, "wrapped %s\n", base64.StdEncoding.EncodeToString(<-wrapped))
	sealed := aead.Seal(nil, nil, text, []byte(uri.String()))
	fmt.Fprintf(&b, "text %s\n", base64.StdEncoding.EncodeToString(sealed))
	return b.Bytes(), nil
}

// Unwrap is the opposite of Wrap. Errors besides: [ErrWrapped].
func (s *Stores) Unwrap(ctx context.Context, text []byte) ([]byte, error) {
	key, wrapped, sealed, err := readWrapped(text)
	if err != nil {
		return nil, err
	}
	uri, store, err := s.wrapping(key)
	if err != nil {
		return nil, err
	}
	opened := make(chan []byte, 1)
	err = store.do(ctx, store.bounds.Time, func(ctx context.Context) error {
		octets, err := store.provider.Unwrap(ctx, uri, wrapped)
		opened <- octets
		return err
	})
	if err != nil {
		return nil, err
	}
	aead, err := sealer(<-opened)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(uri.String()))
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged", ErrWrapped)
	}
	return plain, nil
}

// TryWrapping wraps something under a key and unwraps it again, and keeps nothing of it. Errors:
// those of Wrap and Unwrap.
func (s *Stores) TryWrapping(ctx context.Context, key string) error {
	wrapped, err := s.Wrap(ctx, key, []byte("chaveiro tries a key"))
	if err == nil {
		_, err = s.Unwrap(ctx, wrapped)
	}
	return err
}

// wrapping finds the store of a key that wraps.
func (s *Stores) wrapping(key string) (URI, *Store, error) {
	uri, err := ParseURI(key)
	if err == nil && len(uri.query) > 0 {
		err = fmt.Errorf("%w: it has attributes after a question mark: those are of the key store", ErrURI)
	}
	if err != nil {
		return uri, nil, err
	}
	store, err := s.Of(uri)
	return uri, store, err
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%w: what was unwrapped is no key", ErrWrapped)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// readWrapped takes a wrapped text apart. Its errors quote nothing.
func readWrapped(text []byte) (key string, wrapped, sealed []byte, err error) {
	parts := map[string]string{}
	for line := range strings.Lines(string(text[:min(len(text), maxWrapped)])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != "" && name[0] != '#' {
			parts[name] = value
		}
	}
	wrapped, first := base64.StdEncoding.DecodeString(parts["wrapped"])
	sealed, second := base64.StdEncoding.DecodeString(parts["text"])
	if parts["chaveiro-wrapped"] != "1" || parts["key"] == "" || first != nil || second != nil {
		return "", nil, nil, fmt.Errorf("%w: it is not whole, or of a later version", ErrWrapped)
	}
	return parts["key"], wrapped, sealed, nil
}
