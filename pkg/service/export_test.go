package service

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Known is how many tokens are remembered.
func (s *Access) Known() int {
	k := s.known.Load()
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.grants)
}

// CheckpointEvery is checkpointEvery, for the tests.
const CheckpointEvery = checkpointEvery

// TurnName is turnName, for the tests.
var TurnName = turnName

// ScanTime is scanTime, for the tests.
const ScanTime = scanTime

// Searched is searched, for the tests.
func Searched(ctx context.Context, turns *Turns, read func(context.Context) (domain.Page[int], error)) (domain.Page[int], error) {
	return searched(ctx, turns, true, read)
}
