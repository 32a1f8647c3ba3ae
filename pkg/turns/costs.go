package turns

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// How many jobs may wait for a costly resource: of one caller, and of all callers.
const (
	turnQueue = 32
	turnTotal = 256
)

// RSA are the turns for RSA keys, which take from a tenth of a second to many seconds, with that
// many workers.
func RSA(workers int) *Turns {
	return New(bounded.TurnBounds{Workers: workers, Each: workers, Queue: turnQueue, Total: turnTotal}, 15*time.Second)
}

// Derivations are the turns for keys derived from passwords, which take a second at most. When one
// caller has as many workers as it may have, one is still free for another.
func Derivations() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0) / 2)
}

// Passwords are the turns for hashes of users' passwords, which take some hundredths of a second.
func Passwords() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0))
}

// Imports are the turns for imports of many certificates: one at a time, because each holds all
// that it imports in memory. Few may wait, for the same reason.
func Imports() *Turns {
	return New(bounded.TurnBounds{Workers: 1, Each: 1, Queue: 6, Total: 12}, 5*time.Second)
}

// sharedTurns have at least two workers, of which one caller may use half.
func sharedTurns(workers int) *Turns {
	workers = max(2, workers)
	return New(
		bounded.TurnBounds{Workers: workers, Each: workers / 2, Queue: turnQueue, Total: turnTotal}, 2*time.Second,
	)
}

// Scans are the turns for pages that the database has to scan for. The workers are at most half of
// the connections that read, so that other requests find a free one.
func Scans() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0) / 2)
}

// searchTime is the timeout of a scan for a page; on a million rows a scan takes some seconds at
// most.
const searchTime = 5 * time.Second

// errScan is the cause of the error when a scan exceeds its timeout.
var errScan = errors.New("the filter has no index, and what it finds is too far away")

// After a scan its worker rests: restFactor times as long as the scan took, within these bounds. So
// the scans of all callers together leave most of the processors to other requests, however many
// wait. A scan that ends at once rests too, because its request has taken more time than the scan.
const (
	restFactor = 4
	minRest    = 2 * time.Millisecond
	maxRest    = time.Second
)

func rest(took time.Duration) time.Duration { return min(max(restFactor*took, minRest), maxRest) }

// Search reads a page. If the database has to scan for it (wide), it does so in the caller's turn
// and within searchTime. The turn lasts until the worker has rested; Search returns before.
func Search[T any](
	ctx context.Context, turns *Turns, wide bool, read func(context.Context) (domain.Page[T], error),
) (page domain.Page[T], err error) {
	if !wide {
		return read(ctx)
	}
	leave, err := turns.Enter(ctx)
	if err != nil {
		return page, err
	}
	began := time.Now()
	defer func() { time.AfterFunc(rest(time.Since(began)), leave) }()
	bounded, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	page, err = read(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = &domain.Unavailable{Err: errScan}
	}
	return page, err
}
