package events_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestStream_Watch: it looks at once, again after a change, and no more once the time has passed,
// it has found something or it can't look.
func TestStream_Watch(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	keep(t, w)
	made := Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	looks := make(chan int)
	ended := make(chan error)
	watch := func(wait time.Duration, last int, failure error) {
		count := 0
		ended <- w.Stream.Watch(Operator(t), wait, func(context.Context) (bool, error) {
			count++
			looks <- count
			if count == last {
				return true, failure
			}
			return false, nil
		})
	}
	go watch(time.Minute, 2, nil)
	<-looks
	updates(t, w, made.ID, 1)
	<-looks
	Check(t, <-ended)

	failure := errors.New("no database")
	go watch(time.Minute, 1, failure)
	<-looks
	if err := <-ended; !errors.Is(err, failure) {
		t.Errorf("it ended with %v", err)
	}

	go watch(50*time.Millisecond, 2, nil)
	<-looks
	Check(t, <-ended)

	go watch(time.Minute, 2, nil)
	<-looks
	w.Stream.Drain()
	Check(t, <-ended)
}

// TestStream_Watch_Pace: many changes are looked at once in a while.
func TestStream_Watch_Pace(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	keep(t, w)
	made := Must(w.Roles.Create(Operator(t), domain.Role{Name: Fresh("role")}))(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			updates(t, w, made.ID, 5)
		}
	}()
	count := 0
	Check(t, w.Stream.Watch(Operator(t), 1500*time.Millisecond, func(context.Context) (bool, error) {
		count++
		return false, nil
	}))
	stop()
	<-done
	// On a busy machine the second look may come late.
	if count == 0 || count > 2 {
		t.Errorf("it looked %d times in 1.5 s", count)
	}
}
