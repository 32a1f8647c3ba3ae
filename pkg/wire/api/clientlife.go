package api

import (
	"context"
	"errors"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// RenewClientSite2Site implements the operation renewClientSite2Site.
func (h clients) RenewClientSite2Site(
	ctx context.Context, request gen.RenewClientSite2SiteRequestObject,
) (gen.RenewClientSite2SiteResponseObject, error) {
	asked, err := clientRenewal(request.Body)
	if err != nil {
		return nil, err
	}
	client, err := h.service.Renew(ctx, request.ID, asked)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, client)
	return gen.RenewClientSite2Site200JSONResponse(answer), err
}

func clientRenewal(b *gen.ClientSite2SiteRenew) (domain.ClientRenewal, error) {
	if b == nil {
		return domain.ClientRenewal{}, nil
	}
	overlap, err := parseDuration("overlap", b.Overlap, domain.LongestRenewalOverlap)
	return domain.ClientRenewal{
		Name: b.Name, Overlap: overlap, Password: domain.Secret(text(b.Password)), Expiration: b.Expiration,
		KeyAlgorithm: text(b.KeyAlgorithm), Request: []byte(text(b.Csr)),
	}, err
}

// RevokeClientSite2SiteFor implements the operation revokeClientSite2SiteFor.
func (h clients) RevokeClientSite2SiteFor(
	ctx context.Context, request gen.RevokeClientSite2SiteForRequestObject,
) (gen.RevokeClientSite2SiteForResponseObject, error) {
	spec, err := revocationSpec(request.Body)
	if err != nil {
		return nil, err
	}
	client, err := h.service.Revoke(ctx, request.ID, spec)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, client)
	return gen.RevokeClientSite2SiteFor200JSONResponse(answer), err
}

func revocationSpec(b *gen.ClientSite2SiteRevoke) (domain.RevocationSpec, error) {
	since, sinceErr := parseDate("invalidity_date", b.InvalidityDate)
	reason, reasonErr := parseReason("reason", string(b.Reason))
	return domain.RevocationSpec{Reason: reason, InvalidSince: value(since)}, errors.Join(reasonErr, sinceErr)
}

// SuspendClientSite2Site implements the operation suspendClientSite2Site.
func (h clients) SuspendClientSite2Site(
	ctx context.Context, request gen.SuspendClientSite2SiteRequestObject,
) (gen.SuspendClientSite2SiteResponseObject, error) {
	client, err := h.service.Suspend(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, client)
	return gen.SuspendClientSite2Site200JSONResponse(answer), err
}

// ResumeClientSite2Site implements the operation resumeClientSite2Site.
func (h clients) ResumeClientSite2Site(
	ctx context.Context, request gen.ResumeClientSite2SiteRequestObject,
) (gen.ResumeClientSite2SiteResponseObject, error) {
	client, err := h.service.Resume(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, client)
	return gen.ResumeClientSite2Site200JSONResponse(answer), err
}

// revocationReason is null for what is not revoked.
func revocationReason(revoked bool, reason domain.RevocationReason) *string {
	if !revoked {
		return nil
	}
	name := reason.String()
	if name == "" {
		name = domain.Unspecified.String() // a foreign list may have a number that RFC 5280 does not name
	}
	return &name
}

func parseReason(field, name string) (domain.RevocationReason, error) {
	reason, ok := domain.ParseRevocationReason(name)
	if !ok {
		return 0, domain.Fault(domain.Invalid, field, domain.ReasonFormat)
	}
	return reason, nil
}
