package tunnel

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
)

// addSites adds the files of the sites, and the configuration of the server, which has the routes
// to their LANs. A site whose name can't be that of a file is listed in a file of its own.
func (s *Instances) addSites(ctx context.Context, b *Bundle) error {
	b.add(dirSites, nil)
	var routes []netip.Prefix
	var left []byte
	err := s.eachSite(ctx, b.Instance, func(site domain.Site, networks domain.SiteNetworks) error {
		name, err := openvpn.CCDName(site.Client.Name)
		if err != nil {
			left = fmt.Appendf(left, "%q: OpenVPN has no file in client-config-dir for this name\n", site.Client.Name)
			return nil
		}
		text, err := siteFile(b.Instance, site, networks)
		b.add(dirSites+name, []byte(text))
		for _, lan := range networks.LANs {
			routes = append(routes, lan.Seen())
		}
		return err
	})
	if err != nil {
		return err
	}
	if left != nil {
		b.add(fileLeft, left)
	}
	return s.addConfiguration(ctx, b, routes)
}

func (s *Instances) addConfiguration(ctx context.Context, b *Bundle, routes []netip.Prefix) error {
	template, err := s.template(ctx, s.Store, b.Instance)
	if err != nil {
		return err
	}
	text, err := render(template, b.state.reachable(), routes)
	if err != nil {
		return fmt.Errorf("configuration of instance %d: %w", b.Instance.ID, err)
	}
	b.add(fileServer, []byte(text+b.earlierControl()))
	return nil
}

// earlierControl is the line by which the server also takes the earlier key of the control channel;
// empty where it does not. A server finds its side of tls-auth beside the name of the file.
func (b *Bundle) earlierControl() string {
	if !b.state.takesBoth() {
		return ""
	}
	kind, side := b.state.campaign.Before.Control, ""
	if kind == domain.TLSAuth {
		side = " 0"
	}
	return fmt.Sprintf("\n# Sites that have the earlier key are let in, too.\n%s %s%s\n", kind, fileEarlier, side)
}

// eachSite calls do with every site of an instance that is in force, or suspended. A site that is
// revoked or expired is left out: another one may have its name and its networks.
func (s *Instances) eachSite(
	ctx context.Context, i domain.Instance, do func(domain.Site, domain.SiteNetworks) error,
) error {
	now := s.Now()
	for after := int64(0); ; {
		batch, err := s.Store.ClientConfigs().Sites(ctx, i.ID, after, siteBatch)
		if err != nil || len(batch) == 0 {
			return err
		}
		last := batch[len(batch)-1].ClientID
		networks, err := s.Store.Networks().OfSites(ctx, i.ID, after, last)
		if err != nil {
			return err
		}
		of := map[int64][]domain.Network{}
		for _, n := range networks {
			of[n.ClientID] = append(of[n.ClientID], n)
		}
		for _, site := range batch {
			if !site.Client.HoldsName(now) {
				continue
			}
			if err := do(site, domain.SiteNetworksOf(of[site.ClientID])); err != nil {
				return err
			}
		}
		after = last
	}
}

// siteFile writes the file in client-config-dir of a site.
func siteFile(i domain.Instance, site domain.Site, networks domain.SiteNetworks) (string, error) {
	config := openvpn.ClientConfig{
		StaticIP: networks.StaticIP, StaticIPv6: networks.StaticIPv6, PushRoutes: site.PushRoutes,
		PushReset: site.PushReset, DNSServer: site.DNSServer, DNSDomain: site.DNSDomain, MaxRoutes: site.MaxRoutes,
		Extra: site.ExtraConf,
	}
	for _, lan := range networks.LANs {
		config.Iroutes = append(config.Iroutes, lan.Seen())
		config.Unpushed = append(config.Unpushed, within(lan.Network, i.PushRoutes)...)
	}
	text, err := config.Render(openvpn.Tunnel{
		Network: i.Network, Network6: i.NetworkV6, KeepaliveInterval: i.KeepaliveEvery,
		KeepaliveTimeout: i.KeepaliveEnd,
	})
	if err != nil {
		return "", fmt.Errorf("config of client %d at instance %d: %w", site.ClientID, i.ID, err)
	}
	return text, nil
}

// within returns the networks of a list that are in a LAN, which may be that of another site with
// the same addresses. A router that learns of one loses its own LAN.
func within(lan netip.Prefix, list []netip.Prefix) (found []netip.Prefix) {
	for _, n := range list {
		if n.Bits() >= lan.Bits() && lan.Contains(n.Addr()) {
			found = append(found, n)
		}
	}
	return found
}
