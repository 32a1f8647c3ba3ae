package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// GetClientSite2UserEnrolmentsPage implements the operation getClientSite2UserEnrolmentsPage.
func (h remoteUsers) GetClientSite2UserEnrolmentsPage(
	ctx context.Context, request gen.GetClientSite2UserEnrolmentsPageRequestObject,
) (gen.GetClientSite2UserEnrolmentsPageResponseObject, error) {
	if _, err := h.keys.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	page, err := h.enrolled.links.Page(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserEnrolmentsPage200JSONResponse{
		Cursor: cursorOf(page), Enrolments: convertAll(page.Items, h.enrolled.convertEnrolment),
	}, nil
}

// GetClientSite2UserEnrolment implements the operation getClientSite2UserEnrolment.
func (h remoteUsers) GetClientSite2UserEnrolment(
	ctx context.Context, request gen.GetClientSite2UserEnrolmentRequestObject,
) (gen.GetClientSite2UserEnrolmentResponseObject, error) {
	if _, err := h.keys.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	found, err := h.enrolled.links.Get(ctx, request.ID, request.EnrolmentID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2UserEnrolment200JSONResponse(h.enrolled.convertEnrolment(found)), nil
}

// CreateClientSite2UserEnrolment implements the operation createClientSite2UserEnrolment.
func (h remoteUsers) CreateClientSite2UserEnrolment(
	ctx context.Context, request gen.CreateClientSite2UserEnrolmentRequestObject,
) (gen.CreateClientSite2UserEnrolmentResponseObject, error) {
	b := request.Body
	life, err := parseDuration("expires_in", b.ExpiresIn, domain.LongestEnrolmentLife)
	if err != nil {
		return nil, err
	}
	instance, err := h.users.Instance(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	made, err := h.enrolled.links.Create(ctx, domain.EnrolmentSpec{
		ClientID: request.ID, InstanceID: instance, Format: text(b.Format), PIN: domain.Secret(text(b.Pin)), Life: life,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2UserEnrolment200JSONResponse(h.enrolled.issued(made)), nil
}

// RevokeClientSite2UserEnrolment implements the operation revokeClientSite2UserEnrolment.
func (h remoteUsers) RevokeClientSite2UserEnrolment(
	ctx context.Context, request gen.RevokeClientSite2UserEnrolmentRequestObject,
) (gen.RevokeClientSite2UserEnrolmentResponseObject, error) {
	if _, err := h.keys.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	if _, err := h.enrolled.links.Revoke(ctx, request.ID, request.EnrolmentID); err != nil {
		return nil, err
	}
	return gen.RevokeClientSite2UserEnrolment200Response{}, nil
}
