package domain

import (
	"context"
	"errors"
	"time"
)

// Unavailable says that the service can't do what was asked at the moment, through no fault of the
// caller: the database does not answer, or the service is overloaded. A retry makes sense.
type Unavailable struct {
	Err   error
	After time.Duration // until a retry makes sense; 0: a few seconds
}

// Error implements error.
func (u *Unavailable) Error() string { return u.Err.Error() }

// Unwrap gives the cause.
func (u *Unavailable) Unwrap() error { return u.Err }

// ErrOverloaded is the cause of a refusal because of overload.
var ErrOverloaded = errors.New("too many requests at once")

// retryAfter is the time until a retry if nothing better is known.
const retryAfter = 5 * time.Second

// temporary is an error of a package that does not know this one.
type temporary interface {
	error
	RetryAfter() time.Duration
}

// RetryAfter returns after how long a retry makes sense; 0 for permanent errors. An exceeded
// deadline counts as temporary, and so does what has a method RetryAfter that says so.
func RetryAfter(err error) time.Duration {
	if t, ok := errors.AsType[temporary](err); ok {
		return t.RetryAfter()
	}
	if u, ok := errors.AsType[*Unavailable](err); ok && u.After > 0 {
		return u.After
	} else if ok || errors.Is(err, context.DeadlineExceeded) {
		return retryAfter
	}
	return 0
}
