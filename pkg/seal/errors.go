package seal

import (
	"errors"
	"fmt"
	"time"
)

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

// unknownVersion is ErrUnknownKeyVersion of a secret. It is over when the keyring has been given
// the key.
type unknownVersion uint32

// Error implements error.
func (v unknownVersion) Error() string {
	return fmt.Sprintf("%v: version %d", ErrUnknownKeyVersion, uint32(v))
}

// Is makes it an ErrUnknownKeyVersion.
func (unknownVersion) Is(target error) bool { return target == ErrUnknownKeyVersion }

// RetryAfter is after how long a retry makes sense: a server reads its keys again once a second.
func (unknownVersion) RetryAfter() time.Duration { return time.Second }
