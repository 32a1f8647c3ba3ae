package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// RevokeClientSite2User implements the operation revokeClientSite2User.
func (h remoteUsers) RevokeClientSite2User(
	ctx context.Context, request gen.RevokeClientSite2UserRequestObject,
) (gen.RevokeClientSite2UserResponseObject, error) {
	if _, err := h.users.Revoke(ctx, request.ID, domain.RevocationSpec{}); err != nil {
		return nil, err
	}
	return gen.RevokeClientSite2User200Response{}, nil
}

// RevokeClientSite2UserFor implements the operation revokeClientSite2UserFor.
func (h remoteUsers) RevokeClientSite2UserFor(
	ctx context.Context, request gen.RevokeClientSite2UserForRequestObject,
) (gen.RevokeClientSite2UserForResponseObject, error) {
	spec, err := revocationSpec(request.Body)
	if err != nil {
		return nil, err
	}
	user, err := h.users.Revoke(ctx, request.ID, spec)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, user)
	return gen.RevokeClientSite2UserFor200JSONResponse(answer), err
}

// SuspendClientSite2User implements the operation suspendClientSite2User.
func (h remoteUsers) SuspendClientSite2User(
	ctx context.Context, request gen.SuspendClientSite2UserRequestObject,
) (gen.SuspendClientSite2UserResponseObject, error) {
	user, err := h.users.Suspend(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, user)
	return gen.SuspendClientSite2User200JSONResponse(answer), err
}

// ResumeClientSite2User implements the operation resumeClientSite2User.
func (h remoteUsers) ResumeClientSite2User(
	ctx context.Context, request gen.ResumeClientSite2UserRequestObject,
) (gen.ResumeClientSite2UserResponseObject, error) {
	user, err := h.users.Resume(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, user)
	return gen.ResumeClientSite2User200JSONResponse(answer), err
}

// RenewClientSite2User implements the operation renewClientSite2User.
func (h remoteUsers) RenewClientSite2User(
	ctx context.Context, request gen.RenewClientSite2UserRequestObject,
) (gen.RenewClientSite2UserResponseObject, error) {
	asked, err := clientRenewal(request.Body)
	if err != nil {
		return nil, err
	}
	user, err := h.users.Renew(ctx, request.ID, asked)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, user)
	return gen.RenewClientSite2User200JSONResponse(answer), err
}

// GetClientSite2UserCertificatesPage implements the operation getClientSite2UserCertificatesPage.
func (h remoteUsers) GetClientSite2UserCertificatesPage(
	ctx context.Context, request gen.GetClientSite2UserCertificatesPageRequestObject,
) (gen.GetClientSite2UserCertificatesPageResponseObject, error) {
	page, err := h.keys.Certificates(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserCertificatesPage200JSONResponse(h.records.page(page)), nil
}
