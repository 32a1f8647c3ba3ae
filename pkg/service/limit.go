package service

import "context"

// Limit bounds how many run something costly at once; the others wait their turn. A nil Limit does not bound.
type Limit struct{ slots chan struct{} }

// NewLimit allows n at once.
func NewLimit(n int) *Limit { return &Limit{slots: make(chan struct{}, n)} }

// Do runs fn when it is its turn, or returns the context's error if that ends before.
func (l *Limit) Do(ctx context.Context, fn func() error) error {
	if l == nil {
		return fn()
	}
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
		return fn()
	case <-ctx.Done():
		return ctx.Err()
	}
}
