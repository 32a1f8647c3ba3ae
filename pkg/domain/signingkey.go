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

// SigningKeys keeps the keys of tokens. Create and Delete belong behind AccessControl.Advance in
// the same transaction: without it other replicas go on with the keys that they know.
//
// The groups SigningKeys and Times of the suite hold it.
type SigningKeys interface {
	// List returns all keys, the oldest first, and of the same time by id.
	List(ctx context.Context) ([]SigningKey, error)
	// Create stores k under the id that it has. An id that is there already is an error that is no
	// *Error.
	Create(ctx context.Context, k SigningKey) error
	// Delete removes keys; ids that do not exist are passed over, and no ids is nothing.
	Delete(ctx context.Context, ids []string) error
}

// MaxThrottle is how long a full bucket takes to empty at most.
const MaxThrottle = 24 * time.Hour

// Throttles slows down callers that try too often, over all replicas together. Each key is a bucket
// that fills by one use and empties by one every interval.
//
// The groups Throttles and EndedContext of the suite hold it.
type Throttles interface {
	// Take uses the bucket once. When it is full it takes nothing and returns how long until there
	// is room, at least a microsecond; otherwise it returns 0. Of many calls at once no more than
	// size get through. interval is at least a microsecond, size at least 1, and size intervals are
	// no more than MaxThrottle. A bucket that empties later than a full one can, by more than a
	// minute, was filled by a clock that was wrong, and counts as empty: the clocks of replicas
	// differ by less.
	//
	// The use is counted by one statement; how long to wait is read by another. It is meant for
	// outside a transaction: inside, it keeps others from the bucket until the end, and a rollback
	// takes the use back.
	Take(ctx context.Context, key string, now time.Time, interval time.Duration, size int) (wait time.Duration, err error)
	// Empty forgets the uses of a bucket. A bucket that does not exist is nothing.
	Empty(ctx context.Context, key string) error
	// Purge removes the buckets that are empty at the time now, and those that empty later than any
	// can, by more than a minute.
	Purge(ctx context.Context, now time.Time) error
}
