package bounded

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates are rate limits of this process, one bucket per key.
type Rates struct {
	// mu guards buckets. It is held while a bucket is looked up and used.
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// Take uses the bucket of a key once. The bucket allows perSecond uses a second, and burst at once.
// When it is exhausted, Take returns how long until there is room.
func (r *Rates) Take(key string, now time.Time, perSecond float64, burst int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	bucket, ok := r.buckets[key]
	if !ok {
		if r.buckets == nil {
			r.buckets = map[string]*rate.Limiter{}
		}
		bucket = rate.NewLimiter(rate.Limit(perSecond), burst)
		Remember(r.buckets, key, bucket)
	}
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// Neighbourhood returns the unit that rates are counted by: an IPv4 address, or the /64 network
// that one IPv6 customer has.
func Neighbourhood(address netip.Addr) string {
	address = address.Unmap()
	if address.Is6() {
		if prefix, err := address.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
