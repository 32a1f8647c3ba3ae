package kms

import (
	"context"
	"crypto"
)

// Provider reaches one store of keys. It is safe for concurrent use. What it returns as errors are
// those of this package, wrapped, as far as they say which applies; [ErrAway] for all that may be
// over in a moment. A context that has ended ends a call, as far as the store can be told.
type Provider interface {
	// Find looks for a key that signs. Errors: ErrURI, ErrNoKey, ErrManyKeys, ErrUnsupported.
	Find(ctx context.Context, key URI) (Key, error)
	// Create makes a key that signs and can't leave the store. The algorithm is one of those of
	// package ca; the label is for people. Errors: ErrUnsupported.
	Create(ctx context.Context, algorithm, label string) (Key, error)
	// Discard removes a key that Create has made.
	Discard(ctx context.Context, key URI) error
	// Wrap encrypts at most 64 bytes under a key that does not sign, and Unwrap decrypts them.
	// Errors: ErrNoKey, ErrUnsupported; of Unwrap ErrWrapped.
	Wrap(ctx context.Context, key URI, secret []byte) ([]byte, error)
	Unwrap(ctx context.Context, key URI, wrapped []byte) ([]byte, error)
	// Check asks the store whether it can be used, and gets in again where that was lost.
	Check(ctx context.Context) error
	Close() error
}

// Key is a private key in a store.
type Key interface {
	// URI names the key alone, also where it was looked for by less.
	URI() URI
	Public() crypto.PublicKey
	// Sign is as that of crypto.Signer.
	Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// Opener opens a provider for a store. It does not reach for it: a store that is away at the start
// may come later. Errors: ErrURI; ErrUnsupported when this program was built without it.
type Opener func(store URI) (Provider, error)
