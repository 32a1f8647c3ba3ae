package api

import (
	"context"
	"strings"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

type enrolments struct {
	links   *tunnel.Enrolments
	sites   *pki.Clients
	results *idempotency.Results
	at      func() time.Time
	base    string // the external URL; empty: not known
}

func newEnrolments(c Config) enrolments {
	s := c.Services
	return enrolments{links: s.Enrolments, sites: s.Clients, results: s.Results, at: c.Now, base: c.ExternalURL}
}

// GetClientSite2SiteEnrolmentsPage implements the operation getClientSite2SiteEnrolmentsPage.
func (h enrolments) GetClientSite2SiteEnrolmentsPage(
	ctx context.Context, request gen.GetClientSite2SiteEnrolmentsPageRequestObject,
) (gen.GetClientSite2SiteEnrolmentsPageResponseObject, error) {
	if _, err := h.sites.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	page, err := h.links.Page(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteEnrolmentsPage200JSONResponse{
		Cursor: cursorOf(page), Enrolments: convertAll(page.Items, h.convertEnrolment),
	}, nil
}

// GetClientSite2SiteEnrolment implements the operation getClientSite2SiteEnrolment.
func (h enrolments) GetClientSite2SiteEnrolment(
	ctx context.Context, request gen.GetClientSite2SiteEnrolmentRequestObject,
) (gen.GetClientSite2SiteEnrolmentResponseObject, error) {
	if _, err := h.sites.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	found, err := h.links.Get(ctx, request.ID, request.EnrolmentID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteEnrolment200JSONResponse(h.convertEnrolment(found)), nil
}

// CreateClientSite2SiteEnrolment implements the operation createClientSite2SiteEnrolment.
func (h enrolments) CreateClientSite2SiteEnrolment(
	ctx context.Context, request gen.CreateClientSite2SiteEnrolmentRequestObject,
) (gen.CreateClientSite2SiteEnrolmentResponseObject, error) {
	if _, err := h.sites.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	b := request.Body
	life, err := parseDuration("expires_in", b.ExpiresIn, domain.LongestEnrolmentLife)
	if err != nil {
		return nil, err
	}
	made, err := h.links.Create(ctx, domain.EnrolmentSpec{
		ClientID: request.ID, InstanceID: b.InstanceID, Format: text(b.Format), PIN: domain.Secret(text(b.Pin)),
		Life: life,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2SiteEnrolment200JSONResponse(h.issued(made)), nil
}

// RevokeClientSite2SiteEnrolment implements the operation revokeClientSite2SiteEnrolment.
func (h enrolments) RevokeClientSite2SiteEnrolment(
	ctx context.Context, request gen.RevokeClientSite2SiteEnrolmentRequestObject,
) (gen.RevokeClientSite2SiteEnrolmentResponseObject, error) {
	if _, err := h.sites.Get(ctx, request.ID); err != nil {
		return nil, err
	}
	if _, err := h.links.Revoke(ctx, request.ID, request.EnrolmentID); err != nil {
		return nil, err
	}
	return gen.RevokeClientSite2SiteEnrolment200Response{}, nil
}

func (h enrolments) convertEnrolment(e domain.Enrolment) gen.Enrolment {
	return gen.Enrolment{
		ID: e.ID, ClientID: e.ClientID, InstanceID: e.InstanceID, Format: e.Format, PinRequired: e.PINHash != nil,
		State: string(e.State(h.at())), Tries: e.Tries, CreatedAt: date(e.CreatedAt), ExpiresAt: date(e.ExpiresAt),
		RevokedAt: optionalDate(e.RevokedAt), ClaimedAt: optionalDate(e.ClaimedAt),
		ClaimedFrom: optional(e.ClaimedFrom),
	}
}

// issued is the answer with the link.
func (h enrolments) issued(made tunnel.IssuedEnrolment) gen.IssuedEnrolment {
	e := h.convertEnrolment(made.Enrolment)
	path := "/enrol/" + made.Secret
	answer := gen.IssuedEnrolment{
		ID: e.ID, ClientID: e.ClientID, InstanceID: e.InstanceID, Format: e.Format, PinRequired: e.PinRequired,
		State: e.State, Tries: e.Tries, CreatedAt: e.CreatedAt, ExpiresAt: e.ExpiresAt, RevokedAt: e.RevokedAt,
		ClaimedAt: e.ClaimedAt, ClaimedFrom: e.ClaimedFrom, Secret: made.Secret, Path: path,
	}
	if h.base != "" {
		answer.URL = optional(strings.TrimSuffix(h.base, "/") + path)
	}
	return answer
}
