package domain_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func span(first, last string) domain.Span {
	return domain.Span{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last)}
}

var sameNetworks = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestSiteAddresses(t *testing.T) {
	t.Parallel()
	none := domain.Span{}
	for _, test := range []struct {
		tunnel string
		pool   domain.Span
		want   []domain.Span
	}{
		{"10.8.0.0/24", none, []domain.Span{span("10.8.0.2", "10.8.0.254")}},
		{"10.8.0.0/24", span("10.8.0.100", "10.8.0.199"), []domain.Span{
			span("10.8.0.2", "10.8.0.99"), span("10.8.0.200", "10.8.0.254"),
		}},
		{"10.8.0.0/24", span("10.8.0.2", "10.8.0.99"), []domain.Span{span("10.8.0.100", "10.8.0.254")}},
		{"10.8.0.0/24", span("10.8.0.100", "10.8.0.254"), []domain.Span{span("10.8.0.2", "10.8.0.99")}},
		{"10.8.0.0/24", span("10.8.0.2", "10.8.0.254"), nil},
		{"10.8.0.0/30", none, []domain.Span{span("10.8.0.2", "10.8.0.2")}},
		{"10.8.0.0/31", none, nil},
		{"10.8.0.0/32", none, nil},
		{"255.255.255.255/32", none, nil},
		{"fd00::/126", none, []domain.Span{span("fd00::2", "fd00::3")}},
		{"fd00::/64", span("10.8.0.2", "10.8.0.9"), []domain.Span{span("fd00::2", "fd00::ffff:ffff:ffff:ffff")}},
	} {
		got := domain.SiteAddresses(netip.MustParsePrefix(test.tunnel), test.pool)
		if diff := cmp.Diff(test.want, got, sameNetworks); diff != "" {
			t.Errorf("%s without %v (-want +got):\n%s", test.tunnel, test.pool, diff)
		}
	}
}

func TestSpan_Size(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		span domain.Span
		want int64
	}{
		{domain.Span{}, 0}, {span("10.0.0.2", "10.0.0.1"), 0}, {span("10.0.0.1", "10.0.0.1"), 1},
		{span("10.0.0.255", "10.0.1.0"), 2}, {span("0.0.0.0", "255.255.255.255"), 1 << 32},
		{span("fd00::", "fd00::ffff:ffff:ffff:ffff"), domain.MaxID}, {span("fd00::", "fd00::1f:ffff:ffff:fffe"), domain.MaxID},
		{span("fd00::", "fd00::1f:ffff:ffff:fffd"), domain.MaxID - 1}, {span("fd00::ff", "fd00::1:0"), 0xff02},
	} {
		if got := test.span.Size(); got != test.want {
			t.Errorf("%v has %d addresses instead of %d", test.span, got, test.want)
		}
	}
}

func TestCheckSiteAddress(t *testing.T) {
	t.Parallel()
	pool := span("10.8.0.100", "10.8.0.199")
	for text, want := range map[string]domain.Reason{
		"10.8.0.0": domain.ReasonNetworkAddress, "10.8.0.1": domain.ReasonServerAddress, "10.8.0.2": "",
		"10.8.0.99": "", "10.8.0.100": domain.ReasonInPool, "10.8.0.199": domain.ReasonInPool, "10.8.0.254": "",
		"10.8.0.255": domain.ReasonBroadcast, "10.8.1.0": domain.ReasonOutsideTunnel, "fd00::1": domain.ReasonOutsideTunnel,
	} {
		err := domain.CheckSiteAddress("static_ip", netip.MustParseAddr(text), netip.MustParsePrefix("10.8.0.0/24"), pool)
		if want == "" && err != nil || want != "" && !reasoned(err, want) {
			t.Errorf("%s: %v instead of %q", text, err, want)
		}
	}
	last := netip.MustParseAddr("fd00::ff") // IPv6 has no broadcast
	if err := domain.CheckSiteAddress("static_ipv6", last, netip.MustParsePrefix("fd00::/120"), domain.Span{}); err != nil {
		t.Error(err)
	}
}

func TestGaps(t *testing.T) {
	t.Parallel()
	addresses := func(texts ...string) (list []netip.Addr) {
		for _, text := range texts {
			list = append(list, netip.MustParseAddr(text))
		}
		return list
	}
	of := span("10.8.0.2", "10.8.0.9")
	for _, test := range []struct {
		used []netip.Addr
		want []domain.Span
	}{
		{nil, []domain.Span{of}},
		{addresses("10.8.0.1", "10.8.0.2", "10.8.0.10"), []domain.Span{span("10.8.0.3", "10.8.0.9")}},
		{addresses("10.8.0.4", "10.8.0.5", "10.8.0.9"), []domain.Span{
			span("10.8.0.2", "10.8.0.3"), span("10.8.0.6", "10.8.0.8"),
		}},
		{addresses("10.8.0.2", "10.8.0.3", "10.8.0.4", "10.8.0.5", "10.8.0.6", "10.8.0.7", "10.8.0.8", "10.8.0.9"), nil},
	} {
		if diff := cmp.Diff(test.want, domain.Gaps(of, test.used), sameNetworks); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.used, diff)
		}
	}
}
