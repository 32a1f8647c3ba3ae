package bounded

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates are limits of this process: one bucket a key.
type Rates struct {
	// mu guards buckets, while one is looked up and used.
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// Take uses a bucket once, which lets so many a second through, and burst at once. When there is no room it says how long until there is.
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

// Neighbourhood is an address, or the network of 2^64 that one IPv6 customer has.
func Neighbourhood(address netip.Addr) string {
	address = address.Unmap()
	if address.Is6() {
		if prefix, err := address.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
