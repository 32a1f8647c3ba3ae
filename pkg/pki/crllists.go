package pki

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Lists caches the lists that this process has served, by CA. The zero value is empty.
type Lists struct {
	mu    sync.Mutex // guards the map, for a look-up; the content of a list is guarded by its turn
	lists map[int64]*list
}

// list is what this process has cached of one CA's list. turn guards all fields that are not
// atomic. It is held while the state and the revocations are read and a list is signed and
// published, so that concurrent requests wait for one signature. Each database step in it has a
// timeout, of which crlReadTime is the longest. The atomics are loaded without it.
type list struct {
	turn chan struct{}
	// current is the list that is served. It is stored under turn. Forget clears it without turn.
	current atomic.Pointer[SignedCRL]
	// stale is nil while the list is current. It is stored without turn, by a request that gets the
	// last list. It is cleared by a request that gets a good one, and by Forget.
	stale atomic.Pointer[staleness]
	// seen is the state to which the list was last brought. It is stored under turn.
	seen        atomic.Pointer[domain.RevocationPoint]
	revocations []listed // up to epoch, without those that were dropped
	epoch       int64
	last        domain.Revocation // one of the revocations of epoch
	// lapsed says that the database has another history than the cached one. Forget sets it without
	// turn. It is cleared under turn, when the cached state is dropped.
	lapsed atomic.Bool
	// ended is the last list of the history that has ended. Forget stores it without turn. It is
	// taken under turn.
	ended atomic.Pointer[SignedCRL]
	// counted is what was read of the list that is served. It is stored without turn.
	counted atomic.Pointer[countedCRL]
	before  *lapsedList // revocations of an ended history, not yet compared with the present ones
}

// of returns the list of a CA, and creates it at the first call.
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

// drop evicts the list of a CA.
func (m *Lists) drop(caID int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lists, caID)
}

// keepOnly evicts the lists of CAs that another replica has deleted. The ids are in ascending
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

// Forget drops all lists, because the database has another history. Their revocations are kept
// until they are compared with those of the next lists.
func (m *Lists) Forget() {
	for _, l := range m.all() {
		if crl := l.current.Swap(nil); crl != nil {
			l.ended.Store(crl)
		}
		l.lapsed.Store(true)
		l.stale.Store(nil)
	}
}
