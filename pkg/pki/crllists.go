package pki

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Lists are the lists that this process has served, by CA. The zero value has none.
type Lists struct {
	mu    sync.Mutex // guards the map, for a look-up; what a list has is guarded by its turn
	lists map[int64]*list
}

// list is what this process knows of one CA's list. turn guards all that is no atomic. It is held
// while the state and the revocations are read, and a list is signed and published, so that
// requests which need a new list wait for one signature; each step at the database is bounded, the
// longest by crlReadTime. The atomics are loaded without it.
type list struct {
	turn chan struct{}
	// current is the list that is served. It is stored under turn; Forget takes it away without.
	current atomic.Pointer[SignedCRL]
	// stale is nil while all is well. It is stored without turn, by a request that gets the last
	// list, and taken away by one that gets a good one, and by Forget.
	stale atomic.Pointer[staleness]
	// seen is the state that the list was last taken to. It is stored under turn.
	seen        atomic.Pointer[domain.RevocationPoint]
	revocations []domain.Revocation // up to epoch, less those that were dropped
	epoch       int64
	last        domain.Revocation // one of epoch
	// lapsed says that the database has another history than what is known here. Forget sets it
	// without turn; it is cleared under turn, when what was known is forgotten.
	lapsed atomic.Bool
	// ended is the last list of the history that lapsed. Forget stores it without turn; it is taken
	// under turn.
	ended  atomic.Pointer[SignedCRL]
	before *lapsedList // what has been compared with nothing yet
}

// of returns the list of a CA, which is empty the first time.
func (m *Lists) of(caID int64) *list {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.lists[caID]
	if !ok {
		if m.lists == nil {
			m.lists = map[int64]*list{}
		}
		l = &list{turn: make(chan struct{}, 1)}
		m.lists[caID] = l
	}
	return l
}

// known returns the list of a CA, or nil.
func (m *Lists) known(caID int64) *list {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lists[caID]
}

func (m *Lists) all() []*list {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.lists))
}

// drop forgets the list of a CA.
func (m *Lists) drop(caID int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lists, caID)
}

// keepOnly forgets the lists of CAs that another replica has deleted. The ids are in ascending
// order.
func (m *Lists) keepOnly(ids []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.lists {
		if _, there := slices.BinarySearch(ids, id); !there {
			delete(m.lists, id)
		}
	}
}

// Forget drops all lists: the database has another history. What was on them is kept until it has
// been compared with what is on the next ones.
func (m *Lists) Forget() {
	for _, l := range m.all() {
		if crl := l.current.Swap(nil); crl != nil {
			l.ended.Store(crl)
		}
		l.lapsed.Store(true)
		l.stale.Store(nil)
	}
}
