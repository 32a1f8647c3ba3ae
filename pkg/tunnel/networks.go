package tunnel

import (
	"context"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// tunnels are the networks of an instance that are in the IP plan, and the fields that name them.
func tunnels(i domain.Instance) map[string]netip.Prefix {
	list := map[string]netip.Prefix{"network": i.Network}
	if i.NetworkV6.IsValid() {
		list["network_v6"] = i.NetworkV6
	}
	return list
}

// addTunnels puts the networks of an instance into the plan of its gateway, which is locked.
// Errors: *domain.Error with Rule for a network that overlaps another of the gateway.
func addTunnels(ctx context.Context, tx domain.Store, i domain.Instance) error {
	gateway := domain.NameKey(i.Gateway)
	var list []domain.Network
	var faults domain.FaultList
	for _, field := range []string{"network", "network_v6"} {
		prefix, has := tunnels(i)[field]
		if !has {
			continue
		}
		other, overlaps, err := tx.Networks().Overlapping(ctx, gateway, prefix)
		if err != nil {
			return err
		}
		if overlaps {
			own := domain.OwnedNetwork{Network: domain.Network{Prefix: prefix}, InstanceName: i.Name}
			faults.Add(own.Overlaps(field, other))
		}
		list = append(list, domain.Network{
			Gateway: gateway, InstanceID: i.ID, Kind: domain.TunnelNetwork, Prefix: prefix,
		})
	}
	if err := faults.Err(); err != nil {
		return err
	}
	return tx.Networks().Add(ctx, list)
}

// moveTunnels replaces the networks of an instance in the plan, if they or the gateway have
// changed. An instance with sites keeps its gateway, and its networks have the addresses of the
// sites.
func moveTunnels(ctx context.Context, tx domain.Store, before, after domain.Instance) error {
	from, to := domain.NameKey(before.Gateway), domain.NameKey(after.Gateway)
	if err := lockPlans(ctx, tx, from, to); err != nil {
		return err
	}
	if from != to {
		if has, err := tx.ClientConfigs().Any(ctx, after.ID); has || err != nil {
			return orFault(err, domain.Fault(domain.Rule, "gateway", domain.ReasonHasSites))
		}
	}
	if err := checkSites(ctx, tx, before, after); err != nil {
		return err
	}
	if from == to && before.Network == after.Network && before.NetworkV6 == after.NetworkV6 {
		return nil
	}
	if err := removeTunnels(ctx, tx, after.ID); err != nil {
		return err
	}
	return addTunnels(ctx, tx, after)
}

// orFault is err, or the fault where there is none.
func orFault(err error, fault *domain.Error) error {
	if err != nil {
		return err
	}
	return fault
}

// lockPlans locks the plans of two gateways in the order of their names.
func lockPlans(ctx context.Context, tx domain.Store, a, b string) error {
	if err := tx.Networks().Lock(ctx, min(a, b)); err != nil || a == b {
		return err
	}
	return tx.Networks().Lock(ctx, max(a, b))
}

func removeTunnels(ctx context.Context, tx domain.Store, id int64) error {
	own, err := tx.Networks().OfInstance(ctx, id)
	if err != nil {
		return err
	}
	ids := make([]int64, len(own))
	for k, n := range own {
		ids[k] = n.ID
	}
	return tx.Networks().Remove(ctx, ids)
}

// checkSites refuses networks and a pool that the static addresses of the sites do not fit to.
func checkSites(ctx context.Context, tx domain.Store, before, after domain.Instance) error {
	var faults domain.FaultList
	for field, network := range map[string]netip.Prefix{
		"network": after.Network, "network_v6": orNowhere(after.NetworkV6),
	} {
		if network == tunnels(before)[field] {
			continue
		}
		site, outside, err := tx.Networks().Outside(ctx, after.ID, network)
		if err == nil && !outside {
			site, outside, err = takenByServer(ctx, tx, after.ID, network)
		}
		if err != nil {
			return err
		}
		if outside {
			faults.Add(domain.Fault(domain.Rule, field, domain.ReasonOutsideSites,
				site.Prefix.Addr().String(), site.ClientName))
		}
	}
	pool := after.Pool()
	if !pool.Empty() && pool != before.Pool() {
		site, inside, err := tx.Networks().Between(ctx, after.ID, pool.First, pool.Last)
		if err != nil {
			return err
		}
		if inside {
			faults.Add(domain.Fault(domain.Rule, "dhcp_start", domain.ReasonPoolOfSites,
				site.Prefix.Addr().String(), site.ClientName))
		}
	}
	return faults.Err()
}

// nowhere has none of the addresses that a site can have.
var nowhere = netip.MustParsePrefix("::/128")

func orNowhere(p netip.Prefix) netip.Prefix {
	if p.IsValid() {
		return p
	}
	return nowhere
}

// takenByServer returns a site whose address would be that of the network, of the server, or the
// broadcast address, or false.
func takenByServer(
	ctx context.Context, tx domain.Store, id int64, network netip.Prefix,
) (found domain.OwnedNetwork, has bool, err error) {
	ends := []netip.Addr{network.Addr(), domain.ServerAddress(network)}
	if network.Addr().Is4() {
		ends = append(ends, domain.LastAddress(network))
	}
	for _, address := range ends {
		if found, has, err = tx.Networks().Holder(ctx, id, address); has || err != nil {
			return found, has, err
		}
	}
	return found, false, nil
}

// checkName refuses a name that is taken. Without it, the port of that instance would be the fault
// that is found, since the name is also that of its gateway.
func checkName(ctx context.Context, tx domain.Store, i domain.Instance) error {
	found, err := tx.Instances().Page(ctx, domain.InstanceFilter{Name: i.Name}, domain.PageRequest{Size: 1})
	if err == nil && len(found.Items) > 0 {
		err = domain.Fault(domain.Duplicated, "name", domain.ReasonDuplicated)
	}
	return err
}

// portBatch is how many instances of a gateway are read at once.
const portBatch = 100

// checkPort refuses the port of another instance of the gateway: only one process can listen on it.
// The plan of the gateway is locked.
func checkPort(ctx context.Context, tx domain.Store, i domain.Instance) error {
	page := domain.PageRequest{Size: portBatch}
	for {
		found, err := tx.Instances().Page(ctx, domain.InstanceFilter{Gateway: i.Gateway}, page)
		if err != nil {
			return err
		}
		for _, other := range found.Items {
			same := other.ID == i.ID || domain.NameKey(other.Name) == domain.NameKey(i.Name)
			if !same && other.Port == i.Port && other.Proto == i.Proto {
				return domain.Fault(domain.Rule, "port", domain.ReasonPortTaken, other.Name)
			}
		}
		if found.Next == nil {
			return nil
		}
		page.Cursor = *found.Next
	}
}
