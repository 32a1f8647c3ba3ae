package agent

import (
	"sync"
	"time"
)

// health is what an instance tells of itself. It is written by the goroutine of the instance, and
// read by that of the metrics.
type health struct {
	// mu guards everything below. It is held while a few values are copied.
	mu       sync.Mutex
	known    memory
	answered time.Time // when the service last answered
	lapsed   time.Time // when the last step ended
	failed   int       // steps since the last one without an error
	away     time.Time // since when nobody listens at the management socket; zero: somebody does
	logged   map[string]time.Time
	ended    int
	online   int
}

func (h *health) set(m memory) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.answered = m, m.ConfirmedAt
}

func (h *health) confirmed(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = now
}

func (h *health) stepped(m memory, now time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known, h.lapsed = m, now
	if err == nil {
		h.failed = 0
		return
	}
	h.failed++
}

func (h *health) connected(online, ended int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.online, h.ended = online, ended
}

func (h *health) present() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away = time.Time{}
}

func (h *health) absentFor(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away.IsZero() {
		h.away = now
	}
	return now.Sub(h.away)
}

// logEvery is how often the same thing is logged.
const logEvery = time.Minute

func (h *health) mayLog(what string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last, ok := h.logged[what]; ok && now.Sub(last).Abs() < logEvery {
		return false
	}
	if h.logged == nil {
		h.logged = map[string]time.Time{}
	}
	h.logged[what] = now
	return true
}
