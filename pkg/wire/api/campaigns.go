package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type campaigns struct{ service *tunnel.Campaigns }

// RotateInstanceControlKey implements the operation rotateInstanceControlKey.
func (h instances) RotateInstanceControlKey(
	ctx context.Context, request gen.RotateInstanceControlKeyRequestObject,
) (gen.RotateInstanceControlKeyResponseObject, error) {
	i, err := h.tunnels.RotateControlKey(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.RotateInstanceControlKey200JSONResponse(h.answer(i)), nil
}

// GetInstanceCampaignsPage implements the operation getInstanceCampaignsPage.
func (h campaigns) GetInstanceCampaignsPage(
	ctx context.Context, request gen.GetInstanceCampaignsPageRequestObject,
) (gen.GetInstanceCampaignsPageResponseObject, error) {
	page, err := h.service.Page(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceCampaignsPage200JSONResponse{
		Cursor: cursorOf(page), Campaigns: convertAll(page.Items, convertCampaign),
	}, nil
}

// GetInstanceCampaign implements the operation getInstanceCampaign.
func (h campaigns) GetInstanceCampaign(
	ctx context.Context, request gen.GetInstanceCampaignRequestObject,
) (gen.GetInstanceCampaignResponseObject, error) {
	found, err := h.service.Get(ctx, request.ID, request.CampaignID)
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceCampaign200JSONResponse(convertCampaign(found)), nil
}

// EndInstanceCampaign implements the operation endInstanceCampaign.
func (h campaigns) EndInstanceCampaign(
	ctx context.Context, request gen.EndInstanceCampaignRequestObject,
) (gen.EndInstanceCampaignResponseObject, error) {
	ended, err := h.service.End(ctx, request.ID, request.CampaignID, value(request.Params.Force))
	if err != nil {
		return nil, err
	}
	return gen.EndInstanceCampaign200JSONResponse(convertCampaign(ended)), nil
}

// GetInstanceSitesPage implements the operation getInstanceSitesPage.
func (h campaigns) GetInstanceSitesPage(
	ctx context.Context, request gen.GetInstanceSitesPageRequestObject,
) (gen.GetInstanceSitesPageResponseObject, error) {
	p := request.Params
	state := domain.ProfileState(value(p.State))
	page, err := h.service.Sites(ctx, request.ID, state, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceSitesPage200JSONResponse{
		Cursor: cursorOf(page), Sites: convertAll(page.Items, convertSiteProfile),
	}, nil
}

func convertCampaign(c domain.CampaignProgress) gen.Campaign {
	return gen.Campaign{
		ID: c.ID, InstanceID: c.InstanceID, FromVersion: c.FromVersion, Version: c.Version,
		Changes: convertAll(c.Changes, func(one domain.CampaignChange) string { return string(one) }),
		Remotes: convertAll(c.Before.Remotes, domain.Remote.String), Port: c.Before.Port, Proto: string(c.Before.Proto),
		ControlChannel: string(c.Before.Control), Running: c.Running(), StartedAt: date(c.StartedAt),
		EndedAt: optionalDate(c.EndedAt), Forced: c.Forced, Sites: c.Progress.Sites(), Current: c.Progress.Current,
		Stale: c.Progress.Stale, Linked: c.Progress.Linked, Never: c.Progress.Never,
	}
}

func convertSiteProfile(s domain.SiteProfile) gen.InstanceSite {
	return gen.InstanceSite{
		ClientID: s.ClientID, Kind: s.Kind.String(), Client: s.Name, State: gen.ProfileState(s.State),
		ProfileVersion:   s.Version,
		ProfileFetchedAt: optionalDate(s.FetchedAt), ProfileFormat: s.Format, Overlaps: s.Overlaps,
		EnrolmentID: optional(s.LinkID), EnrolmentCreatedAt: optionalDate(s.LinkCreatedAt),
		EnrolmentExpiresAt: optionalDate(s.LinkExpiresAt),
	}
}
