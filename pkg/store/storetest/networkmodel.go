package storetest

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testNetworkModel compares Overlapping with a plain comparison of all networks, in plans of any
// networks that are apart.
func testNetworkModel(t *testing.T, s domain.Store) {
	ctx := t.Context()
	i := newInstance(t, s)
	site := newClient(t, s, i.CAID)
	any4 := rapid.Custom(func(r *rapid.T) netip.Prefix {
		octets := rapid.SliceOfN(rapid.ByteRange(0, 3), 4, 4).Draw(r, "address")
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(octets)), rapid.IntRange(1, 32).Draw(r, "bits")).Masked()
	})
	any6 := rapid.Custom(func(r *rapid.T) netip.Prefix {
		octets := rapid.SliceOfN(rapid.ByteRange(0, 3), 16, 16).Draw(r, "address")
		return netip.PrefixFrom(netip.AddrFrom16([16]byte(octets)), rapid.IntRange(1, 128).Draw(r, "bits")).Masked()
	})
	anyNetwork := rapid.OneOf(any4, any6)
	rapid.Check(t, func(r *rapid.T) {
		gateway := fresh("gateway")
		var stored []netip.Prefix
		for range rapid.IntRange(1, 30).Draw(r, "networks") {
			one := anyNetwork.Draw(r, "network")
			want := slices.IndexFunc(stored, func(p netip.Prefix) bool { return p.Overlaps(one) }) >= 0
			got, found, err := s.Networks().Overlapping(ctx, gateway, one)
			if err != nil || found != want || found && !got.Prefix.Overlaps(one) {
				r.Fatalf("%v overlaps %v: %v, %v; stored are %v", one, got.Prefix, found, err, stored)
			}
			if found {
				continue
			}
			stored = append(stored, one)
			err = s.Networks().Add(ctx, []domain.Network{{
				Gateway: gateway, InstanceID: i.ID, ClientID: site.ID, Kind: domain.SiteLAN, Prefix: one,
			}})
			if err != nil {
				r.Fatal(err)
			}
		}
	})
}
