package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

var (
	wrongAddress = NewFault(domain.Forbidden, "authorization", domain.ReasonAddress)
	tooMany      = NewFault(domain.Forbidden, "authorization", domain.ReasonLimit)
)

func TestAccess_AllowedIPs(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	for _, test := range []struct {
		sentence       string
		allowed        []string
		admits, denies []string
	}{
		{"none: from anywhere", nil, []string{"192.0.2.1", "2001:db8::1", ""}, nil},
		{
			"an address", []string{"192.0.2.1"}, []string{"192.0.2.1", "::ffff:192.0.2.1"},
			[]string{"192.0.2.2", "::192.0.2.1", "2001:db8::1", ""},
		},
		{
			"an address as IPv6 writes it", []string{"::ffff:192.0.2.1"}, []string{"192.0.2.1", "::ffff:192.0.2.1"},
			[]string{"192.0.2.2"},
		},
		{
			"a network", []string{"10.1.2.3/16"}, []string{"10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3"},
			[]string{"10.2.0.0", "10.0.255.255"},
		},
		{
			"a network of IPv6", []string{"2001:db8::/32"}, []string{"2001:db8:ffff::1"},
			[]string{"2001:db9::1", "192.0.2.1"},
		},
		{
			"several", []string{"192.0.2.1", "2001:db8::1"}, []string{"192.0.2.1", "2001:db8::1"},
			[]string{"192.0.2.2", "2001:db8::2"},
		},
		{
			"all of IPv6 is not all of IPv4", []string{"::/0"}, []string{"2001:db8::1"},
			[]string{"192.0.2.1", "::ffff:192.0.2.1"},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			allowed := Must(domain.ParseAllowedIPs(test.allowed))(t)
			key := w.NewAPIKey(t, func(k *domain.APIKey) { k.AllowedIPs = allowed })
			for _, address := range test.admits {
				access := Must(w.Access.Exchange(From(t.Context(), address), key.Token))(t)
				Must(w.Access.Authenticate(From(t.Context(), address), access.Token, auth.Access))(t)
			}
			for _, address := range test.denies {
				wantTurnedAway(t, w, From(t.Context(), address), key, wrongAddress)
				access := Must(w.Access.Exchange(From(t.Context(), test.admits[0]), key.Token))(t)
				_, err := w.Access.Authenticate(From(t.Context(), address), access.Token, auth.Access)
				WantFaults(t, err, wrongAddress)
			}
		})
	}
}

// wantTurnedAway checks that an apikey is authenticated and yet refused.
func wantTurnedAway(t testing.TB, w *World, ctx context.Context, key access.IssuedKey, want Fault) {
	t.Helper()
	principal, err := w.Access.Authenticate(ctx, key.Token, auth.Refresh)
	WantFaults(t, err, want)
	WantSame(t, principal, key.Holder().Principal())
	token, err := w.Access.Exchange(ctx, key.Token)
	WantFaults(t, err, want)
	WantSame(t, token, access.Token{})
	principal, token, err = w.Access.Resume(ctx, key.Token)
	WantFaults(t, err, want)
	WantSame(t, principal, key.Holder().Principal())
	WantSame(t, token, access.Token{})
}

func TestAccess_RateLimit(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	limitedTo := func(limit int) access.IssuedKey {
		return w.NewAPIKey(t, func(k *domain.APIKey) { k.RateLimit = limit })
	}
	// wantThrough checks that n requests are admitted, and how long the next one has to wait.
	wantThrough := func(t *testing.T, key access.IssuedKey, n int, wait time.Duration) {
		t.Helper()
		for range n {
			w.Authenticate(t, key.Token)
		}
		_, err := w.Access.Authenticate(t.Context(), key.Token, auth.Refresh)
		WantFaults(t, err, tooMany)
		told := domain.Faults(err)[0]
		WantSame(t, told.Wait, wait)
		WantSame(t, told.Args, []any{int(wait / time.Second)})
	}
	t.Run("the requests of ten seconds at once, then one at a time", func(t *testing.T) {
		key := limitedTo(60)
		wantThrough(t, key, 10, time.Second)
		wantTurnedAway(t, w, t.Context(), key, tooMany)
		w.Clock.Pass(time.Second)
		wantThrough(t, key, 1, time.Second)
		w.Clock.Pass(3 * time.Second)
		wantThrough(t, key, 3, time.Second)
		w.Clock.Pass(time.Hour)
		wantThrough(t, key, 10, time.Second)
	})
	t.Run("the wait is whole seconds, and enough", func(t *testing.T) {
		key := limitedTo(7) // one in 8.57 seconds
		wantThrough(t, key, 1, 9*time.Second)
		w.Clock.Pass(8 * time.Second)
		wantThrough(t, key, 0, time.Second)
		w.Clock.Pass(time.Second)
		wantThrough(t, key, 1, 9*time.Second)
	})
	t.Run("one a minute", func(t *testing.T) { wantThrough(t, limitedTo(1), 1, time.Minute) })
	t.Run("access tokens count as well, and each apikey has its own count", func(t *testing.T) {
		key, other := limitedTo(18), limitedTo(18)
		access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		Must(w.Access.Authenticate(t.Context(), access, auth.Access))(t)
		wantThrough(t, key, 1, 4*time.Second)
		wantThrough(t, other, 3, 4*time.Second)
	})
	t.Run("a changed limit starts a new count, and without one there is none", func(t *testing.T) {
		key := limitedTo(1)
		wantThrough(t, key, 1, time.Minute)
		Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{RateLimit: new(12)}))(t)
		wantThrough(t, key, 2, 5*time.Second)
		Must(w.APIKeys.Update(Operator(t), key.ID, domain.APIKeyUpdate{RateLimit: new(0)}))(t)
		for range 100 {
			w.Authenticate(t, key.Token)
		}
	})
}

