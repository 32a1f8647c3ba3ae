package vault

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestImportQueue: one import runs at a time. The number of waiting imports, per caller and in all,
// and their bytes are bounded; imports beyond that are told to retry.
func TestImportQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ callers, each, size, fit int }{
		"of one caller": {1, maxCallersImports, 10, 1 + maxCallersImports},
		"of all":        {8, maxCallersImports, 10, 1 + maxWaitingImports},
		"large files":   {1, 9, maxImportBytes / 4, 4}, "one that is too large alone": {1, 9, maxImportBytes + 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, release, running := NewImportQueue(), make(chan struct{}), 0
				outcomes := make(chan error, test.fit)
				as := func(n int) context.Context {
					return domain.WithPrincipal(
						t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: int64(n % test.callers)},
					)
				}
				for n := range test.fit {
					go func() {
						outcomes <- q.Do(as(n), test.size, func() error {
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
				fault, ok := errors.AsType[*domain.Error](q.Do(as(0), test.size, func() error { return nil }))
				if !ok || fault.Reason != domain.ReasonLimit || fault.Wait != importRetry {
					t.Errorf("%v", fault)
				}
				close(release)
				for range test.fit {
					if err := <-outcomes; err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// TestImportQueue_Others: a caller with one import does not wait for all imports of another caller.
func TestImportQueue_Others(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := NewImportQueue()
		var order []int64
		var group sync.WaitGroup
		for n, caller := range []int64{1, 1, 1, 1, 2} {
			ctx := domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: caller})
			group.Go(func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				if err := q.Do(
					ctx, 1, func() error { time.Sleep(time.Second); order = append(order, caller); return nil },
				); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if !slices.Equal(order, []int64{1, 2, 1, 1, 1}) {
			t.Errorf("in the order %v", order)
		}
	})
}

func TestImportQueue_Canceled(t *testing.T) {
	t.Parallel()
	q := NewImportQueue()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := q.Do(t.Context(), 1, func() error { return q.Do(ctx, 1, func() error { return nil }) })
	if !errors.Is(err, context.Canceled) || q.files != 0 || q.bytes != 0 {
		t.Error(err, q.files, q.bytes)
	}
}
