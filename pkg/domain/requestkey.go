package domain

import (
	"context"
	"crypto/sha256"
	"time"
)

// RequestKey is the Idempotency-Key of a request, as the client chose it. The zero value means that
// the request has none.
type RequestKey struct {
	Value  string            // up to MaxRequestKey visible ASCII characters
	Digest [sha256.Size]byte // of what the request asks for
}

// MaxRequestKey is how long an Idempotency-Key may be, in characters.
const MaxRequestKey = 255

// RequestKeyLife is how long the result of a request is kept for its repeats.
const RequestKeyLife = 24 * time.Hour

// KeptResult is what a request with an Idempotency-Key gave. Each caller has keys of its own.
type KeptResult struct {
	CallerKind PrincipalKind
	CallerID   int64
	Key        string
	At         time.Time
	Sealed     []byte // empty: reserved by a transaction that will keep the result
}

// RequestKeys keeps the results of requests with an Idempotency-Key.
//
// The group RequestKeys of the suite tests it.
type RequestKeys interface {
	// Keep stores a result, in the transaction of the change that gave it. It is false when the
	// caller has used the key since a time; then nothing is stored, and the transaction is not
	// doomed. On PostgreSQL it waits for a transaction that has just kept the same key.
	//
	// A result with nothing sealed reserves the key: Keep of the same transaction then replaces
	// it. It is for transactions that know the result only after they have appended to the audit,
	// which locks a chain. A reservation must not be committed alone.
	Keep(ctx context.Context, r KeptResult, since time.Time) (bool, error)
	// Find returns the sealed result of the caller's request with a key, if it was kept since a
	// time. Errors: Missing.
	Find(ctx context.Context, kind PrincipalKind, id int64, key string, since time.Time) ([]byte, error)
	// Purge removes the results from before a time.
	Purge(ctx context.Context, before time.Time) error
}
