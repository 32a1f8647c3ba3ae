package domain

import (
	"context"
	"time"
)

// SigningKey is a key that access tokens and sessions are signed with, sealed under the master key. The newest that is in force signs, all
// verify. It is in force some seconds after it was made, so that every replica knows it before it meets its first token.
type SigningKey struct {
	ID        string
	Sealed    []byte
	CreatedAt time.Time
}

// SigningKeys keeps the keys of tokens.
type SigningKeys interface {
	// List returns all, the oldest first.
	List(ctx context.Context) ([]SigningKey, error)
	Create(ctx context.Context, k SigningKey) error
	// Delete removes keys; ids that are gone are passed over.
	Delete(ctx context.Context, ids []string) error
}

// MaxThrottle is how long a full bucket takes to empty at most.
const MaxThrottle = 24 * time.Hour

// Throttles slow those down who try too often, over all replicas. Each key is a bucket that fills by one use and empties by one every interval.
type Throttles interface {
	// Take uses the bucket once. When it is full it takes nothing and says how long until there is room. size intervals are no more than MaxThrottle. A bucket
	// that empties later than a full one can, by more than replicas' clocks differ, was filled by a clock that was wrong, and counts as empty.
	Take(ctx context.Context, key string, now time.Time, interval time.Duration, size int) (wait time.Duration, err error)
	// Empty forgets the uses of a bucket.
	Empty(ctx context.Context, key string) error
	// Purge removes the buckets that are empty at the time now, and those that empty later than any can.
	Purge(ctx context.Context, now time.Time) error
}
