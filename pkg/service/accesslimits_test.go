package service_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

var (
	wrongAddress = fault{domain.Forbidden, "authorization", domain.ReasonAddress}
	tooMany      = fault{domain.Forbidden, "authorization", domain.ReasonLimit}
)

// from is a context of a request from an address.
func from(ctx context.Context, address string) context.Context {
	origin := domain.Origin{Operation: "test", RequestID: "request-1"}
	if address != "" {
		origin.Address = netip.MustParseAddr(address)
	}
	return domain.WithOrigin(ctx, origin)
}

func TestAccess_AllowedIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct {
		sentence       string
		allowed        []string
		admits, denies []string
	}{
		{"none: from anywhere", nil, []string{"192.0.2.1", "2001:db8::1", ""}, nil},
		{"an address", []string{"192.0.2.1"}, []string{"192.0.2.1", "::ffff:192.0.2.1"}, []string{"192.0.2.2", "::192.0.2.1", "2001:db8::1", ""}},
		{"an address as IPv6 writes it", []string{"::ffff:192.0.2.1"}, []string{"192.0.2.1", "::ffff:192.0.2.1"}, []string{"192.0.2.2"}},
		{"a network", []string{"10.1.2.3/16"}, []string{"10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3"}, []string{"10.2.0.0", "10.0.255.255"}},
		{"a network of IPv6", []string{"2001:db8::/32"}, []string{"2001:db8:ffff::1"}, []string{"2001:db9::1", "192.0.2.1"}},
		{"several", []string{"192.0.2.1", "2001:db8::1"}, []string{"192.0.2.1", "2001:db8::1"}, []string{"192.0.2.2", "2001:db8::2"}},
		{"all of IPv6 is not all of IPv4", []string{"::/0"}, []string{"2001:db8::1"}, []string{"192.0.2.1", "::ffff:192.0.2.1"}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			allowed := must(domain.ParseAllowedIPs(test.allowed))(t)
			key := w.newAPIKey(t, func(k *domain.APIKey) { k.AllowedIPs = allowed })
			for _, address := range test.admits {
				access := must(w.Access.Exchange(from(t.Context(), address), key.Token))(t)
				must(w.Access.Authenticate(from(t.Context(), address), access.Token, auth.Access))(t)
			}
			for _, address := range test.denies {
				wantTurnedAway(t, w, from(t.Context(), address), key, wrongAddress)
				access := must(w.Access.Exchange(from(t.Context(), test.admits[0]), key.Token))(t)
				_, err := w.Access.Authenticate(from(t.Context(), address), access.Token, auth.Access)
				wantFaults(t, err, wrongAddress)
			}
		})
	}
}

// wantTurnedAway checks that an apikey is known and yet not let in.
func wantTurnedAway(t testing.TB, w *world, ctx context.Context, key service.IssuedKey, want fault) {
	t.Helper()
	principal, err := w.Access.Authenticate(ctx, key.Token, auth.Refresh)
	wantFaults(t, err, want)
	wantSame(t, principal, key.Holder().Principal())
	access, err := w.Access.Exchange(ctx, key.Token)
	wantFaults(t, err, want)
	wantSame(t, access, service.AccessToken{})
	principal, access, err = w.Access.Resume(ctx, key.Token)
	wantFaults(t, err, want)
	wantSame(t, principal, key.Holder().Principal())
	wantSame(t, access, service.AccessToken{})
}

func TestAccess_RateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limitedTo := func(limit int) service.IssuedKey {
		return w.newAPIKey(t, func(k *domain.APIKey) { k.RateLimit = limit })
	}
	// wantThrough checks that n requests get through, and how long the next one has to wait.
	wantThrough := func(t *testing.T, key service.IssuedKey, n int, wait time.Duration) {
		t.Helper()
		for range n {
			w.authenticate(t, key.Token)
		}
		_, err := w.Access.Authenticate(t.Context(), key.Token, auth.Refresh)
		wantFaults(t, err, tooMany)
		told := domain.Faults(err)[0]
		wantSame(t, told.Wait, wait)
		wantSame(t, told.Args, []any{int(wait / time.Second)})
	}
	t.Run("the requests of ten seconds at once, then one at a time", func(t *testing.T) {
		key := limitedTo(60)
		wantThrough(t, key, 10, time.Second)
		wantTurnedAway(t, w, t.Context(), key, tooMany)
		w.clock.pass(time.Second)
		wantThrough(t, key, 1, time.Second)
		w.clock.pass(3 * time.Second)
		wantThrough(t, key, 3, time.Second)
		w.clock.pass(time.Hour)
		wantThrough(t, key, 10, time.Second)
	})
	t.Run("the wait is whole seconds, and enough", func(t *testing.T) {
		key := limitedTo(7) // one in 8.57 seconds
		wantThrough(t, key, 1, 9*time.Second)
		w.clock.pass(8 * time.Second)
		wantThrough(t, key, 0, time.Second)
		w.clock.pass(time.Second)
		wantThrough(t, key, 1, 9*time.Second)
	})
	t.Run("one a minute", func(t *testing.T) { wantThrough(t, limitedTo(1), 1, time.Minute) })
	t.Run("access tokens count as well, apikeys each by themselves", func(t *testing.T) {
		key, other := limitedTo(18), limitedTo(18)
		access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		must(w.Access.Authenticate(t.Context(), access, auth.Access))(t)
		wantThrough(t, key, 1, 4*time.Second)
		wantThrough(t, other, 3, 4*time.Second)
	})
	t.Run("another limit begins anew, none is none", func(t *testing.T) {
		key := limitedTo(1)
		wantThrough(t, key, 1, time.Minute)
		must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{RateLimit: new(12)}))(t)
		wantThrough(t, key, 2, 5*time.Second)
		must(w.APIKeys.Update(operator(t), key.ID, domain.APIKeyUpdate{RateLimit: new(0)}))(t)
		for range 100 {
			w.authenticate(t, key.Token)
		}
	})
}

