package tunnel

import (
	"context"
	"math"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Plans show the IP plan of instances.
type Plans struct {
	Store domain.Store
	Scans *turns.Turns
}

// Plan is one page of the IP plan of an instance.
type Plan struct {
	Instance domain.Instance
	Tunnels  []Tunnel
	Networks domain.Page[domain.OwnedNetwork]
}

// Tunnel is a tunnel network with what is free of it.
type Tunnel struct {
	Network netip.Prefix
	Server  netip.Addr
	Pool    domain.Span   // what the server gives out; empty: nothing
	Size    int64         // how many addresses sites can have as static ones, at most domain.MaxID
	Used    int64         // by sites
	Free    []domain.Span // ascending
}

// FreeSize is how many addresses are free, at most domain.MaxID.
func (t Tunnel) FreeSize() int64 {
	size := int64(0)
	for _, span := range t.Free {
		size = min(size+span.Size(), domain.MaxID)
	}
	return size
}

// Of returns the plan of an instance, with one page of its networks. Errors: *domain.Error with
// Missing.
func (s *Plans) Of(ctx context.Context, instanceID int64, req domain.PageRequest) (plan Plan, err error) {
	if plan.Instance, err = s.Store.Instances().Get(ctx, instanceID); err != nil {
		return plan, err
	}
	read := func(ctx context.Context) (page domain.Page[domain.OwnedNetwork], err error) {
		if plan.Tunnels, err = s.tunnels(ctx, plan.Instance); err != nil {
			return page, err
		}
		return s.Store.Networks().Plan(ctx, instanceID, req)
	}
	plan.Networks, err = turns.Search(ctx, s.Scans, true, read)
	return plan, err
}

// tunnels reads all static addresses of an instance.
func (s *Plans) tunnels(ctx context.Context, i domain.Instance) (list []Tunnel, err error) {
	for _, f := range []ipFamily{ipv4, ipv6} {
		network := f.tunnel(i)
		if !network.IsValid() {
			continue
		}
		used, err := s.Store.Networks().Addresses(
			ctx, i.ID, network.Addr(), domain.LastAddress(network), math.MaxInt32,
		)
		if err != nil {
			return nil, err
		}
		t := Tunnel{
			Network: network, Server: domain.ServerAddress(network), Pool: f.pool(i), Used: int64(len(used)),
		}
		for _, span := range domain.SiteAddresses(network, t.Pool) {
			t.Size = min(t.Size+span.Size(), domain.MaxID)
			t.Free = append(t.Free, domain.Gaps(span, used)...)
		}
		list = append(list, t)
	}
	return list, nil
}

// planBatch is how many networks are read at once.
const planBatch = 1000

// Each calls fn with all networks of an instance by ascending id, and returns its tunnels. It stops
// at the first error of fn. Errors: *domain.Error with Missing.
func (s *Plans) Each(ctx context.Context, instanceID int64, fn func(domain.OwnedNetwork) error) ([]Tunnel, error) {
	plan, err := s.Of(ctx, instanceID, domain.PageRequest{Size: planBatch})
	for err == nil {
		for _, n := range plan.Networks.Items {
			if err := fn(n); err != nil {
				return nil, err
			}
		}
		if plan.Networks.Next == nil {
			break
		}
		req := domain.PageRequest{Cursor: *plan.Networks.Next, Size: planBatch}
		plan.Networks, err = s.Store.Networks().Plan(ctx, instanceID, req)
	}
	return plan.Tunnels, err
}
