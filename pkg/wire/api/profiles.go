package api

import (
	"bytes"
	"context"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type profiles struct {
	profiles *tunnel.Profiles
	present  func() time.Time
	sites    *pki.Clients
}

// GetClientSite2SiteProfile implements the operation getClientSite2SiteProfile.
func (h profiles) GetClientSite2SiteProfile(
	ctx context.Context, request gen.GetClientSite2SiteProfileRequestObject,
) (gen.GetClientSite2SiteProfileResponseObject, error) {
	if _, err := h.sites.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	p := request.Params
	file, err := h.profiles.Profile(ctx, tunnel.ProfileRequest{
		ClientID: request.ID, InstanceID: value(p.InstanceID), Format: text(p.Format),
		WithoutKey: p.Key != nil && !*p.Key,
	})
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteProfile200ApplicationOctetStreamResponse{
		Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content)),
		Headers: gen.GetClientSite2SiteProfile200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(file.Name),
		},
	}, nil
}

// CreateClientSite2SiteProfile implements the operation createClientSite2SiteProfile.
func (h profiles) CreateClientSite2SiteProfile(
	ctx context.Context, request gen.CreateClientSite2SiteProfileRequestObject,
) (gen.CreateClientSite2SiteProfileResponseObject, error) {
	if _, err := h.sites.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	b := request.Body
	file, err := h.profiles.Profile(ctx, tunnel.ProfileRequest{
		ClientID: request.ID, InstanceID: value(b.InstanceID), Format: text(b.Format),
		Password: domain.Secret(text(b.Password)),
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2SiteProfile200ApplicationOctetStreamResponse{
		Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content)),
		Headers: gen.CreateClientSite2SiteProfile200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(file.Name),
		},
	}, nil
}
