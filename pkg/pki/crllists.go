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
	mu    sync.Mutex // guards the map, for as long as it takes to look something up
	lists map[int64]*list
}

// list is what this process knows of one CA's list. turn makes those who need a new one wait for one signature; only who has it may change
// anything but stale.
type list struct {
	turn        chan struct{}
	current     atomic.Pointer[SignedCRL]
	stale       atomic.Pointer[staleness] // nil while all is well
	seen        atomic.Pointer[domain.RevocationPoint]
	revocations []domain.Revocation // up to epoch, less those that were dropped
	epoch       int64
	last        domain.Revocation         // one of epoch
	lapsed      atomic.Bool               // the database has another history than what is known here
	ended       atomic.Pointer[SignedCRL] // the last list of the history that lapsed
	before      *lapsedList               // what has been compared with nothing yet
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

// keepOnly forgets the lists of CAs that another replica has deleted. The ids are in ascending order.
func (m *Lists) keepOnly(ids []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.lists {
		if _, there := slices.BinarySearch(ids, id); !there {
			delete(m.lists, id)
		}
	}
}

// Forget drops all lists: the database has another history. What was on them is kept until it has been compared with what is on the next ones.
func (m *Lists) Forget() {
	for _, l := range m.all() {
		if crl := l.current.Swap(nil); crl != nil {
			l.ended.Store(crl)
		}
		l.lapsed.Store(true)
		l.stale.Store(nil)
	}
}
