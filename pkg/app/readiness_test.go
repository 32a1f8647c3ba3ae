package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire"
)

func readinessOf(log *bytes.Buffer, checks ...check) *readiness {
	return newReadiness(checks, slog.New(slog.NewJSONHandler(log, nil)))
}

// TestReadiness_OneRoundForAll: a thousand concurrent requests cost one round. All requests within
// the next second share that round.
func TestReadiness_OneRoundForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int32
		r := readinessOf(&bytes.Buffer{}, check{"slow", func(context.Context) (string, error) {
			rounds.Add(1)
			time.Sleep(500 * time.Millisecond)
			return "", nil
		}})
		askAtOnce := func(want int32) {
			t.Helper()
			var group sync.WaitGroup
			for range 1000 {
				group.Go(func() { r.answer(t.Context()) })
			}
			group.Wait()
			if n := rounds.Load(); n != want {
				t.Errorf("%d rounds, want %d", n, want)
			}
		}
		askAtOnce(1)
		time.Sleep(checkMemory - time.Millisecond)
		askAtOnce(1)
		time.Sleep(2 * time.Millisecond)
		askAtOnce(2)
	})
}

// TestReadiness_NobodyWaitsForOldNews: a request during the next round gets the result of the last
// one at once.
func TestReadiness_NobodyWaitsForOldNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := readinessOf(&bytes.Buffer{}, check{"slow", func(context.Context) (string, error) {
			time.Sleep(time.Second)
			return "", nil
		}})
		r.answer(t.Context())
		time.Sleep(checkMemory)
		go r.answer(t.Context())
		synctest.Wait()
		begin := time.Now()
		if got := r.answer(t.Context()); len(got) != 1 || time.Since(begin) != 0 {
			t.Errorf("%v after %s", got, time.Since(begin))
		}
		time.Sleep(checkTimeout) // the round ends
	})
}

// TestReadiness_WhoGoesAwayChangesNothing: the round of a canceled request continues, and answers
// the next request.
func TestReadiness_WhoGoesAwayChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int32
		r := readinessOf(&bytes.Buffer{}, check{"slow", func(ctx context.Context) (string, error) {
			rounds.Add(1)
			select {
			case <-ctx.Done():
				return "cancelled", ctx.Err()
			case <-time.After(time.Second):
				return "", nil
			}
		}})
		gone, leave := context.WithCancel(t.Context())
		leave()
		r.answer(gone)
		want := []wire.Check{{Name: "slow"}}
		if diff := cmp.Diff(want, r.answer(t.Context())); diff != "" || rounds.Load() != 1 {
			t.Errorf("%d rounds (-want +got):\n%s", rounds.Load(), diff)
		}
	})
}

// TestReadiness_IsBounded: a check that does not return is a fault after two seconds. The results
// of the others are known, and it is not started again.
func TestReadiness_IsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int32
		release := make(chan struct{})
		var log bytes.Buffer
		r := readinessOf(&log,
			check{"stuck", func(context.Context) (string, error) {
				begun.Add(1)
				<-release
				return "", nil
			}},
			check{
				"failed", func(context.Context) (string, error) { return "it does not work", errors.New("the cause") },
			},
			check{"broken", func(context.Context) (string, error) { panic("a mistake") }},
			check{"good", func(context.Context) (string, error) { return "", nil }})
		want := []wire.Check{
			{Name: "stuck", Fault: lateFault}, {Name: "failed", Fault: "it does not work"},
			{Name: "broken", Fault: "the check failed"}, {Name: "good"},
		}
		for _, took := range []time.Duration{checkTimeout, 0, 0} { // a check that still runs is not waited for again
			begin := time.Now()
			if diff := cmp.Diff(want, r.answer(t.Context())); diff != "" || time.Since(begin) != took {
				t.Errorf("after %s (-want +got):\n%s", time.Since(begin), diff)
			}
			time.Sleep(checkStale)
		}
		if n := begun.Load(); n != 1 {
			t.Errorf("the check that is stuck was begun %d times", n)
		}
		close(release)
		synctest.Wait()
		if got := r.answer(t.Context()); got[0].Fault != "" {
			t.Errorf("afterwards: %v", got)
		}
		for text, times := range map[string]int{
			`"error":"the cause"`: 1, `"error":"panic: a mistake"`: 1, `"msg":"ready again","check":"stuck"`: 1,
		} {
			if n := strings.Count(log.String(), text); n != times {
				t.Errorf("%s is %d times in the log:\n%s", text, n, log.String())
			}
		}
	})
}

func TestWriteProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("the disk is full")
		var outcome error
		var writes int
		write := func(ctx context.Context, _ string, _ time.Time) error {
			writes++
			if outcome == context.DeadlineExceeded {
				<-ctx.Done()
			}
			return outcome
		}
		p := newWriteProbe()
		try := func(what string, set error, wait time.Duration, wantWrites int, want error) {
			t.Helper()
			time.Sleep(wait)
			outcome = set
			if err := p.try(t.Context(), write); !errors.Is(err, want) || (err == nil) != (want == nil) ||
				writes != wantWrites {
				t.Errorf("%s: %v after %d writes, want %v after %d", what, err, writes, want, wantWrites)
			}
		}
		try("at first", nil, 0, 1, nil)
		try("a moment later", failure, time.Second, 1, nil)
		try("some seconds later", failure, probeInterval-time.Second, 2, failure)
		try("at once again", failure, 0, 3, failure)
		try("a place was made", nil, 0, 4, nil)
		try("no end in sight", context.DeadlineExceeded, probeInterval, 5, nil)
		try("for long", context.DeadlineExceeded, probePatience, 6, context.DeadlineExceeded)
	})
}

// TestReadiness_Recent: a question for the last result does not wait. When the result is old, the
// question begins the next round.
func TestReadiness_Recent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int32
		r := readinessOf(&bytes.Buffer{}, check{"slow", func(context.Context) (string, error) {
			rounds.Add(1)
			time.Sleep(500 * time.Millisecond)
			return "", nil
		}})
		for _, step := range []struct {
			after  time.Duration
			found  int
			rounds int32
		}{{0, 0, 1}, {100 * time.Millisecond, 0, 1}, {time.Second, 1, 1}, {time.Second, 1, 2}} {
			time.Sleep(step.after)
			begin := time.Now()
			found := r.recent()
			synctest.Wait()
			if len(found) != step.found || rounds.Load() != step.rounds || !time.Now().Equal(begin) {
				t.Errorf("%+v: %v, %d rounds", step, found, rounds.Load())
			}
		}
		time.Sleep(time.Second)
	})
}
