package turns

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// How many wait for something costly: of one caller, and of all.
const (
	turnQueue = 32
	turnTotal = 256
)

// RSA are for RSA keys, which take from a tenth of a second to many seconds, by so many workers.
func RSA(workers int) *Turns {
	return New(bounded.TurnBounds{Workers: workers, Each: workers, Queue: turnQueue, Total: turnTotal}, 15*time.Second)
}

// Derivations are for keys from passwords, a second at most. One worker stays free for another caller when one has as many as it may have.
func Derivations() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0) / 2)
}

// Passwords are for hashes of the passwords of users, some hundredths of a second.
func Passwords() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0))
}

// sharedTurns are by so many workers, two at least, of which one caller has half.
func sharedTurns(workers int) *Turns {
	workers = max(2, workers)
	return New(bounded.TurnBounds{Workers: workers, Each: workers / 2, Queue: turnQueue, Total: turnTotal}, 2*time.Second)
}

// Scans are for pages that have to be searched for. The workers are half of the connections that read at most, so that others find one.
func Scans() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0) / 2)
}

// searchTime is how long a page is searched for, on a million rows some seconds at most.
const searchTime = 5 * time.Second

// errScan is the cause when there was more to search than time.
var errScan = errors.New("the filter has no index, and what it finds is too far away")

// Search reads a page; where it has to be searched for, in the turn of the caller and for scanTime.
func Search[T any](ctx context.Context, turns *Turns, wide bool, read func(context.Context) (domain.Page[T], error)) (page domain.Page[T], err error) {
	if !wide {
		return read(ctx)
	}
	err = turns.Do(ctx, func() (err error) {
		bounded, cancel := context.WithTimeout(ctx, searchTime)
		defer cancel()
		page, err = read(bounded)
		if err != nil && bounded.Err() != nil && ctx.Err() == nil {
			return &domain.Unavailable{Err: errScan}
		}
		return err
	})
	return page, err
}
