package domain

import (
	"net"
	"net/netip"
	"strings"
)

// ParseNetwork reads a network as people write it: 10.8.0.0/24, 10.8.0.0/255.255.255.0,
// 10.8.0.0 255.255.255.0, fd00:8::/64, or an address, which is a network of its own. Errors:
// Invalid, which names the network that was probably meant when host bits are set.
func ParseNetwork(field, text string) (netip.Prefix, error) {
	prefix, ok := readNetwork(text)
	if !ok {
		return netip.Prefix{}, Fault(Invalid, field, ReasonNetwork)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, Fault(Invalid, field, ReasonHostBits, prefix.String(), masked.String())
	}
	return prefix, nil
}

// readNetwork takes no IPv4 address that is mapped to IPv6, no zone, and no number with a leading
// zero, which some programs read as octal.
func readNetwork(text string) (netip.Prefix, bool) {
	address, length, given := cutNetwork(strings.TrimSpace(text))
	at, err := netip.ParseAddr(address)
	if err != nil || at.Is4In6() || at.Zone() != "" {
		return netip.Prefix{}, false
	}
	if !given {
		return netip.PrefixFrom(at, at.BitLen()), true
	}
	if mask, err := netip.ParseAddr(length); err == nil && mask.Is4() && at.Is4() {
		ones, size := net.IPMask(mask.AsSlice()).Size()
		return netip.PrefixFrom(at, ones), size != 0
	}
	prefix, err := netip.ParsePrefix(address + "/" + length)
	return prefix, err == nil
}

func cutNetwork(text string) (address, length string, given bool) {
	if address, length, given = strings.Cut(text, "/"); given {
		return address, length, true
	}
	if fields := strings.Fields(text); len(fields) == 2 {
		return fields[0], fields[1], true
	}
	return text, "", false
}

// neverRouted are the networks that no router forwards (RFC 6890): this host and network,
// loopback, link-local, multicast and reserved.
var neverRouted = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/127"), netip.MustParsePrefix("::ffff:0:0/96"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("ff00::/8"),
}

// ParseRouted is ParseNetwork for a network that packets are routed to: not everything, and nothing
// that no router forwards.
func ParseRouted(field, text string) (netip.Prefix, error) {
	prefix, err := ParseNetwork(field, text)
	if err != nil {
		return prefix, err
	}
	if prefix.Bits() == 0 {
		return netip.Prefix{}, Fault(Invalid, field, ReasonEverything)
	}
	for _, never := range neverRouted {
		if never.Overlaps(prefix) {
			return netip.Prefix{}, Fault(Invalid, field, ReasonNeverRouted, never.String())
		}
	}
	return prefix, nil
}

// ParseAddress reads an address. An IPv4 address that is mapped to IPv6, a zone, and a number with
// a leading zero are faults. Errors: Invalid.
func ParseAddress(field, text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || address.Is4In6() || address.Zone() != "" {
		return netip.Addr{}, Fault(Invalid, field, ReasonNoAddress)
	}
	return address, nil
}

// LastAddress is the highest address of a network.
func LastAddress(p netip.Prefix) netip.Addr {
	octets := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(octets)*8; i++ {
		octets[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}
