package access

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// askTime bounds how long a request asks the database whether what is known of rights is current,
// and how long others wait for it.
const askTime = 5 * time.Second

// errAsking says that the database did not tell in time who may do what.
var errAsking = errors.New("access: the database does not say in time whether rights have changed")

// asking is a turn that is waited for no longer than askTime. The zero value is free.
type asking struct {
	once sync.Once
	turn chan struct{}
}

func (a *asking) place() chan struct{} {
	a.once.Do(func() { a.turn = make(chan struct{}, 1) })
	return a.turn
}

// try takes the turn if it is free.
func (a *asking) try() bool {
	select {
	case a.place() <- struct{}{}:
		return true
	default:
		return false
	}
}

// take waits for the turn. Errors: *domain.Unavailable after askTime; that of ctx.
func (a *asking) take(ctx context.Context) error {
	patience := time.NewTimer(askTime)
	defer patience.Stop()
	select {
	case a.place() <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return &domain.Unavailable{Err: errAsking}
	}
}

func (a *asking) leave() { <-a.turn }
