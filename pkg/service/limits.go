package service

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits are rates of this process: one bucket a key.
type limits struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// take uses a bucket once, which lets so many a second through, and burst at once. When there is no room it says how long until there is.
func (l *limits) take(key string, now time.Time, perSecond rate.Limit, burst int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[key]
	if !ok {
		if l.buckets == nil {
			l.buckets = map[string]*rate.Limiter{}
		}
		bucket = rate.NewLimiter(perSecond, burst)
		remember(l.buckets, key, bucket)
	}
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// neighbourhood is an address, or the network of 2^64 that one IPv6 customer has.
func neighbourhood(address netip.Addr) string {
	address = address.Unmap()
	if address.Is6() {
		if prefix, err := address.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
