package tunnel

import (
	"context"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// eachSite calls add with the name and the text of the file in client-config-dir of every site of
// an instance that is in force, and returns the LANs of these sites as the others see them. A site
// that is revoked or expired has none: another one may have its name and its networks.
func (s *Instances) eachSite(
	ctx context.Context, i domain.Instance, add func(name, text string),
) (routes []netip.Prefix, err error) {
	for after := int64(0); ; {
		batch, err := s.Store.ClientConfigs().Sites(ctx, i.ID, after, siteBatch)
		if err != nil || len(batch) == 0 {
			return routes, err
		}
		last := batch[len(batch)-1].ClientID
		networks, err := s.Store.Networks().OfSites(ctx, i.ID, after, last)
		if err != nil {
			return nil, err
		}
		of := map[int64][]domain.Network{}
		for _, n := range networks {
			of[n.ClientID] = append(of[n.ClientID], n)
		}
		for _, site := range batch {
			if !site.Client.HoldsName(s.Now()) {
				continue
			}
			plan := domain.SiteNetworksOf(of[site.ClientID])
			text, err := siteFile(i, site, plan)
			if err != nil {
				return nil, err
			}
			add(site.Client.Name, text)
			for _, lan := range plan.LANs {
				routes = append(routes, lan.Seen())
			}
		}
		after = last
	}
}

func siteFile(i domain.Instance, site domain.Site, plan domain.SiteNetworks) (string, error) {
	return "", nil
}
