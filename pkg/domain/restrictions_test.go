package domain_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func networks(t *testing.T, texts ...string) []netip.Prefix {
	t.Helper()
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestRestrictions_Beyond(t *testing.T) {
	t.Parallel()
	until := func(at time.Time) domain.Restrictions { return domain.Restrictions{ExpiresAt: at} }
	from := func(texts ...string) domain.Restrictions {
		return domain.Restrictions{AllowedIPs: networks(t, texts...)}
	}
	of := func(ids ...int64) domain.Restrictions { return domain.Restrictions{Instances: ids} }
	often := func(rate int) domain.Restrictions { return domain.Restrictions{RateLimit: rate} }
	expires, ips, rate := []string{"expires_at"}, []string{"allowed_ips"}, []string{"rate_limit"}
	for _, test := range []struct {
		sentence   string
		given, own domain.Restrictions
		want       []string
	}{
		{"who has none may give anything", domain.Restrictions{}, domain.Restrictions{}, nil},
		{
			"also what has some", domain.Restrictions{
				ExpiresAt: noon, AllowedIPs: networks(t, "10.0.0.0/8"), RateLimit: 1,
			}, domain.Restrictions{}, nil,
		},
		{"what ends with one's own end", until(noon), until(noon), nil},
		{"what ends before", until(noon.Add(-1)), until(noon), nil},
		{"what ends after", until(noon.Add(1)), until(noon), expires},
		{"what never ends", until(time.Time{}), until(noon), expires},
		{"the same instances", of(2, 1), of(1, 2), nil},
		{"fewer instances", of(1), of(1, 2), nil},
		{"another instance", of(1, 3), of(1, 2), []string{"instances"}},
		{"no instance, which is no limit", of(), of(1, 2), []string{"instances"}},
		{"instances of one who has none", of(1), of(), nil},
		{"the same network", from("10.0.0.0/8"), from("10.0.0.0/8"), nil},
		{"a part of a network", from("10.2.0.0/16", "10.3.3.3/32"), from("10.0.0.0/8"), nil},
		{"a network around it", from("10.0.0.0/7"), from("10.0.0.0/8"), ips},
		{"another network", from("10.0.0.0/8", "192.0.2.1/32"), from("10.0.0.0/8"), ips},
		{"everywhere", from(), from("10.0.0.0/8"), ips},
		{"all of IPv4 is not all of IPv6", from("::/0"), from("0.0.0.0/0"), ips},
		{"nor the other way round", from("0.0.0.0/0"), from("::/0"), ips},
		{"everywhere, of one who may come from everywhere by networks", from(), from("0.0.0.0/0", "::/0"), ips},
		{"a network that two cover", from("10.0.0.0/8"), from("10.0.0.0/9", "10.128.0.0/9"), nil},
		{
			"a network that many cover", from("2001:db8::/32"),
			from("2001:db8::/33", "2001:db8:8000::/34", "2001:db8:c000::/34"), nil,
		},
		{
			"a network with a hole", from("10.0.0.0/8"),
			from("10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/11", "10.224.0.1/32"), ips,
		},
		{"an address beside another", from("10.0.0.1/32"), from("10.0.0.0/32"), ips},
		{"addresses of IPv6", from("2001:db8::1/128"), from("2001:db8::/64"), nil},
		{"a network of IPv6 around it", from("2001:db8::/48"), from("2001:db8::/64"), ips},
		{"bits behind the prefix", from("10.1.2.3/16"), from("10.1.9.9/16"), nil},
		{
			"what is no network has no address", domain.Restrictions{AllowedIPs: []netip.Prefix{{}}},
			from("10.0.0.0/8"), nil,
		},
		{"and gives none", from("10.0.0.0/8"), domain.Restrictions{AllowedIPs: []netip.Prefix{{}}}, ips},
		{"the same rate", often(5), often(5), nil},
		{"a lower rate", often(4), often(5), nil},
		{"a higher rate", often(6), often(5), rate},
		{"any rate", often(0), often(5), rate},
		{
			"all of it", domain.Restrictions{}, domain.Restrictions{
				ExpiresAt: noon, AllowedIPs: networks(t, "10.0.0.0/8"), RateLimit: 1,
			}, slices.Concat(expires, ips, rate),
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.given.Beyond(test.own)); diff != "" {
				t.Errorf("beyond (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRestrictions_Beyond_Bounded: comparing the longest lists takes no noticeable time.
func TestRestrictions_Beyond_Bounded(t *testing.T) {
	t.Parallel()
	var own domain.Restrictions
	for bits := range domain.MaxAllowedIPs {
		own.AllowedIPs = append(own.AllowedIPs, netip.PrefixFrom(netip.MustParseAddr("2001:db8::"), 128-bits))
	}
	given := domain.Restrictions{}
	for range domain.MaxAllowedIPs {
		given.AllowedIPs = append(given.AllowedIPs, netip.MustParsePrefix("2000::/3"))
	}
	start := time.Now()
	if len(given.Beyond(own)) == 0 {
		t.Error("it covers more than there is")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestHolder_Standing_Networks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		networks []string
		want     domain.Standing
	}{
		{nil, domain.LastingSuperuser}, {[]string{"10.0.0.0/8"}, domain.PassingSuperuser},
		{[]string{"0.0.0.0/0"}, domain.PassingSuperuser},
		{[]string{"0.0.0.0/0", "::/0"}, domain.LastingSuperuser},
		{[]string{"::/0", "10.0.0.0/8", "0.0.0.0/0"}, domain.LastingSuperuser},
	} {
		h := domain.Holder{Superuser: true, Enabled: true, AllowedIPs: networks(t, test.networks...)}
		if got := h.Standing(noon); got != test.want {
			t.Errorf("%v: %d", test.networks, got)
		}
	}
}
