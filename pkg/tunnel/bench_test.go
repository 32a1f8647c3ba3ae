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

// BenchmarkBundle makes and writes the bundle of an instance with 5000 sites, each with an address
// and a LAN.
func BenchmarkBundle(b *testing.B) {
	w := NewWorld(b)
	ctx := Operator(b)
	ca := w.NewCA(b)
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
	for b.Loop() {
		made := Must(w.Instances.Bundle(ctx, i.ID, tunnel.BundleRequest{Format: tunnel.BundleTar}))(b)
		if len(made.Files) < 5000 {
			b.Fatalf("%d files", len(made.Files))
		}
		Check(b, Must(w.Instances.Send(ctx, made))(b)(io.Discard))
	}
}
