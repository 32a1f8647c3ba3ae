package domain

import (
	"context"
	"net/netip"
)

// NetworkKind is what a network of the IP plan is.
type NetworkKind string

// The kinds of networks.
const (
	TunnelNetwork NetworkKind = "tunnel"  // the addresses of an instance's tunnels
	TunnelAddress NetworkKind = "address" // the static tunnel address of a site, as /32 or /128
	SiteLAN       NetworkKind = "lan"     // behind a site; iroute
	PushedNetwork NetworkKind = "pushed"  // behind the server; pushed to all sites
)

// Network is an entry of the IP plan: something of an instance, or of one of its sites. Tunnels,
// LANs and pushed networks of one gateway never overlap. A LAN that is mapped counts as what the
// others see.
type Network struct {
	ID         int64
	Gateway    string // NameKey of it
	InstanceID int64
	ClientID   int64 // 0: the instance itself
	Kind       NetworkKind
	Prefix     netip.Prefix // masked
	Inside     netip.Prefix // the LAN itself, when Prefix is what it is mapped to, 1:1; else not valid
}

// OwnedNetwork is a network with the names of its owners, for faults and for the plan.
type OwnedNetwork struct {
	Network
	InstanceName string
	ClientName   string // empty: the instance itself
}

// Networks keeps the IP plan. Who changes the plan of a gateway calls Lock first, in the same
// transaction: what Overlapping then says holds until the transaction ends, over all replicas.
type Networks interface {
	// Lock makes the transaction the only one that changes the plan of a gateway until it ends.
	Lock(ctx context.Context, gateway string) error
	// Overlapping returns a network of the gateway, other than an address, that overlaps prefix, or
	// false. It costs one look-up in an index, however many networks there are.
	Overlapping(ctx context.Context, gateway string, prefix netip.Prefix) (OwnedNetwork, bool, error)
	// Holder returns the site of an instance that has a static address, or false.
	Holder(ctx context.Context, instanceID int64, address netip.Addr) (OwnedNetwork, bool, error)
	// NextFree returns the lowest address from first to last that no site of the instance has, or
	// false.
	NextFree(ctx context.Context, instanceID int64, first, last netip.Addr) (netip.Addr, bool, error)
	// OfInstance returns what belongs to the instance itself, by ascending id.
	OfInstance(ctx context.Context, instanceID int64) ([]Network, error)
	// OfSite returns what a site has at an instance, by ascending id.
	OfSite(ctx context.Context, instanceID, clientID int64) ([]Network, error)
	// Plan returns one page of all networks of an instance and its sites, by ascending id.
	Plan(ctx context.Context, instanceID int64, page PageRequest) (Page[OwnedNetwork], error)
	// Add stores networks and sets their ids. Errors: Duplicated for an address that is taken, or
	// for a network that begins where another does.
	Add(ctx context.Context, list []Network) error
	// Remove removes networks by their ids; unknown ones are left out.
	Remove(ctx context.Context, ids []int64) error
}
