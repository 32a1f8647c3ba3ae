package storetest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// accessControlRules is the contract of domain.AccessControl.
var accessControlRules = rules{
	{"Epoch", testAccessEpoch},
	{"Superusers", testAllSuperusers},
	{"Point", testAccessPoint},
	{locks, testAccessLocks},
}

func testAccessEpoch(t *testing.T, s domain.Store) {
	ctx := t.Context()
	epoch := func(t *testing.T) int64 { return must(s.AccessControl().Epoch(ctx))(t) }
	t.Run("advancing counts, and what is rolled back does not", func(t *testing.T) {
		before := epoch(t)
		check(t, s.AccessControl().Advance(ctx))
		wantSame(t, epoch(t), before+1)
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			check(t, tx.AccessControl().Advance(ctx))
			wantSame(t, must(tx.AccessControl().Epoch(ctx))(t), before+2)
			wantSame(t, epoch(t), before+1)
			return nil
		}))
		wantSame(t, epoch(t), before+2)
		err := s.Transact(ctx, func(tx domain.Store) error {
			check(t, tx.AccessControl().Advance(ctx))
			return domain.Fault(domain.Rule, "", domain.ReasonForbidden)
		})
		wantFault(t, err, domain.Rule, "", domain.ReasonForbidden)
		wantSame(t, epoch(t), before+2)
	})
}

func testAllSuperusers(t *testing.T, s domain.Store) {
	t.Run("superusers", func(t *testing.T) { testSuperusers(t, s) })
	t.Run("lasting superusers", func(t *testing.T) { testLasting(t, s) })
}

func testAccessPoint(t *testing.T, s domain.Store) {
	t.Run("rights that have moved", func(t *testing.T) { testRightsHold(t, s) })
}

func testAccessLocks(t *testing.T, s domain.Store) {
	t.Run("who advances second waits, and sees what the first has done", func(t *testing.T) { testAdvanceWaits(t, s) })
	t.Run("of many who each look before they leap one leaps", func(t *testing.T) { testAdvanceSerializes(t, s) })
}

func testAdvanceWaits(t *testing.T, s domain.Store) {
	once(t, s)
	ctx := t.Context()
	u := newUser(t, s)
	advanced, begun, counted := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var seen domain.User
	go func() {
		<-advanced
		close(begun)
		counted <- s.Transact(ctx, func(tx domain.Store) (err error) {
			if err = tx.AccessControl().Advance(ctx); err == nil {
				seen, err = tx.Users().Get(ctx, u.ID)
			}
			return err
		})
	}()
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		check(t, tx.AccessControl().Advance(ctx))
		close(advanced)
		<-begun
		select {
		case err := <-counted:
			t.Error("the second did not wait")
			counted <- err
		case <-time.After(100 * time.Millisecond):
		}
		u.Superuser = false
		return tx.Users().Update(ctx, u)
	}))
	check(t, <-counted)
	wantSame(t, seen, u)
}

// testAdvanceSerializes lets many take the right from one of two superusers, if another remains.
func testAdvanceSerializes(t *testing.T, s domain.Store) {
	ctx := t.Context()
	others := must(s.AccessControl().Superusers(ctx, noon))(t)
	list := make([]domain.User, 8)
	for i := range list {
		list[i] = newUser(t, s)
	}
	demoted, faults := domaintest.Together(len(list), func(i int) (done bool, err error) {
		err = s.Transact(ctx, func(tx domain.Store) error {
			done = false
			if err := tx.AccessControl().Advance(ctx); err != nil {
				return err
			}
			n, err := tx.AccessControl().Superusers(ctx, noon)
			if err != nil || n <= others+1 {
				return err
			}
			list[i].Superuser, done = false, true
			return tx.Users().Update(ctx, list[i])
		})
		return done, err
	})
	checkAll(t, faults)
	wantSame(t, len(slices.DeleteFunc(demoted, func(d bool) bool { return !d })), len(list)-1)
	wantSame(t, must(s.AccessControl().Superusers(ctx, noon))(t), others+1)
}

