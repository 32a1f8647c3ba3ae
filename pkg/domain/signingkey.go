package domain

import (
	"context"
	"time"
)

// SigningKey is a key that access tokens and sessions are signed with, sealed under the master key.
// The newest key in force signs; all keys verify. A key comes into force some seconds after it was
// made, so that every replica knows it before it receives the first token signed with it.
type SigningKey struct {
	ID        string
	Sealed    []byte
	CreatedAt time.Time
}

// SigningKeys keeps the keys of tokens. Create and Delete must come after AccessControl.Advance in
// the same transaction: without it, other replicas go on using the keys that they have cached.
//
// The groups SigningKeys and Times of the suite test it.
type SigningKeys interface {
	// List returns all keys, the oldest first, and those of the same time by id.
	List(ctx context.Context) ([]SigningKey, error)
	// Create stores k under k.ID. An id that exists already is an error that is no *Error.
	Create(ctx context.Context, k SigningKey) error
	// Delete removes keys; ids that do not exist are skipped, and an empty list is a no-op.
	Delete(ctx context.Context, ids []string) error
}

// MaxThrottle is the longest time that a full bucket takes to empty.
const MaxThrottle = 24 * time.Hour

// Throttles slows down callers that try too often, over all replicas together. Each key is a
// bucket: each use adds one, and one drains away every interval.
//
// The groups Throttles and Deadlines of the suite test it.
type Throttles interface {
	// Take uses the bucket once. When it is full, Take adds nothing and returns how long until
	// there is room, at least a microsecond; otherwise it returns 0. Of many concurrent calls at
	// most size get through. interval is at least a microsecond, size at least 1, and size
	// intervals are no more than MaxThrottle. A bucket that empties later than a full one can, by
	// more than a minute, was filled by a clock that was wrong, and counts as empty: the clocks of
	// replicas differ by less.
	//
	// The use is counted by one statement; how long to wait is read by another. It is meant to be
	// called outside a transaction: inside, other callers of the bucket wait until the transaction
	// ends, and a rollback undoes the use.
	Take(ctx context.Context, key string, now time.Time, interval time.Duration,
		size int) (wait time.Duration, err error)
	// Empty forgets the uses of a bucket. If the bucket does not exist, it is a no-op.
	Empty(ctx context.Context, key string) error
	// Purge removes the buckets that are empty at the time now, and those that empty later than any
	// bucket can, by more than a minute.
	Purge(ctx context.Context, now time.Time) error
}
