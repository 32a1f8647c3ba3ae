package pki

import (
	"context"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// familyMemory is how long the members of a family are remembered. A CA that is renewed gets a
// successor, which joins the family that late at most.
const familyMemory = time.Minute

// families remembers which CAs belong together. The zero value is empty.
type families struct {
	// mu guards known. It is held for a look-up, never while the database is asked.
	mu    sync.Mutex
	known map[int64]knownFamily
}

type knownFamily struct {
	ids  []int64
	read time.Time
}

// States returns the states of the lists that Chain returns, by CA. It signs nothing: a list may be
// due. Most of the time it is one statement. Errors: *domain.Error with Missing.
func (s *CRLs) States(ctx context.Context, caID int64) (map[int64]domain.CRLState, error) {
	ids, err := s.members(ctx, caID)
	if err != nil {
		return nil, err
	}
	return s.Store.CRLs().States(ctx, ids)
}

func (s *CRLs) members(ctx context.Context, caID int64) ([]int64, error) {
	now := s.Now()
	s.families.mu.Lock()
	known, ok := s.families.known[caID]
	s.families.mu.Unlock()
	if ok && now.Sub(known.read).Abs() < familyMemory {
		return known.ids, nil
	}
	f, err := readFamily(ctx, s.Store, caID, now)
	if err != nil {
		return nil, err
	}
	s.families.mu.Lock()
	defer s.families.mu.Unlock()
	if s.families.known == nil {
		s.families.known = map[int64]knownFamily{}
	}
	bounded.Remember(s.families.known, caID, knownFamily{f.ids, now})
	return f.ids, nil
}
