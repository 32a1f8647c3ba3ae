package storetest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// sampleSession is an open session with all fields.
func sampleSession(i domain.Instance, clientID, number int64) domain.TunnelSession {
	return domain.TunnelSession{
		InstanceID: i.ID, ClientID: clientID, ConnectedAt: noon,
		SeenSession: domain.SeenSession{
			SessionKey: domain.SessionKey{Number: number, Since: noon.Unix()}, Name: "Site-Rio",
			Real: netip.MustParseAddrPort("[2001:db8::1]:51088"), Address: netip.MustParseAddr("10.8.0.2"),
			AddressV6: netip.MustParseAddr("fd00::2"), Cipher: "AES-256-GCM", BytesIn: 1 << 40, BytesOut: 7,
		},
	}
}

// newSessions adds sessions of an instance with the numbers.
func newSessions(
	t testing.TB, s domain.Store, i domain.Instance, clientID int64, numbers ...int64,
) []domain.TunnelSession {
	t.Helper()
	list := make([]domain.TunnelSession, len(numbers))
	for k, number := range numbers {
		list[k] = sampleSession(i, clientID, number)
	}
	check(t, s.TunnelSessions().Add(t.Context(), list))
	return list
}

// end ends sessions at a time.
func end(t testing.TB, s domain.Store, at time.Time, list ...domain.TunnelSession) {
	t.Helper()
	for k := range list {
		list[k].EndedAt = at
	}
	check(t, s.TunnelSessions().Update(t.Context(), list))
}

// tunnelSessionRules is the contract of domain.TunnelSessions.
var tunnelSessionRules = rules{
	{storedForm, testSessionForm},
	{missing, testSessionMissing},
	{unique, testSessionAgain},
	{updates, testSessionUpdates},
	{references, testSessionReferences},
	{order, testSessionOrder},
	{order, testSessionFilters},
	{updates, testSessionPrune},
	{storedForm, testPlaces},
}

func testSessionForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a session is read back whole, with all fields or with the least", func(t *testing.T) {
		i := newInstance(t, s)
		full := newSessions(t, s, i, newClient(t, s, i.CAID).ID, 3)[0]
		full.EndedAt, full.KillAt = noon.Add(time.Hour), noon.Add(time.Minute)
		check(t, s.TunnelSessions().Kill(ctx, full.ID, full.KillAt))
		end(t, s, full.EndedAt, full)
		least := []domain.TunnelSession{{InstanceID: i.ID, ConnectedAt: noon}}
		check(t, s.TunnelSessions().Add(ctx, least))
		for _, want := range []domain.TunnelSession{full, least[0]} {
			wantSame(t, must(s.TunnelSessions().Get(ctx, want.ID))(t), want)
			check(t, s.Transact(ctx, func(tx domain.Store) error {
				wantSame(t, must(tx.TunnelSessions().Lock(ctx, want.ID))(t), want)
				return nil
			}))
		}
	})
}

func testSessionMissing(t *testing.T, s domain.Store) {
	t.Run("what does not exist is missing", func(t *testing.T) {
		ctx := t.Context()
		for _, id := range []int64{0, -1, absent} {
			_, err := s.TunnelSessions().Get(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.TunnelSessions().Kill(ctx, id, noon))
			wantMissing(t, s.Transact(ctx, func(tx domain.Store) error {
				_, err := tx.TunnelSessions().Lock(ctx, id)
				return err
			}))
		}
	})
}

func testSessionAgain(t *testing.T, s domain.Store) {
	t.Run("a session that has ended and is added again is the same, and open", func(t *testing.T) {
		ctx, i := t.Context(), newInstance(t, s)
		list := newSessions(t, s, i, 0, 1, 2)
		end(t, s, noon.Add(time.Hour), list[0])
		again := sampleSession(i, 0, 1)
		again.BytesIn, again.Cipher = 9, "x"
		added := []domain.TunnelSession{again}
		check(t, s.TunnelSessions().Add(ctx, added))
		wantSame(t, added[0].ID, list[0].ID)
		wantSame(t, must(s.TunnelSessions().Get(ctx, list[0].ID))(t), added[0])
		wantSame(t, len(must(s.TunnelSessions().Open(ctx, i.ID))(t)), 2)
	})
}

func testSessionUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update stores the end, the addresses, the cipher and the bytes, and nothing else", func(t *testing.T) {
		i := newInstance(t, s)
		list := newSessions(t, s, i, newClient(t, s, i.CAID).ID, 1, 2, 3)
		want := list[0]
		want.EndedAt, want.Cipher, want.BytesIn, want.BytesOut = noon.Add(time.Second), "", 1, 2
		want.Real, want.Address, want.AddressV6 = netip.AddrPort{}, netip.Addr{}, netip.MustParseAddr("fd00::3")
		asked := want
		asked.Name, asked.ConnectedAt, asked.InstanceID, asked.ClientID = "x", noon.Add(time.Hour), absent, absent
		asked.KillAt = noon
		check(t, s.TunnelSessions().Update(ctx, []domain.TunnelSession{asked, list[1]}))
		check(t, s.TunnelSessions().Update(ctx, nil))
		wantSame(t, must(s.TunnelSessions().Get(ctx, want.ID))(t), want)
		for _, other := range list[1:] {
			wantSame(t, must(s.TunnelSessions().Get(ctx, other.ID))(t), other)
		}
		wantSame(t, must(s.TunnelSessions().Open(ctx, i.ID))(t), list[1:])
		wantSame(t, must(s.TunnelSessions().Count(ctx, i.ID))(t), 2)
	})
	t.Run("those that somebody asked to end are listed until they have", func(t *testing.T) {
		i := newInstance(t, s)
		list := newSessions(t, s, i, 0, 1, 2, 3)
		check(t, s.TunnelSessions().Kill(ctx, list[0].ID, noon))
		check(t, s.TunnelSessions().Kill(ctx, list[2].ID, noon))
		end(t, s, noon, list[0])
		list[2].KillAt = noon
		wantSame(t, must(s.TunnelSessions().Killing(ctx, i.ID))(t), list[2:])
	})
}

func testSessionReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("client and instance have to exist, and the instance stays", func(t *testing.T) {
		i := newInstance(t, s)
		bad := []domain.TunnelSession{sampleSession(i, absent, 1)}
		wantFault(t, s.TunnelSessions().Add(ctx, bad), domain.NotFound, "client_id", domain.ReasonNotFound)
		client := newClient(t, s, i.CAID)
		newSessions(t, s, i, client.ID, 1)
		check(t, s.TunnelSessions().Note(ctx, []domain.Place{{ClientID: client.ID, InstanceID: i.ID, SeenAt: noon}}))
		wantFault(t, s.Instances().Delete(ctx, i.ID), domain.Rule, "id", domain.ReasonInUse)
		check(t, s.TunnelSessions().Remove(ctx, i.ID))
		wantSame(t, len(must(s.TunnelSessions().Places(ctx, []int64{client.ID}))(t)), 0)
		check(t, s.Instances().Delete(ctx, i.ID))
	})
}

// sessionIDs reads all pages, and checks that the pages before are those that were read.
func sessionIDs(t testing.TB, s domain.Store, f domain.SessionFilter, size int) (ids []int64) {
	t.Helper()
	cursors := []int64{0}
	for {
		page := must(s.TunnelSessions().Page(t.Context(), f, domain.PageRequest{
			Cursor: cursors[len(cursors)-1], Size: size,
		}))(t)
		for _, one := range page.Items {
			ids = append(ids, one.ID)
		}
		if n := len(cursors); n > 1 && (page.Previous == nil || *page.Previous != cursors[n-2]) {
			t.Errorf("previous of %d is %v, not %d", cursors[n-1], page.Previous, cursors[n-2])
		}
		if page.Next == nil {
			return ids
		}
		cursors = append(cursors, *page.Next)
	}
}

func testSessionOrder(t *testing.T, s domain.Store) {
	t.Run("pages have the newest first, of an instance or of a client", func(t *testing.T) {
		i, other := newInstance(t, s), newInstance(t, s)
		client := newClient(t, s, i.CAID)
		var open, ended, all []int64
		for number := range int64(9) {
			one := newSessions(t, s, i, client.ID, number)[0]
			newSessions(t, s, other, 0, number)
			if all = append(all, one.ID); number%3 == 0 {
				end(t, s, noon, one)
				ended = append(ended, one.ID)
			} else {
				open = append(open, one.ID)
			}
		}
		for _, list := range [][]int64{open, ended, all} {
			slices.Reverse(list)
		}
		wantSame(t, sessionIDs(t, s, domain.SessionFilter{InstanceID: i.ID}, 2), open)
		wantSame(t, sessionIDs(t, s, domain.SessionFilter{InstanceID: i.ID, Ended: new(true)}, 2), ended)
		wantSame(t, sessionIDs(t, s, domain.SessionFilter{ClientID: client.ID}, 4), all)
	})
}

