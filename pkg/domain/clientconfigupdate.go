package domain

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The limits of a config.
const (
	MaxSiteNetworks = 500   // LANs of a site at an instance; also of the networks pushed to it
	MaxExtraConf    = 8192  // characters
	MaxDNSDomain    = 200   // characters: what is pushed has to fit into a line of OpenVPN's
	MaxClientRoutes = 65535 // that OpenVPN keeps for a site
)

// Mapping presents a LAN as another network, as people write it.
type Mapping struct{ Network, Mapped string }

// ClientConfigUpdate is a partial change of a config: nil is unchanged, and empty clears. Networks
// and addresses are as people write them (see ParseNetwork). Lists are replaced as a whole. A
// mapping ends with its LAN.
type ClientConfigUpdate struct {
	StaticIP     *string
	StaticIPv6   *string
	PushRoutes   *[]string
	LANs         *[]string
	Mappings     *[]Mapping
	AllowOverlap *bool
	PushReset    *bool
	ExtraConf    *string
	DNSServer    *string
	DNSDomain    *string
	MaxRoutes    *int
}

// Apply changes c, or says which fields are at fault and leaves c in an undefined state. Whether
// the addresses and LANs fit into the plan is for the use case.
func (u ClientConfigUpdate) Apply(c *SiteConfig) error {
	set(&c.PushReset, u.PushReset)
	set(&c.AllowOverlap, u.AllowOverlap)
	set(&c.MaxRoutes, u.MaxRoutes)
	set(&c.DNSDomain, u.DNSDomain)
	if u.ExtraConf != nil {
		c.ExtraConf = strings.ReplaceAll(*u.ExtraConf, "\r\n", "\n")
	}
	err := errors.Join(
		setAddress("static_ip", &c.StaticIP, u.StaticIP, netip.Addr.Is4),
		setAddress("static_ipv6", &c.StaticIPv6, u.StaticIPv6, netip.Addr.Is6),
		setAddress("dns_server", &c.DNSServer, u.DNSServer, isServer),
		setNetworks("push_routes", &c.PushRoutes, u.PushRoutes),
		u.setLANs(c),
		checkText("extra_conf", c.ExtraConf, MaxExtraConf, true),
		checkDNSDomain("dns_domain", c.DNSDomain),
		checkRange("max_routes", c.MaxRoutes, 0, MaxClientRoutes),
	)
	if err != nil {
		return err
	}
	return errors.Join(checkOwnPushes(*c), checkApart(c.LANs))
}

// setAddress writes a given address; an empty one is none.
func setAddress(field string, target *netip.Addr, text *string, fits func(netip.Addr) bool) error {
	switch {
	case text == nil:
		return nil
	case strings.TrimSpace(*text) == "":
		*target = netip.Addr{}
		return nil
	}
	address, err := ParseAddress(field, *text)
	if err == nil && !fits(address) {
		err = Fault(Invalid, field, ReasonNoAddress)
	}
	*target = address
	return err
}

