package vault

import (
	"sync"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/bounded"
)

// holderMemory has the authorizations that were read, by what they were asked for. What it has goes
// with one knowledge of who may do what: it is dropped when that is replaced.
type holderMemory struct {
	mu      sync.RWMutex // guards all that follows, for a look-up
	of      *access.Knowledge
	holders map[string]holder
}

func (m *holderMemory) get(of *access.Knowledge, key string) (holder, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.of != of {
		return holder{}, false
	}
	found, ok := m.holders[key]
	return found, ok
}

func (m *holderMemory) keep(of *access.Knowledge, key string, found holder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of != of {
		m.of, m.holders = of, map[string]holder{}
	}
	bounded.Remember(m.holders, key, found)
}
