package events

import (
	"errors"
	"net/netip"
	"slices"
)

// errAddress is the error of an address that webhooks must not reach.
var errAddress = errors.New("events: the address is not allowed for webhooks")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// closed are the networks that no webhook reaches unless it is allowed: those of the registries of
// special addresses (RFC 6890 and its successors), multicast, and addresses at which clouds answer
// their own machines. What is not global unicast of IPv6 is closed as well.
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // of Azure
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

// mayReach reports whether webhooks may reach an address. One that stands for an address of IPv4,
// as those of NAT64 (RFC 6052), is judged as that one.
func mayReach(address netip.Addr, allowed []netip.Prefix) bool {
	address = address.Unmap().WithZone("")
	if isIn(allowed, address) {
		return true
	}
	if nat64.Contains(address) {
		octets := address.As16()
		return mayReach(netip.AddrFrom4([4]byte(octets[12:])), allowed)
	}
	if address.Is6() && !globalUnicast.Contains(address) {
		return false
	}
	return address.IsValid() && !isIn(closed, address)
}

func isIn(list []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(address) })
}
