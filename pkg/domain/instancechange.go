package domain

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// The limits of an instance.
const (
	MaxPushed       = 250   // networks that are pushed to all sites, and routes of the server
	MaxServerExtra  = 16384 // characters of the directives of an instance
	maxKeepalive    = 86400 // seconds
	maxRenegotiate  = 31536000
	minRenegotiate  = 60
	maxRenewBefore  = 365 // days
	shortestNetwork = 16  // OpenVPN's pool has at most 65536 addresses
	longestNetwork  = 29  // OpenVPN refuses smaller ones
	shortestV6      = 64  // as for server-ipv6
	longestV6       = 124
)

// DefaultInstance is an instance of which nothing is said.
func DefaultInstance() Instance {
	return Instance{
		Version: 1,
		InstanceSettings: InstanceSettings{
			Proto: UDP, Port: 1194, TLSProfile: TLSModern, Control: TLSCryptV2, VerifyClient: true,
			KeepaliveEvery: 10, KeepaliveEnd: 60, RenegotiateSecs: 3600, RenewBefore: 30,
		},
	}
}

// InstanceSpec is what is asked of a new instance.
type InstanceSpec struct {
	InstanceUpdate
	KeyAlgorithm string // of the server's key; empty: the default
	Expiration   *int   // days, of the server's certificate; nil: as for other servers
}

// InstanceUpdate is a partial change: nil is unchanged, and empty clears. Networks, addresses and
// remotes are as people write them. Lists are replaced as a whole. Name and CA can't be changed.
type InstanceUpdate struct {
	Name, Gateway, Description                              *string
	Country, Province, City, Organization, Sector, Email    *string
	CAID, ModelID                                           *int64
	Port, KeepaliveEvery, KeepaliveEnd, RenegSec            *int
	RenewBefore                                             *int
	Network, NetworkV6, Proto, TLSProfile, Control          *string
	DHCPStart, DHCPEnd, DNSServer, DNSDomain, ExtraConf     *string
	DHCPEnabled, LDAPAuth, RemoteRandom, VerifyClientDemand *bool
	PushRoutes, Routes, Remotes                             *[]string
}

// Instance makes a new instance of a spec, without what the database knows. Errors: the faults of
// all fields.
func (s InstanceSpec) Instance() (Instance, error) {
	i := DefaultInstance()
	set(&i.CAID, s.CAID)
	setName(&i.Name, s.Name)
	i.Gateway = i.Name
	bare := s.InstanceUpdate
	bare.Name, bare.CAID = nil, nil
	var network, authority error
	if s.CAID == nil || *s.CAID == 0 {
		authority = Fault(Required, "ca_id", ReasonRequired)
	}
	if s.Network == nil || strings.TrimSpace(*s.Network) == "" {
		network = Fault(Required, "network", ReasonRequired)
		bare.Network = nil
	}
	err := errors.Join(
		authority, checkServerName(i.Name), network, bare.apply(&i), checkLife(s.Expiration, MaxClientLife),
	)
	if err != nil {
		return i, err
	}
	return i, i.check()
}

// Apply changes i, or says which fields are at fault and leaves i in an undefined state. Whether
// its networks fit into the plan, and whether its model renders, is for the use case.
func (u InstanceUpdate) Apply(i *Instance) error {
	err := errors.Join(
		fixedName("name", u.Name, i.Name), fixed("ca_id", u.CAID, i.CAID), u.apply(i),
	)
	if err != nil {
		return err
	}
	u.movePool(i)
	return i.check()
}

// movePool takes the pool away that a new network leaves outside, unless ends are given: check then
// completes it.
func (u InstanceUpdate) movePool(i *Instance) {
	if u.Network == nil || u.DHCPStart != nil || u.DHCPEnd != nil {
		return
	}
	if !i.Network.Contains(i.DHCPStart) || !i.Network.Contains(i.DHCPEnd) {
		i.DHCPStart, i.DHCPEnd = netip.Addr{}, netip.Addr{}
	}
}

// checkServerName checks the name of an instance, which is the common name of its certificate. The
// configurations of sites name it, so it has no letters that one of their programs may misread.
func checkServerName(name string) error {
	if name == "" {
		return Fault(Required, "name", ReasonRequired)
	}
	if strings.Trim(name, domainLetters+"._ ") != "" {
		return Fault(Invalid, "name", ReasonCharset, "A-Z a-z 0-9 - . _")
	}
	return checkNameText("name", name, MaxCommonName)
}

func (u InstanceUpdate) apply(i *Instance) error {
	set(&i.ModelID, u.ModelID)
	set(&i.Port, u.Port)
	set(&i.DHCPEnabled, u.DHCPEnabled)
	set(&i.LDAPAuth, u.LDAPAuth)
	set(&i.RemoteRandom, u.RemoteRandom)
	set(&i.VerifyClient, u.VerifyClientDemand)
	set(&i.KeepaliveEvery, u.KeepaliveEvery)
	set(&i.KeepaliveEnd, u.KeepaliveEnd)
	set(&i.RenegotiateSecs, u.RenegSec)
	set(&i.RenewBefore, u.RenewBefore)
	set(&i.DNSDomain, u.DNSDomain)
	if u.ExtraConf != nil {
		i.Extra = strings.ReplaceAll(*u.ExtraConf, "\r\n", "\n")
	}
	if u.Gateway != nil {
		i.Gateway = i.Name
		if name := CleanName(*u.Gateway); name != "" {
			i.Gateway = name
		}
	}
	return errors.Join(u.applyRecord(i), u.applyChoices(i), u.applyNetworks(i), u.applyPool(i))
}

