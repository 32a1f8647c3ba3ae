package api

import (
	"context"
	"errors"
	"net/netip"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

type apikeys struct{ service *access.APIKeys }

// GetApikeysPage implements the operation getApikeysPage.
func (h apikeys) GetApikeysPage(
	ctx context.Context, request gen.GetApikeysPageRequestObject,
) (gen.GetApikeysPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetApikeysPage200JSONResponse{
		Body:    gen.ApikeyPage{Cursor: cursorOf(page), Apikeys: convertAll(page.Items, convertAPIKey)},
		Headers: gen.GetApikeysPage200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// GetApikey implements the operation getApikey.
func (h apikeys) GetApikey(
	ctx context.Context, request gen.GetApikeyRequestObject,
) (gen.GetApikeyResponseObject, error) {
	key, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetApikey200JSONResponse{
		Body: convertAPIKey(key), Headers: gen.GetApikey200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// CreateApikey implements the operation createApikey.
func (h apikeys) CreateApikey(
	ctx context.Context, request gen.CreateApikeyRequestObject,
) (gen.CreateApikeyResponseObject, error) {
	b := request.Body
	roles, rolesErr := roleIDs(b.Roles)
	expires, expiresErr := parseDate("expires_at", b.ExpiresAt)
	addresses, addressesErr := domain.ParseAllowedIPs(b.AllowedIps)
	if err := errors.Join(rolesErr, expiresErr, addressesErr); err != nil {
		return nil, err
	}
	key := domain.APIKey{
		Name: b.Name, Description: text(b.Description), Superuser: b.Superuser != nil && *b.Superuser,
		Enabled:    b.Enabled == nil || *b.Enabled,
		AllowedIPs: addresses, RateLimit: value(b.RateLimit), ExpiresAt: value(expires), Instances: b.Instances,
	}
	issued, err := h.service.Create(ctx, key, roles)
	if err != nil {
		return nil, err
	}
	return gen.CreateApikey200JSONResponse{
		Body: convertAPIKey(issued), Headers: gen.CreateApikey200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// UpdateApikey implements the operation updateApikey.
func (h apikeys) UpdateApikey(
	ctx context.Context, request gen.UpdateApikeyRequestObject,
) (gen.UpdateApikeyResponseObject, error) {
	b := request.Body
	roles, rolesErr := roleIDs(b.Roles)
	expires, expiresErr := parseDate("expires_at", b.ExpiresAt)
	if b.ExpiresAt != nil && *b.ExpiresAt == "" {
		expires = new(time.Time)
	}
	addresses, addressesErr := domain.ParseAllowedIPs(b.AllowedIps)
	if err := errors.Join(rolesErr, expiresErr, addressesErr); err != nil {
		return nil, err
	}
	key, err := h.service.Update(ctx, request.ID, domain.APIKeyUpdate{
		Name: b.Name, Description: b.Description, Superuser: b.Superuser, Roles: roles, Enabled: b.Enabled,
		ExpiresAt:  expires,
		AllowedIPs: addresses, RateLimit: b.RateLimit, Instances: b.Instances,
	}, sparing(request.Params.Self)...)
	if err != nil {
		return nil, err
	}
	return gen.UpdateApikey200JSONResponse{
		Body: convertAPIKey(key), Headers: gen.UpdateApikey200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// DeleteApikey implements the operation deleteApikey.
func (h apikeys) DeleteApikey(
	ctx context.Context, request gen.DeleteApikeyRequestObject,
) (gen.DeleteApikeyResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID, sparing(request.Params.Self)...); err != nil {
		return nil, err
	}
	return gen.DeleteApikey200Response{}, nil
}

// RotateApikey implements the operation rotateApikey.
func (h apikeys) RotateApikey(
	ctx context.Context, request gen.RotateApikeyRequestObject,
) (gen.RotateApikeyResponseObject, error) {
	overlap := domain.DefaultOverlap
	if request.Body != nil && request.Body.Overlap != nil {
		overlap = time.Duration(*request.Body.Overlap) * time.Second
	}
	key, err := h.service.Rotate(ctx, request.ID, overlap, sparing(request.Params.Self)...)
	if err != nil {
		return nil, err
	}
	return gen.RotateApikey200JSONResponse{
		Body: convertAPIKey(key), Headers: gen.RotateApikey200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

func convertAPIKey(k access.IssuedKey) gen.Apikey {
	return gen.Apikey{
		ID: k.ID, Name: k.Name, Token: string(k.Token), Superuser: k.Superuser, Roles: roleRefs(k.Roles),
		Description: k.Description, Enabled: k.Enabled,
		ExpiresAt: optionalDate(k.ExpiresAt), AllowedIps: prefixes(k.AllowedIPs),
		LastUsedAt: optionalDate(k.LastUsedAt),
		LastUsedIP: optional(k.LastUsedIP), PreviousUntil: optionalDate(k.PreviousUntil),
		RateLimit: optional(k.RateLimit), Instances: notNil(k.Instances),
		CreatedAt: date(k.CreatedAt), UpdatedAt: date(k.UpdatedAt),
	}
}

func prefixes(list []netip.Prefix) []string {
	return convertAll(list, func(p netip.Prefix) string { return p.String() })
}
