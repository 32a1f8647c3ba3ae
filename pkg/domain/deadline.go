package domain

import (
	"context"
	"time"
)

type allowanceKey struct{}

// allowance is the time and the turn that a request was given when it began.
type allowance struct {
	client context.Context // ends when the client goes away
	length time.Duration
	turn   func() // gives back the turn that the request holds; nil: it holds none, or keeps it
}

// WithAllowance sets the timeout of a request. The returned context ends earlier when ctx does:
// when the client goes away.
func WithAllowance(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	bounded := context.WithValue(ctx, allowanceKey{}, &allowance{client: ctx, length: length})
	return context.WithTimeout(bounded, length)
}

// Renewed returns a context with a fresh timeout: length, or that of the request when length is 0.
// A caller that waits for something with a bound of its own, such as an RSA key, uses one context
// before the wait and one after. Without an allowance, as in commands, or when the client has gone
// away, there is nothing to renew and ctx is returned.
func Renewed(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	given, ok := ctx.Value(allowanceKey{}).(*allowance)
	if !ok || given.client.Err() != nil {
		return ctx, func() {}
	}
	if length == 0 {
		length = given.length
	}
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), length)
	stop := context.AfterFunc(given.client, cancel)
	return fresh, func() { stop(); cancel() }
}

// HoldTurn records that a request holds a turn among those that are served at once. leave gives the
// turn back; it may be called more than once. The code that serves the request calls HoldTurn
// before it does anything else with it.
func HoldTurn(ctx context.Context, leave func()) {
	if given, ok := ctx.Value(allowanceKey{}).(*allowance); ok {
		given.turn = leave
	}
}

// GiveTurn gives the turn of a request back, for good: the request waits for something whose
// workers are counted separately, and other requests need not wait for that.
func GiveTurn(ctx context.Context) {
	if given, ok := ctx.Value(allowanceKey{}).(*allowance); ok && given.turn != nil {
		given.turn()
	}
}
