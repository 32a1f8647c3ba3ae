package events

import (
	"maps"
	"sync"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// tally counts events by their type. The zero value is empty.
type tally struct {
	mu     sync.Mutex // guards counts, for a pass over a batch
	counts map[domain.EventType]int64
}

func (t *tally) count(list []domain.StreamEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[domain.EventType]int64{}
	}
	for _, e := range list {
		t.counts[e.Type]++
	}
}

// Published is how many events of each type this process has put into the stream. Each event is put
// there by one replica, so the sum over all replicas is how many have happened.
func (s *Stream) Published() map[domain.EventType]int64 {
	s.published.mu.Lock()
	defer s.published.mu.Unlock()
	return maps.Clone(s.published.counts)
}
