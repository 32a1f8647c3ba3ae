package vault

import (
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxRecentDevices bounds the memory, to some megabytes.
const maxRecentDevices = 4096

// RecentDevices guesses the present state of a device, so that an upsert need not read it first.
// The guess is the state that this process saved last; of a hostname that it has not saved, it is
// that there is none, if that was right the last time. A wrong guess changes nothing: a save names
// the revision that it changes, finds another one, and the upsert starts again with a read.
// It halves an upsert on PostgreSQL: 0.20 instead of 0.40 ms (BenchmarkDevices_Upsert).
type RecentDevices struct {
	// mu guards seen and unknown, for a look-up.
	mu      sync.Mutex
	seen    map[string]domain.Device
	unknown bool // whether the last one that was not seen turned out to be new
}

// guess returns what there probably is; false: nothing can be said.
func (r *RecentDevices) guess(hostname string) (domain.Device, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	device, ok := r.seen[domain.NameKey(hostname)]
	return device, ok || r.unknown
}

// Forget drops all.
func (r *RecentDevices) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.seen)
	r.unknown = false
}

// keep remembers a device as it was saved; created says that there was none.
func (r *RecentDevices) keep(device domain.Device, created bool) {
	// As the database keeps them.
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

// room forgets one when there are too many: any, which is the first that the map gives.
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
