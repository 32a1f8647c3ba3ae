package domain

import (
	"net/netip"
	"slices"
	"time"
)

// Restrictions are the limits of a holder beside its rights; the zero value is no limit.
type Restrictions struct {
	ExpiresAt  time.Time      // zero: never
	AllowedIPs []netip.Prefix // empty: from anywhere
	RateLimit  int            // requests a minute; 0: no limit
	Instances  []int64        // the instances that it is bound to; empty: to none
}

// Restrictions are those of the holder.
func (h Holder) Restrictions() Restrictions {
	return Restrictions{
		ExpiresAt: h.ExpiresAt, AllowedIPs: h.AllowedIPs, RateLimit: h.RateLimit, Instances: h.Instances,
	}
}

// Any reports whether there is a restriction.
func (r Restrictions) Any() bool {
	return !r.ExpiresAt.IsZero() || len(r.AllowedIPs) > 0 || r.RateLimit > 0 || len(r.Instances) > 0
}

// Beyond names the fields in which r allows something that own does not.
func (r Restrictions) Beyond(own Restrictions) []string {
	var fields []string
	if !own.ExpiresAt.IsZero() && (r.ExpiresAt.IsZero() || r.ExpiresAt.After(own.ExpiresAt)) {
		fields = append(fields, "expires_at")
	}
	if len(own.AllowedIPs) > 0 && (len(r.AllowedIPs) == 0 || !covered(r.AllowedIPs, own.AllowedIPs)) {
		fields = append(fields, "allowed_ips")
	}
	if own.RateLimit > 0 && (r.RateLimit == 0 || r.RateLimit > own.RateLimit) {
		fields = append(fields, "rate_limit")
	}
	if !own.Admits(r.Instances...) || len(own.Instances) > 0 && len(r.Instances) == 0 {
		fields = append(fields, "instances")
	}
	return fields
}

// Admits reports whether who has the restrictions may serve all of the instances.
func (r Restrictions) Admits(instances ...int64) bool {
	return len(r.Instances) == 0 ||
		!slices.ContainsFunc(instances, func(id int64) bool { return !slices.Contains(r.Instances, id) })
}

// covered reports whether every address of the list is in one of the networks. A prefix that is not
// valid contains no address.
func covered(list, networks []netip.Prefix) bool {
	for _, prefix := range list {
		if prefix.IsValid() && !coveredPrefix(prefix.Masked(), networks) {
			return false
		}
	}
	return true
}

// coveredPrefix halves a prefix that no single network contains, since several can cover it
// together. It goes on only if a network begins inside the prefix, so it makes at most two steps
// for each bit of each network.
func coveredPrefix(prefix netip.Prefix, networks []netip.Prefix) bool {
	contains := func(n netip.Prefix) bool {
		return n.IsValid() && n.Bits() <= prefix.Bits() && n.Masked().Contains(prefix.Addr())
	}
	if slices.ContainsFunc(networks, contains) {
		return true
	}
	inside := func(n netip.Prefix) bool { return n.IsValid() && prefix.Contains(n.Addr()) }
	if !slices.ContainsFunc(networks, inside) {
		return false
	}
	lower, upper := halves(prefix)
	return coveredPrefix(lower, networks) && coveredPrefix(upper, networks)
}

func halves(prefix netip.Prefix) (lower, upper netip.Prefix) {
	bits := prefix.Bits() + 1
	octets := prefix.Addr().AsSlice()
	octets[prefix.Bits()/8] |= 0x80 >> (prefix.Bits() % 8)
	above, _ := netip.AddrFromSlice(octets)
	return netip.PrefixFrom(prefix.Addr(), bits), netip.PrefixFrom(above, bits)
}

// everywhere are the networks that contain every address.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// Everywhere reports whether a list of networks excludes no address.
func Everywhere(list []netip.Prefix) bool {
	return len(list) == 0 || slices.Contains(list, everywhere[0]) && slices.Contains(list, everywhere[1])
}
