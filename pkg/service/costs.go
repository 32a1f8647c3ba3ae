package service

import (
	"runtime"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// How many wait for something costly: of one caller, and of all.
const (
	turnQueue = 32
	turnTotal = 256
)

// RSATurns are for RSA keys, which take from a tenth of a second to many seconds, by so many workers; 0: by half of the processors.
func RSATurns(workers int) *Turns {
	if workers <= 0 {
		workers = ca.RSAWorkers()
	}
	return NewTurns(TurnBounds{Workers: workers, Each: workers, Queue: turnQueue, Total: turnTotal, Retry: 15 * time.Second})
}

// derivationTurns are for keys from passwords, a second at most. There is a worker for whoever comes while another caller has as many as one may have.
func derivationTurns() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0) / 2)
}

// passwordTurns are for hashes of the passwords of users, some hundredths of a second.
func passwordTurns() *Turns {
	return sharedTurns(runtime.GOMAXPROCS(0))
}

// sharedTurns are by so many workers, two at least, of which one caller has half.
func sharedTurns(workers int) *Turns {
	workers = max(2, workers)
	return NewTurns(TurnBounds{Workers: workers, Each: workers / 2, Queue: turnQueue, Total: turnTotal, Retry: 2 * time.Second})
}
