package service

import (
	"context"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The bounds of imports that wait for their turn: what is beyond them is refused at once, and is told when to come back.
const (
	maxWaitingImports = 64
	maxWaitingBytes   = 128 << 20
	importRetry       = 5 * time.Second
)

// importQueue lets one import run at a time. A nil queue does not bound.
type importQueue struct {
	slot    chan struct{}
	mu      sync.Mutex
	waiting int
	bytes   int
}

func newImportQueue() *importQueue { return &importQueue{slot: make(chan struct{}, 1)} }

// Do runs fn, which needs a file of so many bytes, when it is its turn. Errors: Forbidden with ReasonLimit when too many wait already; that of the
// context if it ends before.
func (q *importQueue) Do(ctx context.Context, size int, fn func() error) error {
	if q == nil {
		return fn()
	}
	select {
	case q.slot <- struct{}{}:
	default:
		if err := q.wait(ctx, size); err != nil {
			return err
		}
	}
	defer func() { <-q.slot }()
	return fn()
}

func (q *importQueue) wait(ctx context.Context, size int) error {
	if !q.enter(size) {
		seconds := int(importRetry / time.Second)
		return &domain.Error{Kind: domain.Forbidden, Reason: domain.ReasonLimit, Args: []any{seconds}, Wait: importRetry}
	}
	defer q.leave(size)
	select {
	case q.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *importQueue) enter(size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting >= maxWaitingImports || q.waiting > 0 && q.bytes+size > maxWaitingBytes {
		return false
	}
	q.waiting, q.bytes = q.waiting+1, q.bytes+size
	return true
}

func (q *importQueue) leave(size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting, q.bytes = q.waiting-1, q.bytes-size
}
