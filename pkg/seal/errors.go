package seal

import "errors"

// The errors of this package, to be told apart with [errors.Is].
var (
	// ErrMalformed: the text is no keyring, or is too large. It arrives wrapped with a detail that never quotes the text.
	ErrMalformed = errors.New("malformed input")
	// ErrSealed: a sealed secret does not open: wrong key, wrong context, or altered. Which of these is not knowable.
	ErrSealed = errors.New("sealed secret does not open")
	// ErrUnknownKeyVersion: the keyring lacks the key that a secret was sealed with.
	ErrUnknownKeyVersion = errors.New("master key version not in the keyring")
)
