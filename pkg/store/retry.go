package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// RetryReason is why the database has done nothing of a transaction, or of a statement outside one.
type RetryReason string

// The reasons. After each of them it is certain that nothing was committed.
const (
	// RetryOrder: it could not be put in an order with others (40001). Under READ COMMITTED, the
	// default of PostgreSQL, locks decide the order.
	RetryOrder RetryReason = "serialization"
	// RetryDeadlock: others waited for it, and it for them (40P01).
	RetryDeadlock RetryReason = "deadlock"
	// RetryLost: the connection was lost, or the server was shut down, before the COMMIT was sent.
	RetryLost RetryReason = "connection"
)

// RetryReasons are all reasons.
var RetryReasons = []RetryReason{RetryOrder, RetryDeadlock, RetryLost}

// Bounds of tries beside the context.
const (
	orderTries = 30               // after 40001 and 40P01
	lostTries  = 3                // after a lost connection: a server that goes on losing them is down
	retryFor   = 10 * time.Second // no further try begins later than this after the first
	// The pause before a try is random, up to firstPause before the second, and up to twice as long
	// before each further one.
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
)

// retries counts tries by their reason, those of all connections of a store.
type retries [3]atomic.Int64

func (r *retries) of(reason RetryReason) *atomic.Int64 {
	return &r[slices.Index(RetryReasons, reason)]
}

// Retried returns how many tries were repeated for a reason since the store was opened.
func (s *Store) Retried(reason RetryReason) int64 { return s.seen.retried.of(reason).Load() }

// tryAgain bounds the tries of one transaction or statement.
type tryAgain struct {
	seen  *observer
	begun time.Time
	count int
	pause time.Duration
}

func (o *observer) firstTry() tryAgain {
	return tryAgain{seen: o, begun: time.Now(), count: 1, pause: firstPause}
}

// after pauses after a try that has failed for a reason; "" is none. It reports whether another try
// may begin.
func (t *tryAgain) after(ctx context.Context, reason RetryReason) bool {
	most := orderTries
	if reason == RetryLost {
		most = lostTries
	}
	if reason == "" || t.count >= most || time.Since(t.begun) > retryFor {
		return false
	}
	select {
	case <-ctx.Done():
	case <-time.After(rand.N(t.pause)):
	}
	if ctx.Err() != nil {
		return false
	}
	t.count, t.pause = t.count+1, min(2*t.pause, longestPause)
	t.seen.retried.of(reason).Add(1)
	return true
}

// rolledBack is why the server has rolled back for the sake of others; "" if it has not. It is so
// after a COMMIT as well.
func rolledBack(err error) RetryReason {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pg.Code == "40001":
		return RetryOrder
	case ok && pg.Code == "40P01":
		return RetryDeadlock
	}
	return ""
}

// lostBefore is RetryLost after the error of a statement whose connection was lost, or ended by the
// server. It is not for an error of COMMIT: the server may have committed before it was lost.
func lostBefore(err error) RetryReason {
	away, ok := errors.AsType[*domain.Unavailable](err)
	if !ok || !isAway(away.Err) || errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && !strings.HasPrefix(pg.Code, "57P") {
		return "" // 25006: the server takes no writes, now and in a moment
	}
	return RetryLost
}

// isPlain reports whether a statement reads or changes rows. Others, such as CREATE INDEX
// CONCURRENTLY, may leave something behind when they fail.
func isPlain(text string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch strings.ToUpper(verb) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// errRehearsed fails the first try of a transaction that is rehearsed.
var errRehearsed = &pgconn.PgError{Code: "40001", Message: "this try is a rehearsal"}

// Rehearse makes the first try at each transaction fail at its end, as if the server could not
// commit it, on SQLite too. It is for tests: they show that what a transaction runs can be run
// twice, and is done once. It returns what was set before.
func (s *Store) Rehearse(on bool) (was bool) {
	was, s.rehearsed = s.rehearsed, on
	return was
}
