package service

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestImportQueue: one runs, so many wait, by their number and their bytes; the others are told to come back.
func TestImportQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ size, waiting int }{
		"small files": {10, maxWaitingImports}, "large files": {maxWaitingBytes / 4, 4}, "one that is too large alone": {maxWaitingBytes + 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, release, running := newImportQueue(), make(chan struct{}), 0
				outcomes := make(chan error, test.waiting+1)
				for range test.waiting + 1 {
					go func() {
						outcomes <- q.Do(t.Context(), test.size, func() error {
							if running++; running > 1 {
								t.Error("two at once")
							}
							<-release
							running--
							return nil
						})
					}()
					synctest.Wait()
				}
				fault, ok := errors.AsType[*domain.Error](q.Do(t.Context(), test.size, func() error { return nil }))
				if !ok || fault.Reason != domain.ReasonLimit || fault.Wait != importRetry {
					t.Errorf("%v", fault)
				}
				close(release)
				for range test.waiting + 1 {
					if err := <-outcomes; err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
	q, ctx := newImportQueue(), context.Context(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := q.Do(t.Context(), 1, func() error { return q.Do(ctx, 1, func() error { return nil }) })
	if !errors.Is(err, context.Canceled) || q.waiting != 0 || q.bytes != 0 {
		t.Error(err, q.waiting, q.bytes)
	}
}
