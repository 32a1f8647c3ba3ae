package domain

import (
	"context"
	"errors"
	"time"
)

// Unavailable says that what was asked for can't be had at the moment, through no fault of the caller's: the database does not answer, or there is too
// much to do. It is worth to try again.
type Unavailable struct {
	Err   error
	After time.Duration // when; 0: in a few seconds
}

// Error implements error.
func (u *Unavailable) Error() string { return u.Err.Error() }

// Unwrap gives the cause.
func (u *Unavailable) Unwrap() error { return u.Err }

// ErrOverloaded is the cause of a refusal because there is too much to do.
var ErrOverloaded = errors.New("too many requests at once")

// retryAfter is when to try again if nothing better is known.
const retryAfter = 5 * time.Second

// RetryAfter tells when it is worth to try again; 0 for errors that stay. What took longer than its deadline counts among those that pass.
func RetryAfter(err error) time.Duration {
	if u, ok := errors.AsType[*Unavailable](err); ok && u.After > 0 {
		return u.After
	} else if ok || errors.Is(err, context.DeadlineExceeded) {
		return retryAfter
	}
	return 0
}
