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
)

// Network is an entry of the IP plan: something of an instance, or of one of its sites.
//
// Tunnels and LANs of one gateway never overlap. A LAN that is mapped counts as what the others
// see. What is pushed is no part of the plan: it is often the LAN of a site, or a wider network
// that several instances push.
type Network struct {
	ID         int64
	Gateway    string // NameKey of it
	InstanceID int64
	ClientID   int64 // 0: the instance itself
	Kind       NetworkKind
	Prefix     netip.Prefix // masked
	Inside     netip.Prefix // the LAN itself, when Prefix is what it is mapped to, 1:1; else not valid
}

// OwnedNetwork is a network with its owners, for faults and for the plan.
type OwnedNetwork struct {
	Network
	InstanceName string
	ClientName   string // empty: the instance itself
	// Abandoned says that the certificate of the site is revoked for good: it keeps what it has
	// only until another site wants it.
	Abandoned bool
}

// Own is the network as its owner has it: a LAN, also when it is mapped.
func (n Network) Own() netip.Prefix {
	if n.Inside.IsValid() {
		return n.Inside
	}
	return n.Prefix
}

// Networks keeps the IP plan. Who changes the plan of a gateway calls Lock first, in the same
// transaction: what the other methods then say holds until the transaction ends, over all replicas.
//
// The groups Networks and Networks_Model of the suite test it.
type Networks interface {
	// Lock makes the transaction the only one that changes the plan of a gateway until it ends. The
	// row of an instance is locked before.
	Lock(ctx context.Context, gateway string) error
	// Overlapping returns a tunnel or a LAN of the gateway that overlaps prefix, or false. It costs
	// one look-up in an index, however many networks there are.
	Overlapping(ctx context.Context, gateway string, prefix netip.Prefix) (OwnedNetwork, bool, error)
	// Holder returns the site of an instance that has a static address, or false.
	Holder(ctx context.Context, instanceID int64, address netip.Addr) (OwnedNetwork, bool, error)
	// Outside returns a static address of the family of prefix that is not in it, or false.
	Outside(ctx context.Context, instanceID int64, prefix netip.Prefix) (OwnedNetwork, bool, error)
	// Between returns the lowest static address from first to last that a site of the instance has,
	// or false.
	Between(ctx context.Context, instanceID int64, first, last netip.Addr) (OwnedNetwork, bool, error)
	// Abandoned returns the lowest static address from first to last whose site is revoked for
	// good, or false.
	Abandoned(ctx context.Context, instanceID int64, first, last netip.Addr) (OwnedNetwork, bool, error)
	// Addresses returns up to limit static addresses of an instance from first to last, ascending.
	Addresses(ctx context.Context, instanceID int64, first, last netip.Addr, limit int) ([]netip.Addr, error)
	// NextFree returns the lowest address from first to last that no site of the instance has, or
	// false. It reads the addresses below it.
	NextFree(ctx context.Context, instanceID int64, first, last netip.Addr) (netip.Addr, bool, error)
	// OfInstance returns what belongs to the instance itself, by ascending id.
	OfInstance(ctx context.Context, instanceID int64) ([]Network, error)
	// OfSite returns what a site has at an instance, by ascending id.
	OfSite(ctx context.Context, instanceID, clientID int64) ([]Network, error)
	// OfClient returns what a site has at all instances, by ascending id.
	OfClient(ctx context.Context, clientID int64) ([]Network, error)
	// OfClients returns what clients have at all instances, by ascending id of the client and then
	// of the network.
	OfClients(ctx context.Context, clientIDs []int64) ([]Network, error)
	// OfSites returns what the sites of an instance have, of clients with ids above after up to
	// last, by ascending id of the client and then of the network.
	OfSites(ctx context.Context, instanceID, after, last int64) ([]Network, error)
	// Plan returns one page of all networks of an instance and its sites, by ascending id. See
	// PageRequest for its bounds.
	Plan(ctx context.Context, instanceID int64, page PageRequest) (Page[OwnedNetwork], error)
	// Add stores networks and sets their ids. Errors: Duplicated on prefix for an address that is
	// taken, and for a tunnel or LAN that begins where another does; NotFound on instance_id.
	Add(ctx context.Context, list []Network) error
	// Remove removes networks by their ids; unknown ones are left out.
	Remove(ctx context.Context, ids []int64) error
	// Move gives all networks of an instance to another gateway. The caller has locked both.
	// Errors: Duplicated on prefix, as Add.
	Move(ctx context.Context, instanceID int64, gateway string) error
}
