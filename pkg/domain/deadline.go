package domain

import (
	"context"
	"time"
)

type allowanceKey struct{}

// allowance is what a request got when it began.
type allowance struct {
	client context.Context // ends when the client goes away
	length time.Duration
	turn   func() // gives back the turn that the request has; nil: it has none, or keeps it
}

// WithAllowance bounds what is done for a request. What ctx is ends earlier when the client goes away.
func WithAllowance(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	bounded := context.WithValue(ctx, allowanceKey{}, &allowance{client: ctx, length: length})
	return context.WithTimeout(bounded, length)
}

// Renewed returns a context for which the time begins anew: for so long, or for as long as the request was given when length is 0. Who waits for something
// that has a bound of its own, as for an RSA key, uses one before and one after. Without an allowance, as in commands, there is nothing to renew.
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

// HoldTurn notes that a request has a turn among those that are served at once, which leave gives back; it may be called more than once. It is for the one
// who serves the request, before anything else is done with it.
func HoldTurn(ctx context.Context, leave func()) {
	if given, ok := ctx.Value(allowanceKey{}).(*allowance); ok {
		given.turn = leave
	}
}

// GiveTurn gives the turn of a request back, for good: it waits for something whose workers are counted apart, and others need not wait for it.
func GiveTurn(ctx context.Context) {
	if given, ok := ctx.Value(allowanceKey{}).(*allowance); ok && given.turn != nil {
		given.turn()
	}
}
