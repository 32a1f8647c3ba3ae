package vault

import (
	"sync"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/bounded"
)

// holderMemory caches the authorizations that were read, by the key of the look-up. The cache
// belongs to one access.Knowledge and is emptied when that is replaced.
type holderMemory struct {
	mu      sync.RWMutex // guards all fields below, for a look-up
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
