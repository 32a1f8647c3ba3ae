package vault

import (
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxRecentDevices bounds the cache, to a few megabytes.
const maxRecentDevices = 4096

// RecentDevices guesses the present state of a device, so that an upsert need not read it first.
// The guess is the state that this process saved last. For a hostname that is not in the cache, it
// is that there is no such device, if that was right the last time. A wrong guess changes nothing:
// a save names the revision that it changes, finds another one, and the upsert starts again with a
// read. This halves the time of an upsert on PostgreSQL: 0.20 instead of 0.40 ms
// (BenchmarkDevices_Upsert).
type RecentDevices struct {
	// mu guards seen and unknown, for a look-up.
	mu      sync.Mutex
	seen    map[string]domain.Device
	unknown bool // whether the last hostname that was not in the cache was that of a new device
}

// guess returns the probable state of a device; false if it can't guess.
func (r *RecentDevices) guess(hostname string) (domain.Device, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	device, ok := r.seen[domain.NameKey(hostname)]
	return device, ok || r.unknown
}

// Forget empties the cache.
func (r *RecentDevices) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.seen)
	r.unknown = false
}

// keep caches a device as it was saved. created says that the save has created it.
func (r *RecentDevices) keep(device domain.Device, created bool) {
	// The database keeps times in microseconds.
	device.CreatedAt, device.UpdatedAt = device.CreatedAt.Truncate(time.Microsecond),
		device.UpdatedAt.Truncate(time.Microsecond)
	key := domain.NameKey(device.Hostname)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[key]; !ok {
		r.unknown = created
		r.room()
	}
	r.seen[key] = device
}

// room evicts an arbitrary device, the first of the map's iteration, when the cache is full.
func (r *RecentDevices) room() {
	if r.seen == nil {
		r.seen = map[string]domain.Device{}
	}
	if len(r.seen) < maxRecentDevices {
		return
	}
	for key := range r.seen {
		delete(r.seen, key)
		return
	}
}