func TestAccess_Uses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, idle := w.newAPIKey(t), w.newAPIKey(t), w.newAPIKey(t, func(k *domain.APIKey) { k.AllowedIPs = must(domain.ParseAllowedIPs([]string{"192.0.2.9"}))(t) })
	replica, asked := w.counting(t)
	use := func(w *world, key service.IssuedKey, address string) {
		t.Helper()
		must(w.Access.Authenticate(from(t.Context(), address), key.Token, auth.Refresh))(t)
	}
	wantUsed := func(key service.IssuedKey, at time.Time, address string) {
		t.Helper()
		got := must(w.APIKeys.Get(operator(t), key.ID))(t)
		wantSame(t, got.LastUsedAt, at)
		wantSame(t, got.LastUsedIP, address)
		wantSame(t, got.UpdatedAt, key.UpdatedAt)
	}
	use(replica, one, "192.0.2.1")
	wantTurnedAway(t, replica, from(t.Context(), "192.0.2.1"), idle, wrongAddress)
	w.clock.pass(time.Millisecond)
	use(replica, one, "::ffff:192.0.2.2")
	use(replica, two, "")
	w.clock.pass(-time.Millisecond)
	use(replica, one, "192.0.2.3")
	wantUsed(one, time.Time{}, "")
	asked.want(t, "epoch", "signing keys", "apikeys", "apikeys", "apikeys")

	check(t, replica.Access.StoreUses(t.Context()))
	asked.want(t, "apikeys")
	wantUsed(one, noon.Add(time.Millisecond), "192.0.2.2")
	wantUsed(two, noon.Add(time.Millisecond), "")
	wantUsed(idle, time.Time{}, "")
	check(t, replica.Access.StoreUses(t.Context()))
	asked.want(t)

	use(w, one, "192.0.2.4") // of before, that another replica stores later
	check(t, w.Access.StoreUses(t.Context()))
	wantUsed(one, noon.Add(time.Millisecond), "192.0.2.2")
	wantSame(t, must(w.Audit.Page(t.Context(), domain.AuditFilter{Action: domain.ActionUpdate}, domain.PageRequest{Size: 10}))(t).Items, []domain.Event{})
}

// TestAccess_Uses_SetBack: what was noted of a key is not stored for another that has its id in another history.
func TestAccess_Uses_SetBack(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		restore := keep()
		gone := w.newAPIKey(t)
		must(w.Access.Authenticate(from(t.Context(), "192.0.2.1"), gone.Token, auth.Refresh))(t)
		restore()
		taken := w.replica(t).newAPIKey(t)
		wantSame(t, taken.ID, gone.ID) // otherwise this tests nothing
		check(t, w.History.Look(t.Context()))
		check(t, w.Access.StoreUses(t.Context()))
		wantSame(t, must(w.store.APIKeys().Get(t.Context(), taken.ID))(t).LastUsedAt, time.Time{})
	})
}

func TestServices_Run(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	w.authenticate(t, key.Token)
	stop()
	<-ended
	wantSame(t, must(w.APIKeys.Get(operator(t), key.ID))(t).LastUsedAt, noon)
}

// TestAccess_Memory: what is remembered of tokens does not grow for ever.
func TestAccess_Memory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newAPIKey(t)
	most := 0
	for range bounded.MaxKept + 10 {
		w.clock.pass(time.Second) // makes another token
		access := must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		w.authenticate(t, access)
		most = max(most, w.Access.Known())
	}
	wantSame(t, most, bounded.MaxKept)
	if known := w.Access.Known(); known > 20 {
		t.Errorf("%d tokens are remembered", known)
	}
}
