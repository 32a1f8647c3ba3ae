package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// CreateInstanceEnrolments implements the operation createInstanceEnrolments.
func (h enrolments) CreateInstanceEnrolments(
	ctx context.Context, request gen.CreateInstanceEnrolmentsRequestObject,
) (gen.CreateInstanceEnrolmentsResponseObject, error) {
	answer, err := idempotency.Do(ctx, h.results, func() (gen.InstanceEnrolments, error) {
		answer, err := h.createMany(ctx, request)
		if err != nil || answer.DryRun {
			return answer, err
		}
		// As a renewal of many clients: if this is lost, a repeat finds the link of each site.
		keep := func(domain.Store) (any, error) { return answer, nil }
		return answer, h.results.Transact(context.WithoutCancel(ctx), keep)
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateInstanceEnrolments200JSONResponse(answer), nil
}

func (h enrolments) createMany(
	ctx context.Context, request gen.CreateInstanceEnrolmentsRequestObject,
) (answer gen.InstanceEnrolments, err error) {
	b := request.Body
	life, err := parseDuration("expires_in", b.ExpiresIn, domain.LongestEnrolmentLife)
	if err != nil {
		return answer, err
	}
	done, err := h.links.CreateMany(ctx, domain.ManyEnrolments{
		EnrolmentSpec: domain.EnrolmentSpec{
			InstanceID: request.ID, Format: text(b.Format), PIN: domain.Secret(text(b.Pin)), Life: life,
		},
		IDs: b.Ids, State: domain.ProfileState(value(plain(b.State))), After: value(b.After),
	})
	if err != nil {
		return answer, err
	}
	lang := languageOf(text(request.Params.AcceptLanguage))
	answer = gen.InstanceEnrolments{
		DryRun: domain.OriginOf(ctx).DryRun, Next: optional(done.Next),
		Sites: convertAll(done.Sites, func(one tunnel.SiteLink) gen.InstanceEnrolment {
			return h.siteLink(ctx, one, lang)
		}),
	}
	for _, one := range answer.Sites {
		if one.Ok {
			answer.Made++
		} else {
			answer.Failed++
		}
	}
	return answer, nil
}

func (h enrolments) siteLink(ctx context.Context, one tunnel.SiteLink, lang language) gen.InstanceEnrolment {
	out := gen.InstanceEnrolment{
		ClientID: one.ClientID, Client: one.Name, Ok: one.Err == nil, Errors: []gen.ClientRenewalError{},
	}
	if one.Err == nil && !domain.OriginOf(ctx).DryRun {
		link := h.issued(one.Link)
		out.Enrolment = &link
	}
	for _, fault := range domain.Faults(one.Err) {
		out.Errors = append(out.Errors, gen.ClientRenewalError{
			Field: fault.Field, Type: types[fault.Kind], Msg: message(fault, lang),
		})
	}
	return out
}
