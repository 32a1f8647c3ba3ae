package kms

import (
	"errors"
	"slices"
)

// The errors of this package and of providers; tell them apart with [errors.Is]. They arrive
// wrapped with a detail that has no secret in it.
var (
	// ErrURI: the text is no URI of a key or of a store.
	ErrURI = errors.New("not the URI of a key")
	// ErrNoStore: no store is configured that a key can be in, or none of that name.
	ErrNoStore = errors.New("no such key store is configured")
	// ErrNoKey: the store has no such key.
	ErrNoKey = errors.New("there is no such key in the store")
	// ErrManyKeys: the URI is that of several keys.
	ErrManyKeys = errors.New("the store has several such keys")
	// ErrUnsupported: the store can't do that with this kind of key.
	ErrUnsupported = errors.New("the store does not support that")
	// ErrDenied: the store lets this process in, but not use the key so.
	ErrDenied = errors.New("the key store does not allow it")
	// ErrAway: the store does not answer, or lets nobody in. It may be back in a moment.
	ErrAway = errors.New("the key store can't be reached")
	// ErrOtherKey: the key at the URI is another one than was expected.
	ErrOtherKey = errors.New("the store has another key at that URI")
	// ErrWrapped: a wrapped text is damaged, or was wrapped under another key.
	ErrWrapped = errors.New("the wrapped text does not open")
)

// IsFault reports whether an error is one of these.
func IsFault(err error) bool {
	return slices.ContainsFunc([]error{
		ErrURI, ErrNoStore, ErrNoKey, ErrManyKeys, ErrUnsupported, ErrDenied, ErrAway, ErrOtherKey, ErrWrapped,
	}, func(one error) bool { return errors.Is(err, one) })
}