func testSuperusers(t *testing.T, s domain.Store) {
	ctx := t.Context()
	want := must(s.AccessControl().Superusers(ctx, noon))(t)
	for _, test := range []struct {
		superuser, enabled bool
		expires            time.Time
		counts             bool // as an apikey
	}{
		{true, true, time.Time{}, true},
		{true, true, noon.Add(time.Microsecond), true},
		// earlier than noon if read as text
		{true, true, noon.Add(time.Hour).In(time.FixedZone("-03", -3*60*60)), true},
		{true, true, noon, false},
		{true, true, noon.Add(-time.Microsecond), false},
		{true, false, time.Time{}, false},
		{false, true, time.Time{}, false},
	} {
		k, u := sampleAPIKey(), sampleUser()
		k.Superuser, k.Enabled, k.ExpiresAt = test.superuser, test.enabled, test.expires
		u.Superuser, u.Enabled = test.superuser, test.enabled
		check(t, s.APIKeys().Create(ctx, &k))
		if test.counts {
			want++
		}
		wantSame(t, must(s.AccessControl().Superusers(ctx, noon))(t), want)
		check(t, s.Users().Create(ctx, &u))
		if test.superuser && test.enabled {
			want++
		}
		wantSame(t, must(s.AccessControl().Superusers(ctx, noon.In(time.FixedZone("+14", 14*60*60))))(t), want)
	}
}

// testLasting leaves out superusers that expire, and those whose networks do not admit all
// addresses.
func testLasting(t *testing.T, s domain.Store) {
	ctx := t.Context()
	want := must(s.AccessControl().LastingSuperusers(ctx))(t)
	everywhere := []netip.Prefix{
		netip.MustParsePrefix("::/0"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("0.0.0.0/0"),
	}
	for _, test := range []struct {
		superuser, enabled bool
		expires            time.Time
		networks           []netip.Prefix
		counts             bool
	}{
		{true, true, time.Time{}, nil, true},
		{true, true, time.Time{}, everywhere, true},
		{true, true, time.Time{}, everywhere[:2], false},
		{true, true, time.Time{}, everywhere[1:], false},
		{
			true, true, time.Time{}, []netip.Prefix{
				netip.MustParsePrefix("1::/0").Masked(), netip.MustParsePrefix("10.0.0.0/32"),
			}, false,
		},
		{true, true, noon.Add(time.Hour), nil, false},
		{true, false, time.Time{}, nil, false},
		{false, true, time.Time{}, nil, false},
	} {
		k := sampleAPIKey()
		k.Superuser, k.Enabled, k.ExpiresAt, k.AllowedIPs = test.superuser, test.enabled, test.expires, test.networks
		check(t, s.APIKeys().Create(ctx, &k))
		if got := must(s.APIKeys().Get(ctx, k.ID))(t).Holder().
			Standing(noon) == domain.LastingSuperuser; got != test.counts {
			t.Errorf("%v is lasting: %t", test, got)
		}
		if test.counts {
			want++
		}
		wantSame(t, must(s.AccessControl().LastingSuperusers(ctx))(t), want)
	}
	u := sampleUser()
	u.Superuser, u.Enabled = true, true
	check(t, s.Users().Create(ctx, &u))
	wantSame(t, must(s.AccessControl().LastingSuperusers(ctx))(t), want+1)
}

// testRightsHold appends events that name a point of access which has passed. They are not stored,
// and the transaction goes on.
func testRightsHold(t *testing.T, s domain.Store) {
	ctx := t.Context()
	now := must(s.AccessControl().Point(ctx))(t)
	past := domain.AccessPoint{Epoch: now.Epoch, Mark: "of another history"}
	events := must(s.Audit().Page(ctx, domain.AuditFilter{}, domain.PageRequest{Size: 1000}))(t).Items
	for what, store := range map[string]func(tx domain.Store) error{
		"an event": func(tx domain.Store) error { return tx.Audit().Append(ctx, &domain.Event{At: noon, Point: past}) },
		"events": func(tx domain.Store) error {
			return tx.Audit().AppendAll(ctx, []*domain.Event{{At: noon, Point: past}})
		},
		"by itself": func(domain.Store) error { return s.Audit().Append(ctx, &domain.Event{At: noon, Point: past}) },
	} {
		if what == "by itself" {
			if err := store(nil); !errors.Is(err, domain.ErrRightsMoved) {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			if err := store(tx); !errors.Is(err, domain.ErrRightsMoved) {
				t.Errorf("%s: %v", what, err)
			}
			return nil
		}))
	}
	wantSame(
		t, len(must(s.Audit().Page(ctx, domain.AuditFilter{}, domain.PageRequest{Size: 1000}))(t).Items), len(events),
	)
	check(t, s.Audit().Append(ctx, &domain.Event{At: noon, Point: now}))
}
