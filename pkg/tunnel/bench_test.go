package tunnel_test

import (
	"fmt"
	"io"
	"net/netip"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// largeInstance makes an instance with 5000 sites, each with an address and a LAN.
func largeInstance(b *testing.B, w *World) domain.Instance {
	b.Helper()
	ctx, ca := Operator(b), w.NewCA(b)
	i := create(b, w, ca.ID, func(s *domain.InstanceSpec) { s.Network = new("10.8.0.0/16") })
	address := netip.MustParseAddr("10.8.0.2")
	Check(b, w.Store.Transact(ctx, func(tx domain.Store) error {
		for k := range 5000 {
			site := domain.Client{
				CAID: ca.ID, Name: fmt.Sprintf("site-%d", k), CreatedAt: Noon, UpdatedAt: Noon, ExpiresAt: Noon.Add(365 * Day),
			}
			if err := tx.Clients().Create(ctx, &site); err != nil {
				return err
			}
			config := domain.ClientConfig{InstanceID: i.ID, ClientID: site.ID, CreatedAt: Noon, UpdatedAt: Noon}
			if err := tx.ClientConfigs().Put(ctx, config); err != nil {
				return err
			}
			lan := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(16 + k>>8), byte(k), 0}), 24)
			list := domain.SiteNetworks{StaticIP: address, LANs: []domain.LAN{{Network: lan}}}.Entries()
			for n := range list {
				list[n].Gateway, list[n].InstanceID, list[n].ClientID = domain.NameKey(i.Gateway), i.ID, site.ID
			}
			if err := tx.Networks().Add(ctx, list); err != nil {
				return err
			}
			address = address.Next()
		}
		return nil
	}))
	return i
}

// BenchmarkBundle makes and writes the bundle of an instance with 5000 sites.
func BenchmarkBundle(b *testing.B) {
	w := NewWorld(b)
	ctx, i := Operator(b), largeInstance(b, w)
	for b.Loop() {
		made := Must(w.Instances.Bundle(ctx, i.ID, tunnel.BundleRequest{Format: tunnel.BundleTar}))(b)
		if len(made.Files) < 5000 {
			b.Fatalf("%d files", len(made.Files))
		}
		Check(b, Must(w.Instances.Send(ctx, made))(b)(io.Discard))
	}
}

// BenchmarkProgress counts the sites of a campaign with 5000, half of which have a stale profile.
func BenchmarkProgress(b *testing.B) {
	w := NewWorld(b)
	ctx, i := Operator(b), largeInstance(b, w)
	Check(b, w.Store.Transact(ctx, func(tx domain.Store) error {
		sites, err := tx.ClientConfigs().After(ctx, i.ID, 0, 5000)
		for k, site := range sites {
			if err == nil && k%2 == 0 {
				err = tx.ClientConfigs().Fetched(ctx, i.ID, site.ClientID, domain.FetchedProfile{Version: 1, At: Noon})
			}
		}
		return err
	}))
	i = Must(w.Instances.RotateControlKey(ctx, i.ID))(b)
	for b.Loop() {
		c := Must(w.Campaigns.Get(ctx, i.ID, i.CampaignID))(b)
		WantSame(b, c.Progress, domain.Progress{Stale: 2500, Never: 2500})
	}
}