func testSessionFilters(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("filters select by name, client and address", func(t *testing.T) {
		i := newInstance(t, s)
		client := newClient(t, s, i.CAID)
		list := []domain.TunnelSession{sampleSession(i, 0, 1), sampleSession(i, client.ID, 2), sampleSession(i, 0, 3)}
		list[0].Real, list[0].Name = netip.MustParseAddrPort("192.0.2.7:1"), "other"
		list[2].Address, list[2].AddressV6 = netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("fd00::9")
		check(t, s.TunnelSessions().Add(ctx, list))
		for name, test := range map[string]struct {
			filter domain.SessionFilter
			want   []int64
		}{
			"name":       {domain.SessionFilter{Name: "OTHER"}, []int64{list[0].ID}},
			"no name":    {domain.SessionFilter{Name: "\x00"}, nil},
			"client":     {domain.SessionFilter{ClientID: client.ID}, []int64{list[1].ID}},
			"address":    {domain.SessionFilter{Address: netip.MustParseAddr("192.0.2.7")}, []int64{list[2].ID, list[0].ID}},
			"IPv6":       {domain.SessionFilter{Address: netip.MustParseAddr("fd00::9")}, []int64{list[2].ID}},
			"none ended": {domain.SessionFilter{Ended: new(true)}, nil},
		} {
			test.filter.InstanceID = i.ID
			if got := sessionIDs(t, s, test.filter, 10); !slices.Equal(got, test.want) {
				t.Errorf("%s: %v, not %v", name, got, test.want)
			}
		}
	})
}

func testSessionPrune(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("those that ended before a time, and those that are too many, are removed", func(t *testing.T) {
		i := newInstance(t, s)
		list := newSessions(t, s, i, 0, 1, 2, 3, 4)
		end(t, s, noon.AddDate(-1, 0, 0), list[1])
		end(t, s, noon.AddDate(-1, 0, 1), list[2])
		end(t, s, noon.AddDate(1, 0, 0), list[3])
		before, ended := noon.AddDate(0, -6, 0), domain.SessionFilter{InstanceID: i.ID, Ended: new(true)}
		wantSame(t, must(s.TunnelSessions().Prune(ctx, before, 1000, 1))(t), 1)
		wantSame(t, sessionIDs(t, s, ended, 9), []int64{list[3].ID, list[2].ID})
		wantSame(t, must(s.TunnelSessions().Prune(ctx, before, 1000, 10))(t), 1)
		newSessions(t, s, i, 0, 5)
		for must(s.TunnelSessions().Prune(ctx, before, 1, 10))(t) > 0 { // also those of other tests
		}
		wantSame(t, len(sessionIDs(t, s, ended, 9)), 0)
		wantSame(t, must(s.TunnelSessions().Count(ctx, i.ID))(t), 2)
	})
}

func testPlaces(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a client has the places where it has a config, and where it was connected", func(t *testing.T) {
		i, other, quiet := newInstance(t, s), newInstance(t, s), newInstance(t, s)
		config := newConfig(t, s, i)
		bare := newConfig(t, s, quiet)
		agent := newAgent(t, s, i)
		want := []domain.Place{{
			ClientID: config.ClientID, InstanceID: i.ID, SessionID: 7, ConnectedAt: noon, SeenAt: noon.Add(time.Second),
			Real: netip.MustParseAddrPort("192.0.2.7:51088"), Address: netip.MustParseAddr("10.8.0.2"),
			AddressV6: netip.MustParseAddr("fd00::2"),
		}, {ClientID: config.ClientID, InstanceID: other.ID, ConnectedAt: noon, SeenAt: noon}}
		first := domain.Place{ClientID: config.ClientID, InstanceID: i.ID, SeenAt: noon}
		check(t, s.TunnelSessions().Note(ctx, []domain.Place{first}))
		check(t, s.TunnelSessions().Note(ctx, want))
		want[0].LookedAt, want[0].SeenUntil = agent.LookedAt, agent.SeenUntil
		want = append(want, domain.Place{ClientID: bare.ClientID, InstanceID: quiet.ID})
		got := must(s.TunnelSessions().Places(ctx, []int64{config.ClientID, bare.ClientID, absent}))(t)
		slices.SortFunc(got, func(a, b domain.Place) int { return int(a.InstanceID - b.InstanceID) })
		wantSame(t, got, want)
	})
}
