package api

import (
	"context"
	"io"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// CreateClientsSite2SiteProfiles implements the operation createClientsSite2SiteProfiles.
func (h profiles) CreateClientsSite2SiteProfiles(
	ctx context.Context, request gen.CreateClientsSite2SiteProfilesRequestObject,
) (gen.CreateClientsSite2SiteProfilesResponseObject, error) {
	b := request.Body
	sites := b.InstanceID
	if len(b.Ids) > 0 {
		sites = nil // the ids say which
	}
	of, err := selection(b.Ids, b.Name, b.CaID, sites, b.ExpiresBefore, nil)
	if err != nil {
		return nil, err
	}
	asked := tunnel.ProfileRequest{
		InstanceID: value(b.InstanceID), Format: text(b.Format), Password: domain.Secret(text(b.Password)),
		WithoutKey: b.Key != nil && !*b.Key,
	}
	lang := languageOf(text(request.Params.AcceptLanguage))
	file, err := stream(func(w io.Writer) error {
		archive := newClientArchive(w, h.present(), lang)
		if err := h.profiles.Each(ctx, of, asked, archive.add); err != nil {
			return err
		}
		return archive.close()
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClientsSite2SiteProfiles200ApplicationZipResponse{
		Body: file, Headers: gen.CreateClientsSite2SiteProfiles200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment("profiles.zip"),
		},
	}, nil
}
