package storetest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// networkRules is the contract of domain.Networks.
var networkRules = rules{
	{storedForm, testNetworkForm},
	{unique, testNetworkUnique},
	{references, testNetworkReferences},
	{order, testNetworkOrder},
	{"Overlapping", testNetworkOverlaps},
	{"Addresses", testNetworkAddresses},
	{atomicity, testNetworkAtomic},
	{locks, testNetworkLocks},
}

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func address(text string) netip.Addr { return netip.MustParseAddr(text) }

// planned adds networks to the plan of an instance; those of a site, if client is not 0.
func planned(
	t testing.TB, s domain.Store, i domain.Instance, client int64, kind domain.NetworkKind, list ...string,
) []domain.Network {
	t.Helper()
	var all []domain.Network
	for _, text := range list {
		all = append(all, domain.Network{
			Gateway: domain.NameKey(i.Gateway), InstanceID: i.ID, ClientID: client, Kind: kind, Prefix: prefix(text),
		})
	}
	check(t, s.Networks().Add(t.Context(), all))
	return all
}

func testNetworkForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("networks are read back whole", func(t *testing.T) {
		i := newInstance(t, s)
		one, two := newClient(t, s, i.CAID), newClient(t, s, i.CAID)
		tunnels := planned(t, s, i, 0, domain.TunnelNetwork, "10.8.0.0/16", "fd00:8::/64")
		addresses := planned(t, s, i, one.ID, domain.TunnelAddress, "10.8.0.2/32", "fd00:8::2/128")
		mapped := []domain.Network{{
			Gateway: domain.NameKey(i.Gateway), InstanceID: i.ID, ClientID: two.ID, Kind: domain.SiteLAN,
			Prefix: prefix("172.16.1.0/24"), Inside: prefix("192.168.1.0/24"),
		}}
		check(t, s.Networks().Add(ctx, mapped))
		wantSame(t, must(s.Networks().OfInstance(ctx, i.ID))(t), tunnels)
		wantSame(t, must(s.Networks().OfSite(ctx, i.ID, one.ID))(t), addresses)
		wantSame(t, must(s.Networks().OfClient(ctx, two.ID))(t), mapped)
		wantSame(t, must(s.Networks().OfSites(ctx, i.ID, 0, domain.MaxID))(t), append(addresses, mapped...))
		wantSame(t, must(s.Networks().OfClients(ctx, []int64{two.ID, one.ID, absent}))(t), append(addresses, mapped...))
		wantSame(t, must(s.Networks().OfSites(ctx, i.ID, one.ID, two.ID))(t), mapped)
		wantSame(t, len(must(s.Networks().OfSites(ctx, i.ID, two.ID, domain.MaxID))(t)), 0)
	})
	t.Run("a network is found with the names of its owners", func(t *testing.T) {
		i := newInstance(t, s)
		site := newClient(t, s, i.CAID)
		lan := planned(t, s, i, site.ID, domain.SiteLAN, "10.1.0.0/24")[0]
		want := domain.OwnedNetwork{Network: lan, InstanceName: i.Name, ClientName: site.Name}
		for _, reason := range []domain.RevocationReason{domain.CertificateHold, domain.Unspecified} {
			check(t, s.Clients().Revoke(ctx, site.ID, noon, reason))
			want.Abandoned = reason != domain.CertificateHold
			got, found, err := s.Networks().Overlapping(ctx, lan.Gateway, prefix("10.1.0.128/25"))
			check(t, err)
			wantSame(t, found, true)
			wantSame(t, got, want)
		}
	})
}

func testNetworkUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("no two LANs of a gateway begin at the same address", func(t *testing.T) {
		i := newInstance(t, s)
		site, other := newClient(t, s, i.CAID), newClient(t, s, i.CAID)
		planned(t, s, i, site.ID, domain.SiteLAN, "10.1.0.0/24")
		again := domain.Network{
			Gateway: domain.NameKey(i.Gateway), InstanceID: i.ID, ClientID: other.ID, Kind: domain.SiteLAN,
			Prefix: prefix("10.1.0.0/16"),
		}
		wantFault(t, s.Networks().Add(ctx, []domain.Network{again}), domain.Duplicated, "prefix", domain.ReasonDuplicated)
		again.Gateway = fresh("elsewhere")
		check(t, s.Networks().Add(ctx, []domain.Network{again}))
		wantFault(t, s.Networks().Move(ctx, i.ID, "one"), domain.Duplicated, "prefix", domain.ReasonDuplicated)
	})
	t.Run("no two sites of an instance have one address", func(t *testing.T) {
		i := newInstance(t, s)
		planned(t, s, i, newClient(t, s, i.CAID).ID, domain.TunnelAddress, "10.8.0.2/32")
		again := domain.Network{
			Gateway: domain.NameKey(i.Gateway), InstanceID: i.ID, ClientID: newClient(t, s, i.CAID).ID,
			Kind: domain.TunnelAddress, Prefix: prefix("10.8.0.2/32"),
		}
		wantFault(t, s.Networks().Add(ctx, []domain.Network{again}), domain.Duplicated, "prefix", domain.ReasonDuplicated)
		again.InstanceID = newInstance(t, s).ID
		check(t, s.Networks().Add(ctx, []domain.Network{again}))
	})
}

func testNetworkReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an instance that has networks stays", func(t *testing.T) {
		i := newInstance(t, s)
		list := planned(t, s, i, 0, domain.TunnelNetwork, "10.8.0.0/24")
		wantFault(t, s.Instances().Delete(ctx, i.ID), domain.Rule, "id", domain.ReasonInUse)
		check(t, s.Networks().Remove(ctx, []int64{list[0].ID, absent}))
		check(t, s.Instances().Delete(ctx, i.ID))
		list[0].InstanceID = absent
		wantFault(t, s.Networks().Add(ctx, list), domain.NotFound, "instance_id", domain.ReasonNotFound)
	})
}

func testNetworkOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the plan is by ascending id, and moves with the instance", func(t *testing.T) {
		i, beside := newInstance(t, s), newInstance(t, s)
		site := newClient(t, s, i.CAID)
		all := planned(t, s, i, 0, domain.TunnelNetwork, "10.8.0.0/24")
		planned(t, s, beside, site.ID, domain.SiteLAN, "10.1.0.0/24")
		all = append(all, planned(t, s, i, site.ID, domain.SiteLAN, "10.9.0.0/24", "10.2.0.0/24", "fd00::/64")...)
		all = append(all, planned(t, s, i, site.ID, domain.TunnelAddress, "10.8.0.9/32", "10.8.0.7/32")...)
		var ids []int64
		for _, n := range all {
			ids = append(ids, n.ID)
		}
		walk(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.OwnedNetwork], error) {
			return s.Networks().Plan(ctx, i.ID, page)
		}, ids, 2)
		page := must(s.Networks().Plan(ctx, i.ID, domain.PageRequest{Size: 2}))(t)
		wantSame(t, page.Items, []domain.OwnedNetwork{
			{Network: all[0], InstanceName: i.Name}, {Network: all[1], InstanceName: i.Name, ClientName: site.Name},
		})
		check(t, s.Networks().Move(ctx, i.ID, "moved"))
		_, found, err := s.Networks().Overlapping(ctx, "moved", prefix("fd00::1/128"))
		check(t, err)
		wantSame(t, found, true)
	})
}

func testNetworkOverlaps(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i := newInstance(t, s)
	site := newClient(t, s, i.CAID)
	planned(t, s, i, 0, domain.TunnelNetwork, "10.8.0.0/24", "fd00:8::/64")
	planned(t, s, i, site.ID, domain.SiteLAN, "10.1.0.0/16", "10.3.0.0/24", "192.168.1.7/32", "fd00:1::/48")
	planned(t, s, i, site.ID, domain.TunnelAddress, "10.99.0.1/32")
	for text, want := range map[string]string{
		"10.1.0.0/16": "10.1.0.0/16", "10.1.7.0/24": "10.1.0.0/16", "10.1.255.255/32": "10.1.0.0/16",
		"10.0.0.0/8": "10.8.0.0/24", "10.2.0.0/16": "", "10.2.0.0/15": "10.3.0.0/24", "10.3.1.0/24": "",
		"192.168.1.0/29": "192.168.1.7/32", "192.168.1.8/29": "", "9.0.0.0/8": "", "10.99.0.0/24": "",
		"fd00:1:0:9::/64": "fd00:1::/48", "fd00::/16": "fd00:8::/64", "fd01::/16": "", "a01::/16": "",
	} {
		got, found, err := s.Networks().Overlapping(ctx, domain.NameKey(i.Gateway), prefix(text))
		check(t, err)
		if found != (want != "") || found && got.Prefix != prefix(want) {
			t.Errorf("%s overlaps %v %v instead of %q", text, got.Prefix, found, want)
		}
		_, found, err = s.Networks().Overlapping(ctx, "another", prefix(text))
		check(t, err)
		wantSame(t, found, false)
	}
}

