package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"
)

// site is a client as its writer knows it. One writer alone works on it.
type site struct {
	id, ca  int64
	name    string
	serials []string // of its certificates that were answered, in their order
	revoked bool     // answered
	held    bool     // answered: it is suspended
	changes int      // of what is said of its certificates
	unsure  bool     // a request for it is unknown: it is left alone from then on
}

// ended says whether its certificate is revoked, for good or not.
func (s *site) ended() bool { return s.revoked || s.held }

// changed notes a change that was answered.
func (s *site) changed() { s.unsure, s.changes = false, s.changes+1 }

// apikey is an apikey that was answered.
type apikey struct {
	id     int64
	name   string
	token  string
	ended  time.Time // when its end was answered; zero: it was not
	unsure bool
}

// device is a device of the vault, which its writer changes again and again.
type device struct {
	hostname, id string
	register
}

// register is a record of which a writer knows some fields.
type register struct {
	path  string
	last  map[string]any // as it was answered
	maybe []change       // sent, and unknown
	ended bool           // its deletion was answered
	left  bool           // its deletion is unknown: it is there, or it is not
}

// change is one that was sent.
type change struct {
	at     time.Time
	fields map[string]any
}

// settle notes a change that was answered. One that is unknown may still happen after it, but only
// for a while after it was sent.
func (r *register) settle(c change) {
	r.last = c.fields
	r.maybe = slices.DeleteFunc(r.maybe, func(m change) bool { return c.at.Sub(m.at) > lateness })
}

// explain says why what was read can't be; nil: it is what was answered last, or unknown.
func (r *register) explain(read map[string]any) error {
	if agrees(read, r.last) {
		return nil
	}
	for _, m := range r.maybe {
		if agrees(read, m.fields) {
			return nil
		}
	}
	return fmt.Errorf("%s is %v; answered was %v, and unknown are %d others", r.path, pick(read, r.last), r.last, len(r.maybe))
}

// agrees says whether a record has these fields.
func agrees(read, want map[string]any) bool { return reflect.DeepEqual(pick(read, want), want) }

// pick takes the fields of a record that another one has.
func pick(read, of map[string]any) map[string]any {
	got := map[string]any{}
	for name := range of {
		got[name] = read[name]
	}
	return got
}

// ledger is what all writers know.
type ledger struct {
	mu      sync.Mutex // guards what follows, and sites and apikeys
	sites   []*site
	sent    map[string]bool    // names of sites that were sent
	ended   map[int64][]string // serials by CA whose revocation was answered; it only grows
	keys    []*apikey
	secrets []string // what no log may have
	devices []*device
	records []*register
	links   map[int64]bool // enrolments that were answered, and whether a claim was
	former  []string       // serials of the CA whose certificates have ended
	// expected is how often each thing has to be told by events at least: see told.
	expected map[string]int
	counts   map[string]int // answered writes
}

func newLedger() *ledger {
	return &ledger{
		sent: map[string]bool{}, ended: map[int64][]string{}, links: map[int64]bool{}, expected: map[string]int{},
		counts: map[string]int{},
	}
}

// expect notes what an event has to tell. The caller is within note.
func (l *ledger) expect(kind string, what any) { l.expected[told(kind, what)]++ }

// note changes the ledger, and counts an answered write unless what is empty.
func (l *ledger) note(what string, do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	if what != "" {
		l.counts[what]++
	}
}

// endedOf is a list of serials whose revocation was answered before now.
func (l *ledger) endedOf(ca int64) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended[ca]
}

// totals are the answered writes by kind.
func (l *ledger) totals() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}
