package service

// MaxKnown is maxKnown, for the tests.
const MaxKnown = maxKnown

// Known is how many tokens are remembered.
func (s *Access) Known() int {
	k := s.known.Load()
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.grants)
}

// CheckpointEvery is checkpointEvery, for the tests.
const CheckpointEvery = checkpointEvery
