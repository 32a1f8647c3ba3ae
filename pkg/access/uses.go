package access

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Uses collects when apikeys were last used, so that not every request writes.
type Uses struct {
	// mu guards pending. It is held for a look-up, or while all of it is copied, never while uses
	// are stored.
	mu      sync.Mutex
	pending map[int64]domain.APIKeyUse
}

func (u *Uses) note(use domain.APIKeyUse) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending == nil {
		u.pending = map[int64]domain.APIKeyUse{}
	}
	if !use.At.Before(u.pending[use.ID].At) {
		u.pending[use.ID] = use
	}
}

func (u *Uses) drain() []domain.APIKeyUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := slices.Collect(maps.Values(u.pending))
	clear(u.pending)
	return list
}

// Forget drops all uses: another apikey may have the id of one that is gone.
func (u *Uses) Forget() { _ = u.drain() }

// usesBatch bounds how long one transaction of uses holds up other writers.
const usesBatch = 500

// StoreUses writes the collected uses. Uses that can't be written are lost: they are information
// for operators, not a record.
func (s *Authenticator) StoreUses(ctx context.Context) error {
	for batch := range slices.Chunk(s.Uses.drain(), usesBatch) {
		if err := s.Store.APIKeys().Used(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}