// isServer reports whether something can answer at an address.
func isServer(a netip.Addr) bool {
	return !slices.ContainsFunc(neverRouted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// setNetworks writes a given list of networks.
func setNetworks(field string, target *[]netip.Prefix, texts *[]string) error {
	if texts == nil {
		return nil
	}
	list, err := ParseNetworks(field, *texts)
	*target = list
	return err
}

// ParseNetworks reads a list of at most MaxSiteNetworks networks (see ParseRouted), none of them
// twice. The result is nil for an empty list.
func ParseNetworks(field string, texts []string) ([]netip.Prefix, error) {
	if len(texts) > MaxSiteNetworks {
		return nil, Fault(Invalid, field, ReasonTooMany, MaxSiteNetworks)
	}
	var list []netip.Prefix
	var faults FaultList
	seen := map[netip.Prefix]bool{}
	for i, text := range texts {
		place := fmt.Sprintf("%s[%d]", field, i)
		prefix, err := ParseRouted(place, text)
		if err == nil && seen[prefix] {
			err = Fault(Duplicated, place, ReasonTwice)
		}
		seen[prefix] = true
		faults.Add(err)
		list = append(list, prefix)
	}
	return list, faults.Err()
}

func (u ClientConfigUpdate) setLANs(c *SiteConfig) error {
	before := c.LANs
	if u.LANs != nil {
		list, err := ParseNetworks("iroutes", *u.LANs)
		if err != nil {
			return err
		}
		c.LANs = nil
		for _, network := range list {
			c.LANs = append(c.LANs, LAN{Network: network, Mapped: mappedBefore(before, network)})
		}
	}
	if u.Mappings == nil {
		return nil
	}
	return setMappings(c, *u.Mappings)
}

func mappedBefore(before []LAN, network netip.Prefix) netip.Prefix {
	i := slices.IndexFunc(before, func(l LAN) bool { return l.Network == network })
	if i < 0 {
		return netip.Prefix{}
	}
	return before[i].Mapped
}

// setMappings replaces what the LANs are mapped to.
func setMappings(c *SiteConfig, list []Mapping) error {
	if len(list) > MaxSiteNetworks {
		return Fault(Invalid, "nat", ReasonTooMany, MaxSiteNetworks)
	}
	c.LANs = slices.Clone(c.LANs)
	for i := range c.LANs {
		c.LANs[i].Mapped = netip.Prefix{}
	}
	var faults FaultList
	for i, one := range list {
		faults.Add(setMapping(c, fmt.Sprintf("nat[%d]", i), one))
	}
	return faults.Err()
}

func setMapping(c *SiteConfig, place string, one Mapping) error {
	network, insideErr := ParseRouted(place+".network", one.Network)
	mapped, mappedErr := ParseRouted(place+".mapped", one.Mapped)
	if err := errors.Join(insideErr, mappedErr); err != nil {
		return err
	}
	at := slices.IndexFunc(c.LANs, func(l LAN) bool { return l.Network == network })
	switch {
	case at < 0:
		return Fault(NotFound, place+".network", ReasonNoLAN)
	case c.LANs[at].Mapped.IsValid():
		return Fault(Duplicated, place+".network", ReasonTwice)
	case mapped.Bits() != network.Bits() || mapped.Addr().BitLen() != network.Addr().BitLen() || mapped == network:
		return Fault(Invalid, place+".mapped", ReasonMappedSize, network.Bits())
	}
	c.LANs[at].Mapped = mapped
	return nil
}

// checkOwnPushes refuses routes by which the site would send packets for its own LANs into the
// tunnel. A wider route is none: the LAN's own prefix is longer.
func checkOwnPushes(c SiteConfig) error {
	var faults FaultList
	for i, pushed := range c.PushRoutes {
		for _, lan := range c.LANs {
			if lan.Network.Bits() <= pushed.Bits() && lan.Network.Overlaps(pushed) {
				faults.Add(Fault(Rule, fmt.Sprintf("push_routes[%d]", i), ReasonOwnLAN, lan.Network.String()))
			}
		}
	}
	return faults.Err()
}

// checkApart refuses LANs of one site that overlap, as they are or as the others see them.
func checkApart(list []LAN) error {
	var faults FaultList
	for _, view := range []func(LAN) netip.Prefix{LAN.Seen, func(l LAN) netip.Prefix { return l.Network }} {
		order := make([]int, len(list))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return ComparePrefixes(view(list[a]), view(list[b])) })
		wide := netip.Prefix{}
		for _, i := range order {
			if p := view(list[i]); wide.IsValid() && wide.Overlaps(p) {
				faults.Add(Fault(Rule, fmt.Sprintf("iroutes[%d]", i), ReasonOverlapOwn, p.String(), wide.String()))
			} else {
				wide = p
			}
		}
		if err := faults.Err(); err != nil {
			return err
		}
	}
	return nil
}

// ComparePrefixes orders networks by their address, and wider ones first.
func ComparePrefixes(a, b netip.Prefix) int {
	if order := a.Addr().Compare(b.Addr()); order != 0 {
		return order
	}
	return a.Bits() - b.Bits()
}

func checkRange(field string, n, least, most int) error {
	switch {
	case n < least:
		return Fault(Invalid, field, ReasonTooSmall, least)
	case n > most:
		return Fault(Invalid, field, ReasonTooLarge, most)
	}
	return nil
}

// checkDNSDomain checks a domain of letters, digits and hyphens (RFC 1123, section 2.1); empty is
// none.
func checkDNSDomain(field, name string) error {
	if name == "" {
		return nil
	}
	if len(name) > MaxDNSDomain {
		return Fault(Invalid, field, ReasonTooLong, MaxDNSDomain)
	}
	for label := range strings.SplitSeq(name, ".") {
		hyphened := strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-")
		if label == "" || len(label) > 63 || hyphened || strings.Trim(label, domainLetters) != "" {
			return Fault(Invalid, field, ReasonDomain)
		}
	}
	return nil
}

const domainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
