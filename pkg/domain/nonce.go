package domain

import (
	"context"
	"time"
)

// Nonce is a number of OAuth 1.0 that must not be used twice with one key, token and time
// (RFC 5849, section 3.3).
type Nonce struct {
	Key, Token, Value string
	At                time.Time
}

// Nonces keeps the nonces of requests.
//
// The group Nonces of the suite tests it; Devices_Save tests nonces that are spent with a device.
type Nonces interface {
	// Spend stores a nonce. Two nonces are the same when key, token, value and time, in
	// microseconds, are equal. On PostgreSQL it waits for a transaction that has just spent the
	// same one. Errors: Duplicated on oauth_nonce when it was spent before, on any replica; that
	// does not doom the transaction.
	Spend(ctx context.Context, n Nonce) error
	// Purge removes the nonces from before a time, except those that are at most keep older than
	// the newest: a clock that is ahead must not remove what can still be replayed. Without nonces
	// it does nothing. It is two statements. It may be called inside a transaction, but is meant to
	// be called outside.
	Purge(ctx context.Context, before time.Time, keep time.Duration) error
}
