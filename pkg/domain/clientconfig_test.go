package domain_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func lan(network string, mapped ...string) domain.LAN {
	l := domain.LAN{Network: netip.MustParsePrefix(network)}
	if len(mapped) > 0 {
		l.Mapped = netip.MustParsePrefix(mapped[0])
	}
	return l
}

func list(texts ...string) *[]string { return &texts }

func mappings(pairs ...[2]string) *[]domain.Mapping {
	all := []domain.Mapping{}
	for _, p := range pairs {
		all = append(all, domain.Mapping{Network: p[0], Mapped: p[1]})
	}
	return &all
}

// TestClientConfigUpdate_Apply_Faults goes field by field.
func TestClientConfigUpdate_Apply_Faults(t *testing.T) {
	t.Parallel()
	yes, low, high, text := true, -1, 65536, func(s string) *string { return &s }
	long := make([]string, 10000)
	for i := range long {
		long[i] = fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)
	}
	for name, test := range map[string]struct {
		update domain.ClientConfigUpdate
		want   []string
	}{
		"addresses": {
			domain.ClientConfigUpdate{StaticIP: text("fd00::1"), StaticIPv6: text("10.8.0.2"), DNSServer: text("dns")},
			[]string{"static_ip no address", "static_ipv6 no address", "dns_server no address"},
		},
		"a server that nobody reaches": {domain.ClientConfigUpdate{DNSServer: text("127.0.0.1")}, []string{"dns_server no address"}},
		"networks": {
			domain.ClientConfigUpdate{LANs: list("x", "10.1.2.3/24", "0.0.0.0/0", "224.0.0.0/8"), PushRoutes: list("")},
			[]string{
				"push_routes[0] no address or network", "iroutes[0] no address or network", "iroutes[1] host bits are set",
				"iroutes[2] all addresses", "iroutes[3] never routed",
			},
		},
		"a network twice": {
			domain.ClientConfigUpdate{LANs: list("10.1.0.0/24", "10.1.0.0 255.255.255.0"), PushRoutes: list("10.2.0.1", "10.2.0.1/32")},
			[]string{"push_routes[1] given twice", "iroutes[1] given twice"},
		},
		"too many": {domain.ClientConfigUpdate{LANs: &long, PushRoutes: &long}, []string{"push_routes too many items", "iroutes too many items"}},
		"networks in one another": {
			domain.ClientConfigUpdate{LANs: list("10.1.5.0/24", "10.2.0.0/24", "10.1.0.0/16", "10.1.9.0/24")},
			[]string{"iroutes[0] overlaps another of the site", "iroutes[3] overlaps another of the site"},
		},
		"mapped networks in one another": {
			domain.ClientConfigUpdate{
				LANs:     list("10.1.0.0/24", "10.2.0.0/16"),
				Mappings: mappings([2]string{"10.1.0.0/24", "172.16.5.0/24"}, [2]string{"10.2.0.0/16", "172.16.0.0/16"}),
			},
			[]string{"iroutes[0] overlaps another of the site"},
		},
		"mappings": {
			domain.ClientConfigUpdate{LANs: list("10.1.0.0/24", "fd00::/64"), Mappings: mappings(
				[2]string{"10.1.0.0/24", "172.16.0.0/25"}, [2]string{"10.1.0.0/24", "10.1.0.0/24"},
				[2]string{"10.9.0.0/24", "172.16.0.0/24"}, [2]string{"fd00::/64", "172.16.0.0/24"},
				[2]string{"x", "y"}, [2]string{"10.1.0.0/24", "172.16.0.0/24"}, [2]string{"10.1.0.0/24", "172.17.0.0/24"},
			)},
			[]string{
				"nat[0].mapped mapped to another size", "nat[1].mapped mapped to another size", "nat[2].network not a LAN of the site",
				"nat[3].mapped mapped to another size", "nat[4].network no address or network", "nat[4].mapped no address or network",
				"nat[6].network given twice",
			},
		},
		"routes to own LANs": {
			domain.ClientConfigUpdate{LANs: list("10.1.0.0/16"), PushRoutes: list("10.0.0.0/8", "10.1.0.0/16", "10.1.5.0/24", "10.2.0.0/16")},
			[]string{"push_routes[1] route to the own LAN", "push_routes[2] route to the own LAN"},
		},
		"numbers": {domain.ClientConfigUpdate{MaxRoutes: &low}, []string{"max_routes too small"}},
		"more":    {domain.ClientConfigUpdate{MaxRoutes: &high, PushReset: &yes}, []string{"max_routes too large"}},
		"texts": {
			domain.ClientConfigUpdate{ExtraConf: text("a\x00"), DNSDomain: text("a\nb")},
			[]string{"extra_conf control character", "dns_domain no domain name"},
		},
		"a lone CR":  {domain.ClientConfigUpdate{ExtraConf: text(strings.Repeat("x", 8193))}, []string{"extra_conf too long"}},
		"a quote":    {domain.ClientConfigUpdate{DNSDomain: text(`a"b`)}, []string{"dns_domain no domain name"}},
		"a hyphen":   {domain.ClientConfigUpdate{DNSDomain: text("a.-b")}, []string{"dns_domain no domain name"}},
		"no label":   {domain.ClientConfigUpdate{DNSDomain: text("a..b")}, []string{"dns_domain no domain name"}},
		"long label": {domain.ClientConfigUpdate{DNSDomain: text(strings.Repeat("a", 64) + ".b")}, []string{"dns_domain no domain name"}},
		"long name":  {domain.ClientConfigUpdate{DNSDomain: text(strings.Repeat("a.", 127))}, []string{"dns_domain too long"}},
	} {
		var config domain.SiteConfig
		var got []string
		for _, fault := range domain.Faults(test.update.Apply(&config)) {
			got = append(got, fault.Field+" "+string(fault.Reason))
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestClientConfigUpdate_Apply(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	var config domain.SiteConfig
	apply := func(u domain.ClientConfigUpdate) {
		t.Helper()
		if err := u.Apply(&config); err != nil {
			t.Fatal(err)
		}
	}
	apply(domain.ClientConfigUpdate{
		StaticIP: text(" 10.8.0.2 "), StaticIPv6: text("fd00::2"), LANs: list("192.168.1.0/24", "10.2.0.0 255.255.0.0"),
		Mappings: mappings([2]string{"192.168.1.0/24", "172.20.1.0/24"}), DNSServer: text("10.0.0.53"),
		DNSDomain: text("Empresa.com.br"), ExtraConf: text("a\r\nb\r\n"), PushRoutes: list("fd01::/48", "10.9.0.1"),
	})
	want := config
	want.LANs = []domain.LAN{lan("192.168.1.0/24", "172.20.1.0/24"), lan("10.2.0.0/16")}
	want.ExtraConf, want.DNSDomain = "a\nb\n", "Empresa.com.br"
	want.PushRoutes = []netip.Prefix{netip.MustParsePrefix("fd01::/48"), netip.MustParsePrefix("10.9.0.1/32")}
	check := func() {
		t.Helper()
		if diff := cmp.Diff(want, config, sameNetworks); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	check()
	apply(domain.ClientConfigUpdate{}) // nothing is changed
	check()
	apply(domain.ClientConfigUpdate{LANs: list("10.3.0.0/16", "192.168.1.0/24")}) // a mapping stays with its LAN
	want.LANs = []domain.LAN{lan("10.3.0.0/16"), lan("192.168.1.0/24", "172.20.1.0/24")}
	check()
	apply(domain.ClientConfigUpdate{LANs: list("10.3.0.0/16")}) // and ends with it
	want.LANs = want.LANs[:1]
	check()
	none := 0
	apply(domain.ClientConfigUpdate{
		StaticIP: text(""), StaticIPv6: text(" "), LANs: list(), Mappings: mappings(), PushRoutes: list(), DNSServer: text(""),
		DNSDomain: text(""), ExtraConf: text(""), MaxRoutes: &none,
	})
	want = domain.SiteConfig{}
	check()
}

// TestSiteNetworks: what the plan keeps of a site is what it is put together from.
func TestSiteNetworks(t *testing.T) {
	t.Parallel()
	for _, n := range []domain.SiteNetworks{
		{},
		{StaticIP: netip.MustParseAddr("10.8.0.2")},
		{
			StaticIP: netip.MustParseAddr("10.8.0.2"), StaticIPv6: netip.MustParseAddr("fd00::2"),
			LANs: []domain.LAN{lan("192.168.1.0/24", "172.20.1.0/24"), lan("10.2.0.0/16"), lan("fd01::/48")},
		},
	} {
		if diff := cmp.Diff(n, domain.SiteNetworksOf(n.Entries()), sameNetworks); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
