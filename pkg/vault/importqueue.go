package vault

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// The bounds of waiting imports. An import beyond them is refused at once and told to retry after
// importRetry.
const (
	maxWaitingImports = 64
	maxCallersImports = 16 // per caller
	maxImportBytes    = 128 << 20
	importRetry       = 5 * time.Second
)

// ImportQueue lets one import run at a time and alternates between the callers. A nil queue sets no
// bounds.
type ImportQueue struct {
	turns *turns.Turns
	// mu guards files and bytes, for an addition. It is not held while an import waits or runs.
	mu    sync.Mutex
	files int
	bytes int
}

// NewImportQueue returns an empty queue.
func NewImportQueue() *ImportQueue {
	return &ImportQueue{
		turns: turns.New(
			bounded.TurnBounds{Workers: 1, Each: 1, Queue: maxCallersImports, Total: maxWaitingImports}, importRetry,
		),
	}
}

// Do runs fn, which needs a file of size bytes, when its turn comes. Errors: Forbidden with
// ReasonLimit when too many imports wait already; the error of ctx if that ends first.
func (q *ImportQueue) Do(ctx context.Context, size int, fn func() error) error {
	if q == nil {
		return fn()
	}
	if !q.take(size) {
		return tooManyImports()
	}
	defer q.give(size)
	leave, err := q.turns.Enter(ctx)
	if _, many := errors.AsType[*domain.Unavailable](err); many {
		return tooManyImports()
	}
	if err != nil {
		return err
	}
	defer leave()
	return fn()
}

func tooManyImports() error {
	seconds := int(importRetry / time.Second)
	return &domain.Error{Kind: domain.Forbidden, Reason: domain.ReasonLimit, Args: []any{seconds}, Wait: importRetry}
}

// take reserves memory for a file, if there is enough. A file that is alone may have any size.
func (q *ImportQueue) take(size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.files > 0 && q.bytes+size > maxImportBytes {
		return false
	}
	q.files, q.bytes = q.files+1, q.bytes+size
	return true
}

func (q *ImportQueue) give(size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.files, q.bytes = q.files-1, q.bytes-size
}
