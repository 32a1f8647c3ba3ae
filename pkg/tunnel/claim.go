package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// admit checks that the client can be a site of the instance. It takes their configs away from
// others of its name, whose certificates are not in force: the server finds the file of a site by
// its name.
func (c *change) admit(ctx context.Context, now time.Time) error {
	if c.client.Revoked() && !c.client.Suspended() {
		return domain.Fault(domain.Rule, "id", domain.ReasonRevoked)
	}
	if err := c.checkCA(ctx); err != nil {
		return err
	}
	others, err := c.tx.ClientConfigs().Namesakes(ctx, c.instance.ID, c.client.ID, c.client.Name)
	for _, id := range others {
		if err != nil {
			break
		}
		var other domain.Client
		if other, err = c.tx.Clients().Get(ctx, id); err == nil && other.HoldsName(now) {
			return domain.Fault(domain.Duplicated, "name", domain.ReasonDuplicated)
		}
		if err == nil {
			err = c.release(ctx, domain.OwnedNetwork{
				Network:    domain.Network{InstanceID: c.instance.ID, ClientID: id},
				ClientName: other.Name, InstanceName: c.instance.Name,
			})
		}
	}
	return err
}

// checkCA refuses a client whose certificate the server would not accept: of a CA that is neither
// that of the instance nor one that is trusted with it, nor below one of these.
func (c *change) checkCA(ctx context.Context) error {
	of, at := c.client.CAID, c.instance.CAID
	if of == at {
		return nil
	}
	trusted, err := c.trustedWith(ctx, at)
	if err != nil {
		return err
	}
	var theirs domain.CA
	for id := of; id != 0; {
		if trusted[id] {
			return nil
		}
		authority, err := c.tx.CAs().Get(ctx, id)
		if err != nil {
			return err
		}
		if id == of {
			theirs = authority
		}
		id = authority.ParentID
	}
	ours, err := c.tx.CAs().Get(ctx, at)
	if err != nil {
		return err
	}
	return domain.Fault(domain.Rule, "instance_id", domain.ReasonOtherCA, theirs.Name, ours.Name)
}

// trustedWith returns the ids of a CA, of those above it, and of those that take its place or whose
// place it takes.
func (c *change) trustedWith(ctx context.Context, id int64) (map[int64]bool, error) {
	trusted := map[int64]bool{}
	for next := []int64{id}; len(next) > 0; next = next[1:] {
		if next[0] == 0 || trusted[next[0]] {
			continue
		}
		authority, err := c.tx.CAs().Get(ctx, next[0])
		if err != nil {
			return nil, err
		}
		trusted[authority.ID] = true
		next = append(next, authority.ParentID, authority.SuccessorID, authority.PredecessorID)
	}
	return trusted, nil
}

// ipFamily says where the parts of one version of IP are.
type ipFamily struct {
	version int
	field   string
	tunnel  func(domain.Instance) netip.Prefix
	pool    func(domain.Instance) domain.Span
	address func(*domain.SiteConfig) *netip.Addr
}

var (
	ipv4 = ipFamily{
		4, "static_ip", func(i domain.Instance) netip.Prefix { return i.Network }, domain.Instance.Pool,
		func(c *domain.SiteConfig) *netip.Addr { return &c.StaticIP },
	}
	ipv6 = ipFamily{
		6, "static_ipv6", func(i domain.Instance) netip.Prefix { return i.NetworkV6 },
		func(domain.Instance) domain.Span { return domain.Span{} },
		func(c *domain.SiteConfig) *netip.Addr { return &c.StaticIPv6 },
	}
)

// claimAddress checks the static address of a site, or finds one. asked says that the caller has
// given one, or has asked for none.
func (c *change) claimAddress(ctx context.Context, f ipFamily, after *domain.SiteConfig, asked bool) error {
	address, was := f.address(after), *f.address(&c.before)
	tunnel := f.tunnel(c.instance)
	switch {
	case address.IsValid() && *address == was:
		return nil
	case address.IsValid() && !tunnel.IsValid():
		return domain.Fault(domain.Invalid, f.field, domain.ReasonNoTunnel, f.version)
	case address.IsValid():
		return c.claimGiven(ctx, f, *address)
	case !tunnel.IsValid():
		return nil
	}
	needed := f.version == 4 && c.instance.Pool().Empty() // nobody else would give it one
	if needed && asked && c.before.Configured {
		return domain.Fault(domain.Rule, f.field, domain.ReasonNeedsAddress)
	}
	if !needed && (asked || c.before.Configured) {
		return nil
	}
	free, found, err := c.nextAddress(ctx, domain.SiteAddresses(tunnel, f.pool(c.instance)))
	if err == nil && !found && needed {
		return domain.Fault(domain.Rule, f.field, domain.ReasonTunnelFull, tunnel.String())
	}
	*address = free
	return err
}

