package seal

import "errors"

// The errors of this package; tell them apart with [errors.Is].
var (
	// ErrMalformed: the text is no keyring, or is too large. It arrives wrapped with a detail that
	// never quotes the text.
	ErrMalformed = errors.New("malformed input")
	// ErrSealed: a sealed secret does not open: wrong key, wrong context, or altered. It is
	// impossible to tell which.
	ErrSealed = errors.New("sealed secret does not open")
	// ErrUnknownKeyVersion: the keyring lacks the key that a secret was sealed with.
	ErrUnknownKeyVersion = errors.New("master key version not in the keyring")
	// ErrOtherKey: another key has the version of one that the keyring holds.
	ErrOtherKey = errors.New("another master key of the same version")
)
