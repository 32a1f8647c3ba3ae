package api

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type instances struct {
	tunnels *tunnel.Instances
	present func() time.Time
}

// GetInstancesPage implements the operation getInstancesPage.
func (h instances) GetInstancesPage(
	ctx context.Context, request gen.GetInstancesPageRequestObject,
) (gen.GetInstancesPageResponseObject, error) {
	p := request.Params
	filter := domain.InstanceFilter{Name: text(p.Name), CAID: value(p.CaID), Gateway: text(p.Gateway)}
	page, err := h.tunnels.Page(ctx, filter, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetInstancesPage200JSONResponse{Cursor: cursorOf(page), Instances: convertAll(page.Items, h.answer)}, nil
}

// GetInstance implements the operation getInstance.
func (h instances) GetInstance(
	ctx context.Context, request gen.GetInstanceRequestObject,
) (gen.GetInstanceResponseObject, error) {
	i, err := h.tunnels.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetInstance200JSONResponse(h.answer(i)), nil
}

// CreateInstance implements the operation createInstance.
func (h instances) CreateInstance(
	ctx context.Context, request gen.CreateInstanceRequestObject,
) (gen.CreateInstanceResponseObject, error) {
	b := request.Body
	i, err := h.tunnels.Create(ctx, domain.InstanceSpec{
		KeyAlgorithm: text(b.KeyAlgorithm), Expiration: b.Expiration,
		InstanceUpdate: domain.InstanceUpdate{
			Name: &b.Name, CAID: &b.CaID, ModelID: b.ModelID, Gateway: b.Gateway, Description: b.Description,
			Country: b.Country, Province: b.Province, City: b.City, Organization: b.Organization, Sector: b.Sector,
			Email: b.Email, Port: b.Port, KeepaliveEvery: b.KeepaliveInterval, KeepaliveEnd: b.KeepaliveTimeout,
			RenegSec: b.RenegSec, RenewBefore: b.RenewBefore, Network: &b.Network, NetworkV6: b.NetworkV6,
			Proto: plain(b.Proto), TLSProfile: plain(b.TLSProfile), Control: plain(b.ControlChannel),
			DHCPStart: b.DhcpStart, DHCPEnd: b.DhcpEnd, DNSServer: b.DNSServer, DNSDomain: b.DNSDomain,
			ExtraConf: b.ExtraConf, DHCPEnabled: b.DhcpEnabled, LDAPAuth: b.LdapAuth, RemoteRandom: b.RemoteRandom,
			VerifyClientDemand: b.VerifyClientCert, PushRoutes: given(b.PushRoutes), Routes: given(b.Routes),
			Remotes: given(b.Remotes),
		},
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateInstance200JSONResponse(h.answer(i)), nil
}

// UpdateInstance implements the operation updateInstance.
func (h instances) UpdateInstance(
	ctx context.Context, request gen.UpdateInstanceRequestObject,
) (gen.UpdateInstanceResponseObject, error) {
	b := request.Body
	i, err := h.tunnels.Update(ctx, request.ID, domain.InstanceUpdate{
		Name: b.Name, CAID: b.CaID, ModelID: b.ModelID, Gateway: b.Gateway, Description: b.Description,
		Country: b.Country, Province: b.Province, City: b.City, Organization: b.Organization, Sector: b.Sector,
		Email: b.Email, Port: b.Port, KeepaliveEvery: b.KeepaliveInterval, KeepaliveEnd: b.KeepaliveTimeout,
		RenegSec: b.RenegSec, RenewBefore: b.RenewBefore, Network: b.Network, NetworkV6: b.NetworkV6,
		Proto: plain(b.Proto), TLSProfile: plain(b.TLSProfile), Control: plain(b.ControlChannel),
		DHCPStart: b.DhcpStart, DHCPEnd: b.DhcpEnd, DNSServer: b.DNSServer, DNSDomain: b.DNSDomain,
		ExtraConf: b.ExtraConf, DHCPEnabled: b.DhcpEnabled, LDAPAuth: b.LdapAuth, RemoteRandom: b.RemoteRandom,
		VerifyClientDemand: b.VerifyClientCert, PushRoutes: given(b.PushRoutes), Routes: given(b.Routes),
		Remotes: given(b.Remotes),
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdateInstance200JSONResponse(h.answer(i)), nil
}

// DeleteInstance implements the operation deleteInstance.
func (h instances) DeleteInstance(
	ctx context.Context, request gen.DeleteInstanceRequestObject,
) (gen.DeleteInstanceResponseObject, error) {
	if err := h.tunnels.Delete(ctx, request.ID, value(request.Params.Force)); err != nil {
		return nil, err
	}
	return gen.DeleteInstance200Response{}, nil
}

// ReloadInstance implements the operation reloadInstance.
func (h instances) ReloadInstance(
	ctx context.Context, request gen.ReloadInstanceRequestObject,
) (gen.ReloadInstanceResponseObject, error) {
	i, err := h.tunnels.Reload(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.ReloadInstance200JSONResponse(h.answer(i)), nil
}

// RenewInstance implements the operation renewInstance.
func (h instances) RenewInstance(
	ctx context.Context, request gen.RenewInstanceRequestObject,
) (gen.RenewInstanceResponseObject, error) {
	b := value(request.Body)
	overlap, err := parseDuration("overlap", b.Overlap, domain.LongestRenewalOverlap)
	if err != nil {
		return nil, err
	}
	i, err := h.tunnels.Renew(ctx, request.ID, domain.ServerRenewal{
		Overlap: overlap, Expiration: b.Expiration, KeyAlgorithm: text(b.KeyAlgorithm), CAID: value(b.CaID),
	})
	if err != nil {
		return nil, err
	}
	return gen.RenewInstance200JSONResponse(h.answer(i)), nil
}

func (h instances) answer(i domain.Instance) gen.Instance {
	return gen.Instance{
		ID: i.ID, ModelID: optional(i.ModelID), CaID: i.CAID, Name: i.Name, Description: i.Description,
		Country: i.Country, Province: i.Province, City: i.City, Organization: i.Organization, Sector: i.Sector,
		Email: i.Email, Port: i.Port, Network: written(i.Network.IsValid(), i.Network),
		Proto: gen.InstanceProto(i.Proto), DhcpEnabled: i.DHCPEnabled,
		DhcpStart: written(i.DHCPStart.IsValid(), i.DHCPStart), DhcpEnd: written(i.DHCPEnd.IsValid(), i.DHCPEnd),
		DNSServer: i.DNSServer, DNSDomain: i.DNSDomain,
		PushRoutes: convertAll(i.PushRoutes, netip.Prefix.String), Routes: convertAll(i.Routes, netip.Prefix.String),
		LdapAuth: i.LDAPAuth,
		Remotes:  convertAll(i.Remotes, domain.Remote.String), Revoked: i.Revoked(), Expired: i.Expired(h.present()),
		ExpiryDate: date(i.ExpiresAt), CreatedAt: date(i.CreatedAt), UpdatedAt: date(i.UpdatedAt),
		NetworkV6: written(i.NetworkV6.IsValid(), i.NetworkV6), Gateway: i.Gateway, RemoteRandom: i.RemoteRandom,
		TLSProfile:     gen.InstanceTLSProfile(i.TLSProfile),
		ControlChannel: gen.InstanceControlChannel(i.Control), VerifyClientCert: i.VerifyClient,
		KeepaliveInterval: i.KeepaliveEvery, KeepaliveTimeout: i.KeepaliveEnd, RenegSec: i.RenegotiateSecs,
		RenewBefore: i.RenewBefore, ExtraConf: i.Extra, CertificateID: i.CertificateID, Version: i.Version,
		ReloadedAt: optionalDate(i.ReloadedAt), CampaignID: optional(i.CampaignID),
	}
}

// written is a value as text, or empty where there is none.
func written[T fmt.Stringer](has bool, value T) string {
	if !has {
		return ""
	}
	return value.String()
}

// given is nil for a list that was left out, or null.
func given[T any](list []T) *[]T {
	if list == nil {
		return nil
	}
	return &list
}