func testNetworkAddresses(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i, beside := newInstance(t, s), newInstance(t, s)
	gone, site := newClient(t, s, i.CAID), newClient(t, s, i.CAID)
	var all []string
	for a := address("10.8.0.2"); a != address("10.8.4.2"); a = a.Next() { // more than are read at once
		all = append(all, a.String()+"/32")
	}
	planned(t, s, i, site.ID, domain.TunnelAddress, all...)
	planned(t, s, beside, site.ID, domain.TunnelAddress, "10.8.4.2/32")
	planned(t, s, i, gone.ID, domain.TunnelAddress, "10.8.4.4/32", "fd00::2/128")
	check(t, s.Clients().Revoke(ctx, gone.ID, noon, domain.Unspecified))
	for span, want := range map[[2]string]string{
		{"10.8.0.2", "10.8.255.254"}: "10.8.4.2", {"10.8.0.1", "10.8.255.254"}: "10.8.0.1", {"10.8.0.2", "10.8.4.1"}: "",
		{"10.8.0.2", "10.8.4.2"}: "10.8.4.2", {"10.8.4.4", "10.8.4.9"}: "10.8.4.5", {"10.8.4.4", "10.8.4.4"}: "",
		{"fd00::2", "fd00::ffff"}: "fd00::3", {"10.8.9.9", "10.8.9.1"}: "",
	} {
		free, found, err := s.Networks().NextFree(ctx, i.ID, address(span[0]), address(span[1]))
		check(t, err)
		if found != (want != "") || found && free != address(want) {
			t.Errorf("of %v %v %v is free instead of %q", span, free, found, want)
		}
	}
	list := must(s.Networks().Addresses(ctx, i.ID, address("10.8.4.0"), address("10.8.5.0"), 3))(t)
	wantSame(t, list, []netip.Addr{address("10.8.4.0"), address("10.8.4.1"), address("10.8.4.4")})
	holder := func(got domain.OwnedNetwork, found bool, err error) string {
		check(t, err)
		if !found {
			return ""
		}
		return got.ClientName + " " + got.Prefix.Addr().String()
	}
	networks := s.Networks()
	wantSame(t, holder(networks.Holder(ctx, i.ID, address("10.8.4.4"))), gone.Name+" 10.8.4.4")
	wantSame(t, holder(networks.Holder(ctx, i.ID, address("10.8.4.2"))), "")
	wantSame(t, holder(networks.Between(ctx, i.ID, address("10.8.4.2"), address("10.8.9.0"))), gone.Name+" 10.8.4.4")
	wantSame(t, holder(networks.Outside(ctx, i.ID, prefix("10.8.0.0/22"))), site.Name+" 10.8.4.0")
	wantSame(t, holder(networks.Outside(ctx, i.ID, prefix("10.8.0.0/16"))), "")
	wantSame(t, holder(networks.Abandoned(ctx, i.ID, address("10.8.0.0"), address("10.8.9.0"))), gone.Name+" 10.8.4.4")
	wantSame(t, holder(networks.Abandoned(ctx, i.ID, address("10.8.0.0"), address("10.8.4.3"))), "")
}

func testNetworkAtomic(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of networks of which one is refused none is stored", func(t *testing.T) {
		i := newInstance(t, s)
		list := planned(t, s, i, 0, domain.TunnelNetwork, "10.8.0.0/24")
		more := list[0]
		more.Prefix = prefix("10.9.0.0/24")
		err := s.Networks().Add(ctx, []domain.Network{more, list[0]})
		wantFault(t, err, domain.Duplicated, "prefix", domain.ReasonDuplicated)
		wantSame(t, must(s.Networks().OfInstance(ctx, i.ID))(t), list)
	})
}

func testNetworkLocks(t *testing.T, s domain.Store) {
	t.Run("of those who add overlapping networks at once one wins", func(t *testing.T) { testNetworkRace(t, s) })
}

// testNetworkRace adds LANs that overlap, and begin at different addresses, so that no index
// decides.
func testNetworkRace(t *testing.T, s domain.Store) {
	ctx := t.Context()
	lans := []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32"}
	for range 10 {
		i := newInstance(t, s)
		site := newClient(t, s, i.CAID)
		gateway := domain.NameKey(i.Gateway)
		_, faults := domaintest.Together(len(lans), func(k int) (struct{}, error) {
			return struct{}{}, s.Transact(ctx, func(tx domain.Store) error {
				if err := tx.Networks().Lock(ctx, gateway); err != nil {
					return err
				}
				_, found, err := tx.Networks().Overlapping(ctx, gateway, prefix(lans[k]))
				if err != nil || found {
					return err
				}
				lan := domain.Network{Gateway: gateway, InstanceID: i.ID, ClientID: site.ID, Kind: domain.SiteLAN}
				lan.Prefix = prefix(lans[k])
				return tx.Networks().Add(ctx, []domain.Network{lan})
			})
		})
		checkAll(t, faults)
		wantSame(t, len(must(s.Networks().OfSite(ctx, i.ID, site.ID))(t)), 1)
	}
}
