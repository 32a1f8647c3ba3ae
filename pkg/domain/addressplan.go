package domain

import "net/netip"

// ServerAddress is the address of the server in a tunnel network, which OpenVPN takes by itself:
// the first one after that of the network.
func ServerAddress(tunnel netip.Prefix) netip.Addr { return tunnel.Addr().Next() }

// Span is a run of addresses, with both its ends. The zero value is empty.
type Span struct{ First, Last netip.Addr }

// Empty reports whether there is no address in it.
func (s Span) Empty() bool { return !s.First.IsValid() || !s.Last.IsValid() || s.Last.Less(s.First) }

// Contains reports whether an address is in it.
func (s Span) Contains(a netip.Addr) bool {
	return !s.Empty() && a.BitLen() == s.First.BitLen() && !a.Less(s.First) && !s.Last.Less(a)
}

// Size is the number of addresses, at most MaxID.
func (s Span) Size() int64 {
	if s.Empty() {
		return 0
	}
	first, last := s.First.AsSlice(), s.Last.AsSlice()
	size := int64(0)
	for i := range first {
		if size > MaxID>>8 {
			return MaxID
		}
		size = size<<8 + int64(last[i]) - int64(first[i])
	}
	return min(size+1, MaxID)
}

// SiteAddresses are the addresses of a tunnel that sites can have as static ones: all but that of
// the network, the broadcast address of IPv4, that of the server, and those of the pool that the
// server gives out. They are at most two spans, ascending.
func SiteAddresses(tunnel netip.Prefix, pool Span) []Span {
	last := LastAddress(tunnel)
	if tunnel.Addr().Is4() {
		last = last.Prev()
	}
	all := Span{ServerAddress(tunnel).Next(), last}
	if all.Empty() || !tunnel.Contains(all.First) {
		return nil
	}
	if pool.Empty() || pool.First.BitLen() != last.BitLen() {
		return []Span{all}
	}
	var spans []Span
	below, above := lower(all.Last, pool.First.Prev()), higher(all.First, pool.Last.Next())
	for _, span := range []Span{{all.First, below}, {above, all.Last}} {
		if !span.Empty() {
			spans = append(spans, span)
		}
	}
	return spans
}

func lower(a, b netip.Addr) netip.Addr {
	if !b.IsValid() || b.Less(a) {
		return b
	}
	return a
}

func higher(a, b netip.Addr) netip.Addr {
	if !b.IsValid() || a.Less(b) {
		return b
	}
	return a
}

// CheckSiteAddress checks a static address of a site: it is in the tunnel and free to be one. pool
// is what the server gives out. Errors: Invalid.
func CheckSiteAddress(field string, a netip.Addr, tunnel netip.Prefix, pool Span) error {
	switch {
	case !tunnel.Contains(a):
		return Fault(Invalid, field, ReasonOutsideTunnel, tunnel.String())
	case a == tunnel.Addr():
		return Fault(Invalid, field, ReasonNetworkAddress, tunnel.String())
	case a.Is4() && a == LastAddress(tunnel):
		return Fault(Invalid, field, ReasonBroadcast, tunnel.String())
	case a == ServerAddress(tunnel):
		return Fault(Invalid, field, ReasonServerAddress)
	case pool.Contains(a):
		return Fault(Invalid, field, ReasonInPool, pool.First.String(), pool.Last.String())
	}
	return nil
}

// Gaps are the runs of addresses of a span that are not among used, which is ascending.
func Gaps(span Span, used []netip.Addr) []Span {
	var gaps []Span
	next := span.First
	for _, a := range used {
		if !span.Contains(a) || a.Less(next) {
			continue
		}
		if next.Less(a) {
			gaps = append(gaps, Span{next, a.Prev()})
		}
		next = a.Next()
	}
	if rest := (Span{next, span.Last}); !rest.Empty() {
		gaps = append(gaps, rest)
	}
	return gaps
}
