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

// The bounds of imports: what is beyond them is refused at once, and is told when to come back.
const (
	maxWaitingImports = 64
	maxCallersImports = 16 // of one caller
	maxImportBytes    = 128 << 20
	importRetry       = 5 * time.Second
)

// ImportQueue lets one import run at a time, of the callers by turns. A nil queue does not bound.
type ImportQueue struct {
	turns *turns.Turns
	// mu guards files and bytes, for an addition; never while an import waits or runs.
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

// Do runs fn, which needs a file of so many bytes, when it is its turn. Errors: Forbidden with
// ReasonLimit when too many wait already; that of the context if it ends before.
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

// take makes room for a file. One that is alone may be as large as it is.
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