func (u InstanceUpdate) applyRecord(i *Instance) error {
	set(&i.Country, u.Country)
	set(&i.Province, u.Province)
	set(&i.City, u.City)
	set(&i.Organization, u.Organization)
	set(&i.Sector, u.Sector)
	set(&i.Email, u.Email)
	set(&i.Description, u.Description)
	return errors.Join(
		i.Subject.Validate(), checkDescription(i.Description), checkNameText("gateway", i.Gateway, MaxName),
		checkText("extra_conf", i.Extra, MaxServerExtra, true), checkDNSDomain("dns_domain", i.DNSDomain),
	)
}

// applyChoices writes the fields that have few values. An empty text is the default.
func (u InstanceUpdate) applyChoices(i *Instance) error {
	usual := DefaultInstance()
	return errors.Join(
		setChoice("proto", &i.Proto, u.Proto, usual.Proto, UDP, TCP),
		setChoice("tls_profile", &i.TLSProfile, u.TLSProfile, usual.TLSProfile, TLSModern, TLSCompatible),
		setChoice("control_channel", &i.Control, u.Control, usual.Control, TLSCryptV2, TLSCrypt, TLSAuth, NoControl),
	)
}

func setChoice[T ~string](field string, target *T, text *string, usual T, choices ...T) error {
	if text == nil {
		return nil
	}
	asked := T(strings.ToLower(strings.TrimSpace(*text)))
	names := make([]string, len(choices))
	for k, choice := range choices {
		if names[k] = string(choice); asked == choice {
			*target = asked
			return nil
		}
	}
	if asked == "" {
		*target = usual
		return nil
	}
	return Fault(Invalid, field, ReasonChoice, strings.Join(names, ", "))
}

func (u InstanceUpdate) applyNetworks(i *Instance) error {
	var remotes error
	if u.Remotes != nil {
		i.Remotes, remotes = parseRemotes("remotes", *u.Remotes)
	}
	var empty error
	if u.Network != nil && strings.TrimSpace(*u.Network) == "" {
		empty = Fault(Required, "network", ReasonRequired)
	}
	return errors.Join(
		empty, remotes,
		setTunnel("network", &i.Network, u.Network, 4), setTunnel("network_v6", &i.NetworkV6, u.NetworkV6, 6),
		setRoutes("push_routes", &i.PushRoutes, u.PushRoutes, ParseNetwork),
		setRoutes("routes", &i.Routes, u.Routes, ParseRouted),
	)
}

func setTunnel(field string, target *netip.Prefix, text *string, version int) error {
	if text == nil {
		return nil
	}
	if strings.TrimSpace(*text) == "" {
		*target = netip.Prefix{}
		return nil
	}
	p, err := ParseRouted(field, *text)
	if err != nil {
		return err
	}
	shortest, longest := shortestNetwork, longestNetwork
	if version == 6 {
		shortest, longest = shortestV6, longestV6
	}
	switch {
	case p.Addr().Is4() != (version == 4):
		return Fault(Invalid, field, ReasonFamily, version)
	case p.Bits() < shortest || p.Bits() > longest:
		return Fault(Invalid, field, ReasonNetworkSize, shortest, longest)
	}
	*target = p
	return nil
}

func setRoutes(
	field string, target *[]netip.Prefix, texts *[]string, parse func(field, text string) (netip.Prefix, error),
) error {
	if texts == nil {
		return nil
	}
	if len(*texts) > MaxPushed {
		return Fault(Invalid, field, ReasonTooMany, MaxPushed)
	}
	var list []netip.Prefix
	var faults FaultList
	seen := map[netip.Prefix]bool{}
	for k, text := range *texts {
		place := fmt.Sprintf("%s[%d]", field, k)
		p, err := parse(place, text)
		if err == nil && seen[p] {
			err = Fault(Duplicated, place, ReasonTwice)
		}
		seen[p] = true
		faults.Add(err)
		list = append(list, p)
	}
	*target = list
	return faults.Err()
}

func (u InstanceUpdate) applyPool(i *Instance) error {
	server := netip.Addr{}
	if i.DNSServer != "" {
		server, _ = netip.ParseAddr(i.DNSServer)
	}
	err := errors.Join(
		setAddress("dhcp_start", &i.DHCPStart, u.DHCPStart, netip.Addr.Is4),
		setAddress("dhcp_end", &i.DHCPEnd, u.DHCPEnd, netip.Addr.Is4),
		setAddress("dns_server", &server, u.DNSServer, isServer),
	)
	i.DNSServer = ""
	if server.IsValid() {
		i.DNSServer = server.String()
	}
	return err
}
