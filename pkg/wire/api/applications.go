package api

import (
	"context"
	"errors"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

type applications struct{ service *vault.Applications }

// GetApplicationsPage implements the operation getApplicationsPage.
func (h applications) GetApplicationsPage(
	ctx context.Context, request gen.GetApplicationsPageRequestObject,
) (gen.GetApplicationsPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetApplicationsPage200JSONResponse{
		Cursor: cursorOf(page), Applications: convertAll(page.Items, convertApplication),
	}, nil
}

// GetApplication implements the operation getApplication.
func (h applications) GetApplication(
	ctx context.Context, request gen.GetApplicationRequestObject,
) (gen.GetApplicationResponseObject, error) {
	found, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetApplication200JSONResponse(convertApplication(found)), nil
}

// CreateApplication implements the operation createApplication.
func (h applications) CreateApplication(
	ctx context.Context, request gen.CreateApplicationRequestObject,
) (gen.CreateApplicationResponseObject, error) {
	b := request.Body
	made, err := h.service.Create(ctx, domain.Application{
		Name: b.Name, Description: text(b.Description), Method: domain.AuthMethod(b.Method),
		Enabled: b.Enabled == nil || *b.Enabled,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateApplication200JSONResponse(convertApplication(made)), nil
}

// UpdateApplication implements the operation updateApplication.
func (h applications) UpdateApplication(
	ctx context.Context, request gen.UpdateApplicationRequestObject,
) (gen.UpdateApplicationResponseObject, error) {
	b := request.Body
	changed, err := h.service.Update(ctx, request.ID, domain.ApplicationUpdate{
		Name: b.Name, Description: b.Description, Enabled: b.Enabled, Method: b.Method,
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdateApplication200JSONResponse(convertApplication(changed)), nil
}

// DeleteApplication implements the operation deleteApplication.
func (h applications) DeleteApplication(
	ctx context.Context, request gen.DeleteApplicationRequestObject,
) (gen.DeleteApplicationResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteApplication200Response{}, nil
}

func convertApplication(a domain.Application) gen.Application {
	return gen.Application{
		ID: a.ID, Name: a.Name, Description: a.Description, Method: gen.ApplicationMethod(a.Method), Enabled: a.Enabled,
		CreatedAt: date(a.CreatedAt), UpdatedAt: date(a.UpdatedAt),
	}
}

type authorizations struct{ service *vault.Authorizations }

// GetAuthorizationsPage implements the operation getAuthorizationsPage.
func (h authorizations) GetAuthorizationsPage(
	ctx context.Context, request gen.GetAuthorizationsPageRequestObject,
) (gen.GetAuthorizationsPageResponseObject, error) {
	p := request.Params
	page, err := h.service.Page(ctx, value(p.ApplicationID), pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetAuthorizationsPage200JSONResponse{
		Cursor: cursorOf(page), Authorizations: convertAll(page.Items, convertAuthorization),
	}, nil
}

// GetAuthorization implements the operation getAuthorization.
func (h authorizations) GetAuthorization(
	ctx context.Context, request gen.GetAuthorizationRequestObject,
) (gen.GetAuthorizationResponseObject, error) {
	found, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetAuthorization200JSONResponse{
		Body: convertAuthorization(found), Headers: gen.GetAuthorization200ResponseHeaders{
			CacheControl: header(noStore),
		},
	}, nil
}

// CreateAuthorization implements the operation createAuthorization.
func (h authorizations) CreateAuthorization(
	ctx context.Context, request gen.CreateAuthorizationRequestObject,
) (gen.CreateAuthorizationResponseObject, error) {
	b := request.Body
	expires, expiresErr := parseDate("expires_at", b.ExpiresAt)
	addresses, addressesErr := domain.ParseAllowedIPs(b.AllowedIps)
	if err := errors.Join(expiresErr, addressesErr); err != nil {
		return nil, err
	}
	issued, err := h.service.Create(ctx, domain.PAMAuthorization{
		ApplicationID: b.ApplicationID, Name: b.Name, Enabled: b.Enabled == nil || *b.Enabled,
		Write: b.Write != nil && *b.Write, Resources: resourcesOf(b.Resources),
		ExpiresAt: value(expires), AllowedIPs: addresses, Referrers: b.Referrers,
		Fingerprint: value(fingerprintOf(b.CertificateFingerprint)), Devices: b.Devices,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateAuthorization200JSONResponse{
		Body: convertIssued(issued), Headers: gen.CreateAuthorization200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// UpdateAuthorization implements the operation updateAuthorization.
func (h authorizations) UpdateAuthorization(
	ctx context.Context, request gen.UpdateAuthorizationRequestObject,
) (gen.UpdateAuthorizationResponseObject, error) {
	b := request.Body
	expires, expiresErr := parseDate("expires_at", b.ExpiresAt)
	if b.ExpiresAt != nil && *b.ExpiresAt == "" {
		expires = new(time.Time)
	}
	addresses, addressesErr := domain.ParseAllowedIPs(b.AllowedIps)
	if err := errors.Join(expiresErr, addressesErr); err != nil {
		return nil, err
	}
	changed, err := h.service.Update(ctx, request.ID, domain.PAMAuthorizationUpdate{
		Name: b.Name, Enabled: b.Enabled, Write: b.Write, Resources: resourcesOf(b.Resources), ExpiresAt: expires,
		AllowedIPs: addresses, Referrers: b.Referrers,
		Fingerprint: fingerprintOf(b.CertificateFingerprint), Devices: b.Devices,
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdateAuthorization200JSONResponse{
		Body: convertAuthorization(changed), Headers: gen.UpdateAuthorization200ResponseHeaders{
			CacheControl: header(noStore),
		},
	}, nil
}

// DeleteAuthorization implements the operation deleteAuthorization.
func (h authorizations) DeleteAuthorization(
	ctx context.Context, request gen.DeleteAuthorizationRequestObject,
) (gen.DeleteAuthorizationResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteAuthorization200Response{}, nil
}

// RotateAuthorization implements the operation rotateAuthorization.
func (h authorizations) RotateAuthorization(
	ctx context.Context, request gen.RotateAuthorizationRequestObject,
) (gen.RotateAuthorizationResponseObject, error) {
	overlap := domain.DefaultOverlap
	if request.Body != nil && request.Body.Overlap != nil {
		overlap = time.Duration(*request.Body.Overlap) * time.Second
	}
	issued, err := h.service.Rotate(ctx, request.ID, overlap)
	if err != nil {
		return nil, err
	}
	return gen.RotateAuthorization200JSONResponse{
		Body: convertIssued(issued), Headers: gen.RotateAuthorization200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// fingerprintOf reads a fingerprint; nil stays nil.
func fingerprintOf(text *string) *string {
	if text == nil {
		return nil
	}
	canonical := domain.CanonicalFingerprint(*text)
	return &canonical
}

// resourcesOf reads a list of resources; nil stays nil.
func resourcesOf(list []string) []domain.PAMResource {
	return convertSome(list, func(name string) domain.PAMResource { return domain.PAMResource(name) })
}

func convertAuthorization(a domain.PAMAuthorization) gen.Authorization {
	return gen.Authorization{
		ID: a.ID, ApplicationID: a.ApplicationID, ApplicationName: a.Application.Name,
		Method: gen.ApplicationMethod(a.Application.Method), Name: a.Name,
		Enabled: a.Enabled, Write: a.Write,
		Resources: convertAll(a.Resources, func(r domain.PAMResource) string { return string(r) }),
		ExpiresAt: optionalDate(a.ExpiresAt), AllowedIps: prefixes(a.AllowedIPs), Referrers: notNil(a.Referrers),
		Devices: notNil(a.Devices), CertificateFingerprint: a.Fingerprint, ClientID: a.Key, Token: a.Token,
		PreviousUntil: optionalDate(a.PreviousUntil), CreatedAt: date(a.CreatedAt), UpdatedAt: date(a.UpdatedAt),
	}
}

func convertIssued(i vault.IssuedAuthorization) gen.AuthorizationSecrets {
	a := convertAuthorization(i.PAMAuthorization)
	return gen.AuthorizationSecrets{
		ID: a.ID, ApplicationID: a.ApplicationID, ApplicationName: a.ApplicationName, Method: a.Method, Name: a.Name,
		Enabled: a.Enabled, Write: a.Write,
		Resources: a.Resources, ExpiresAt: a.ExpiresAt, AllowedIps: a.AllowedIps, Referrers: a.Referrers,
		Devices:                a.Devices,
		CertificateFingerprint: a.CertificateFingerprint, ClientID: a.ClientID, Token: a.Token,
		PreviousUntil: a.PreviousUntil, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		ClientSecret: string(i.Secret), TokenSecret: string(i.TokenSecret),
	}
}