// claimGiven checks an address that the caller has chosen.
func (c *change) claimGiven(ctx context.Context, f ipFamily, address netip.Addr) error {
	if err := domain.CheckSiteAddress(f.field, address, f.tunnel(c.instance), f.pool(c.instance)); err != nil {
		return err
	}
	holder, found, err := c.tx.Networks().Holder(ctx, c.instance.ID, address)
	switch {
	case err != nil || !found || holder.ClientID == c.client.ID:
		return err
	case holder.Abandoned:
		return c.release(ctx, holder)
	}
	return domain.Fault(domain.Duplicated, f.field, domain.ReasonAddressTaken, holder.Owner())
}

// nextAddress finds the lowest address that no site has, or else the lowest one of a site that is
// revoked for good.
func (c *change) nextAddress(ctx context.Context, spans []domain.Span) (netip.Addr, bool, error) {
	for _, span := range spans {
		free, found, err := c.tx.Networks().NextFree(ctx, c.instance.ID, span.First, span.Last)
		if found || err != nil {
			return free, found, err
		}
	}
	for _, span := range spans {
		gone, found, err := c.tx.Networks().Abandoned(ctx, c.instance.ID, span.First, span.Last)
		if err != nil {
			return netip.Addr{}, false, err
		}
		if found {
			return gone.Prefix.Addr(), true, c.release(ctx, gone)
		}
	}
	return netip.Addr{}, false, nil
}

// claimLANs checks that the LANs of a site overlap no other network of the gateway. The entries of
// the plan that change are taken out before.
func (c *change) claimLANs(ctx context.Context, after domain.SiteConfig) error {
	all := slices.Equal(after.LANs, c.before.LANs) && after.AllowOverlap == c.before.AllowOverlap
	kept := after.Entries()
	c.stay = slices.DeleteFunc(slices.Clone(c.entries), func(n domain.Network) bool {
		return n.Kind == domain.SiteLAN && !all || !slices.Contains(kept, bare(n))
	})
	var gone []int64
	for _, n := range c.entries {
		if !slices.Contains(c.stay, n) {
			gone = append(gone, n.ID)
		}
	}
	if err := c.tx.Networks().Remove(ctx, gone); err != nil || all {
		return err
	}
	var faults domain.FaultList
	for i, lan := range after.LANs {
		err := c.claimLAN(ctx, fmt.Sprintf("iroutes[%d]", i), lan, after.AllowOverlap)
		if err != nil && domain.Faults(err) == nil {
			return err
		}
		faults.Add(err)
	}
	return faults.Err()
}

// claimLAN checks one LAN. Of one that is mapped the others see what it is mapped to. It may itself
// overlap others if that is allowed, but never the tunnel that its packets go through.
func (c *change) claimLAN(ctx context.Context, field string, lan domain.LAN, allowed bool) error {
	mine := domain.OwnedNetwork{
		Network: domain.Network{Kind: domain.SiteLAN, Prefix: lan.Seen()}, InstanceName: c.instance.Name,
		ClientName: c.client.Name,
	}
	seen := c.claim(ctx, field, mine)
	if !lan.Mapped.IsValid() || seen != nil {
		return seen
	}
	mine.Prefix = lan.Network
	for _, tunnel := range []netip.Prefix{c.instance.Network, c.instance.NetworkV6} {
		if tunnel.IsValid() && tunnel.Overlaps(lan.Network) {
			return mine.Overlaps(field, domain.OwnedNetwork{
				Network:      domain.Network{Kind: domain.TunnelNetwork, Prefix: tunnel},
				InstanceName: c.instance.Name,
			})
		}
	}
	if allowed {
		return nil
	}
	return c.claim(ctx, field, mine)
}

// claim checks that a network overlaps no other one. Sites that are revoked for good give way.
func (c *change) claim(ctx context.Context, field string, mine domain.OwnedNetwork) error {
	for {
		other, found, err := c.tx.Networks().Overlapping(ctx, c.gateway, mine.Prefix)
		switch {
		case err != nil || !found:
			return err
		case !other.Abandoned:
			return mine.Overlaps(field, other)
		}
		if err := c.release(ctx, other); err != nil {
			return err
		}
	}
}

// release takes the config of a site away.
func (c *change) release(ctx context.Context, of domain.OwnedNetwork) error {
	c.released = append(c.released, of.Owner())
	return drop(ctx, c.tx, of.InstanceID, of.ClientID)
}

// drop removes a config and its networks.
func drop(ctx context.Context, tx domain.Store, instanceID, clientID int64) error {
	list, err := tx.Networks().OfSite(ctx, instanceID, clientID)
	if err != nil {
		return err
	}
	ids := make([]int64, len(list))
	for i, n := range list {
		ids[i] = n.ID
	}
	return errors.Join(tx.Networks().Remove(ctx, ids), tx.ClientConfigs().Delete(ctx, instanceID, clientID))
}

// bare is an entry without its id and its owners.
func bare(n domain.Network) domain.Network {
	return domain.Network{Kind: n.Kind, Prefix: n.Prefix, Inside: n.Inside}
}

func same(a, b audit.Facts) bool { return reflect.DeepEqual(a, b) }