func TestAccess_Uses(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	one, two, idle := w.NewAPIKey(t), w.NewAPIKey(t),
		w.NewAPIKey(t, func(k *domain.APIKey) { k.AllowedIPs = Must(domain.ParseAllowedIPs([]string{"192.0.2.9"}))(t) })
	replica, asked := counting(t, w)
	use := func(w *World, key access.IssuedKey, address string) {
		t.Helper()
		Must(w.Access.Authenticate(From(t.Context(), address), key.Token, auth.Refresh))(t)
	}
	wantUsed := func(key access.IssuedKey, at time.Time, address string) {
		t.Helper()
		got := Must(w.APIKeys.Get(Operator(t), key.ID))(t)
		WantSame(t, got.LastUsedAt, at)
		WantSame(t, got.LastUsedIP, address)
		WantSame(t, got.UpdatedAt, key.UpdatedAt)
	}
	use(replica, one, "192.0.2.1")
	wantTurnedAway(t, replica, From(t.Context(), "192.0.2.1"), idle, wrongAddress)
	w.Clock.Pass(time.Millisecond)
	use(replica, one, "::ffff:192.0.2.2")
	use(replica, two, "")
	w.Clock.Pass(-time.Millisecond)
	use(replica, one, "192.0.2.3")
	wantUsed(one, time.Time{}, "")
	asked.want(t, "epoch", "signing keys", "apikeys", "apikeys", "apikeys")

	Check(t, replica.Access.StoreUses(t.Context()))
	asked.want(t, "apikeys")
	wantUsed(one, Noon.Add(time.Millisecond), "192.0.2.2")
	wantUsed(two, Noon.Add(time.Millisecond), "")
	wantUsed(idle, time.Time{}, "")
	Check(t, replica.Access.StoreUses(t.Context()))
	asked.want(t)

	use(w, one, "192.0.2.4") // an earlier use, which another replica stores later
	Check(t, w.Access.StoreUses(t.Context()))
	wantUsed(one, Noon.Add(time.Millisecond), "192.0.2.2")
	updates := domain.AuditFilter{Action: domain.ActionUpdate}
	WantSame(t, Must(w.Audit.Page(t.Context(), updates, domain.PageRequest{Size: 10}))(t).Items, []domain.Event{})
}

// TestAccess_Uses_SetBack: the noted use of an apikey is not stored for another apikey that has the
// same id in another history.
func TestAccess_Uses_SetBack(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		restore := keep()
		gone := w.NewAPIKey(t)
		Must(w.Access.Authenticate(From(t.Context(), "192.0.2.1"), gone.Token, auth.Refresh))(t)
		restore()
		taken := w.Replica(t).NewAPIKey(t)
		WantSame(t, taken.ID, gone.ID) // otherwise this tests nothing
		Check(t, w.History.Watch(t.Context()))
		Check(t, w.Access.StoreUses(t.Context()))
		WantSame(t, Must(w.Store.APIKeys().Get(t.Context(), taken.ID))(t).LastUsedAt, time.Time{})
	})
}

func TestServices_Run(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	w.Authenticate(t, key.Token)
	stop()
	<-ended
	WantSame(t, Must(w.APIKeys.Get(Operator(t), key.ID))(t).LastUsedAt, Noon)
}

// TestAccess_Memory: the cache of tokens does not grow without bound.
func TestAccess_Memory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := NewWorld(t)
	key := w.NewAPIKey(t)
	most := 0
	for range bounded.MaxKept + 10 {
		w.Clock.Pass(time.Second) // makes another token
		access := Must(w.Access.Exchange(t.Context(), key.Token))(t).Token
		w.Authenticate(t, access)
		most = max(most, w.Access.Known())
	}
	WantSame(t, most, bounded.MaxKept)
	if known := w.Access.Known(); known > 20 {
		t.Errorf("%d tokens are remembered", known)
	}
}
