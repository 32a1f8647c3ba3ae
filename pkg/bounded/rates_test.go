package bounded_test

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
)

func TestRates(t *testing.T) {
	t.Parallel()
	var rates bounded.Rates
	now := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	take := func(key string) time.Duration { return rates.Take(key, now, 0.5, 3) }
	for range 3 {
		wantSame(t, take("one"), 0)
	}
	wantSame(t, take("one"), 2*time.Second)
	wantSame(t, take("one"), 2*time.Second) // a refused use takes nothing
	wantSame(t, take("other"), 0)
	now = now.Add(2 * time.Second)
	wantSame(t, take("one"), 0)
}

func TestNeighbourhood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64",
	} {
		wantSame(t, bounded.Neighbourhood(netip.MustParseAddr(text)), want)
	}
}

func TestRemember(t *testing.T) {
	t.Parallel()
	known := map[string]int{}
	for i := range bounded.MaxKept {
		bounded.Remember(known, strconv.Itoa(i), i)
	}
	wantSame(t, len(known), bounded.MaxKept)
	bounded.Remember(known, "one more", 1)
	wantSame(t, known, map[string]int{"one more": 1})
}
