package api

import (
	"context"
	"net/netip"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type clientConfigs struct{ service *tunnel.Configs }

// GetClientSite2SiteConfigsPage implements the operation getClientSite2SiteConfigsPage.
func (h clientConfigs) GetClientSite2SiteConfigsPage(
	ctx context.Context, request gen.GetClientSite2SiteConfigsPageRequestObject,
) (gen.GetClientSite2SiteConfigsPageResponseObject, error) {
	page, err := h.service.Page(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteConfigsPage200JSONResponse{
		Cursor: cursorOf(page), Configs: convertAll(page.Items, convertConfig),
	}, nil
}

// GetClientSite2SiteConfig implements the operation getClientSite2SiteConfig.
func (h clientConfigs) GetClientSite2SiteConfig(
	ctx context.Context, request gen.GetClientSite2SiteConfigRequestObject,
) (gen.GetClientSite2SiteConfigResponseObject, error) {
	config, err := h.service.Get(ctx, request.ID, request.InstanceID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteConfig200JSONResponse(convertConfig(config)), nil
}

// UpdateClientSite2SiteConfig implements the operation updateClientSite2SiteConfig.
func (h clientConfigs) UpdateClientSite2SiteConfig(
	ctx context.Context, request gen.UpdateClientSite2SiteConfigRequestObject,
) (gen.UpdateClientSite2SiteConfigResponseObject, error) {
	b := request.Body
	update := domain.ClientConfigUpdate{
		StaticIP: b.StaticIP, StaticIPv6: b.StaticIpv6, PushRoutes: given(b.PushRoutes), LANs: given(b.Iroutes),
		AllowOverlap: b.AllowOverlap, PushReset: b.PushReset, ExtraConf: b.ExtraConf, DNSServer: b.DNSServer,
		DNSDomain: b.DNSDomain, MaxRoutes: b.MaxRoutes,
	}
	if b.Nat != nil {
		list := convertAll(b.Nat, func(m gen.NetworkMapping) domain.Mapping { return domain.Mapping(m) })
		update.Mappings = &list
	}
	config, err := h.service.Put(ctx, request.ID, request.InstanceID, update)
	if err != nil {
		return nil, err
	}
	return gen.UpdateClientSite2SiteConfig200JSONResponse(convertConfig(config)), nil
}

// DeleteClientSite2SiteConfig implements the operation deleteClientSite2SiteConfig.
func (h clientConfigs) DeleteClientSite2SiteConfig(
	ctx context.Context, request gen.DeleteClientSite2SiteConfigRequestObject,
) (gen.DeleteClientSite2SiteConfigResponseObject, error) {
	if err := h.service.Remove(ctx, request.ID, request.InstanceID); err != nil {
		return nil, err
	}
	return gen.DeleteClientSite2SiteConfig200Response{}, nil
}

func convertConfig(c domain.SiteConfig) gen.ClientSite2SiteConfig {
	out := gen.ClientSite2SiteConfig{
		ClientID: c.ClientID, InstanceID: c.InstanceID, StaticIP: addressText(c.StaticIP),
		StaticIpv6: addressText(c.StaticIPv6), PushRoutes: convertAll(c.PushRoutes, netip.Prefix.String),
		Iroutes: []string{}, Nat: []gen.NetworkMapping{}, AllowOverlap: c.AllowOverlap, PushReset: c.PushReset,
		ExtraConf: c.ExtraConf, DNSServer: addressText(c.DNSServer), DNSDomain: c.DNSDomain, MaxRoutes: c.MaxRoutes,
		Configured: c.Configured, ProfileVersion: c.ProfileVersion, ProfileStale: c.ProfileStale(),
		ProfileFetchedAt: optionalDate(c.ProfileFetchedAt),
		CreatedAt:        date(c.CreatedAt), UpdatedAt: date(c.UpdatedAt),
	}
	for _, lan := range c.LANs {
		out.Iroutes = append(out.Iroutes, lan.Network.String())
		if lan.Mapped.IsValid() {
			out.Nat = append(out.Nat, gen.NetworkMapping{Network: lan.Network.String(), Mapped: lan.Mapped.String()})
		}
	}
	return out
}

// addressText is empty for no address.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
