package events

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// watchPause is between two looks of a watch, however much happens meanwhile.
const watchPause = time.Second

// Watch calls look until it reports true: at once, and again when anything has happened. It is for
// those who find by themselves what has changed. It ends without an error after wait, MaxWait at
// most, or when the server stops. The turn of the request is given back meanwhile. Errors: those of
// look; *domain.Error with Forbidden when the caller has too many readers; *domain.Unavailable.
func (s *Stream) Watch(ctx context.Context, wait time.Duration, look func(context.Context) (bool, error)) error {
	r := &Reader{stream: s, who: callerOf(ctx)}
	if err := s.enter(r); err != nil {
		return err
	}
	defer r.Close()
	domain.GiveTurn(ctx)
	wait = min(wait, MaxWait)
	waiting, cancel := domain.Renewed(ctx, wait)
	defer cancel()
	bounded, cancelBound := context.WithTimeout(waiting, wait) // without an allowance nothing was renewed
	defer cancelBound()
	for {
		moved, began := s.movement(), time.Now()
		if done, err := inTime(ctx, look); done || err != nil {
			return err
		}
		if !comes(bounded, s.done, moved) || !comes(bounded, s.done, time.After(watchPause-time.Since(began))) {
			return nil
		}
	}
}

// movement returns what is closed when there is more in the stream.
func (s *Stream) movement() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

// inTime calls look with the time of a whole request.
func inTime(ctx context.Context, look func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := domain.Renewed(ctx, 0)
	defer cancel()
	return look(ctx)
}

// comes waits for something, and reports whether it has come before ctx or the server ends.
func comes[T any](ctx context.Context, end <-chan struct{}, something <-chan T) bool {
	select {
	case <-something:
		return true
	case <-end:
	case <-ctx.Done():
	}
	return false
}
