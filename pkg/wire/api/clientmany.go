package api

import (
	"context"
	"io"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// selection reads which clients a request is about.
func selection(
	ids []int64, name *string, ca, instance *int64, before *string, after *int64,
) (domain.ClientSelection, error) {
	end, err := parseDate("expires_before", before)
	return domain.ClientSelection{
		IDs: ids, Name: text(name), CAID: value(ca), InstanceID: value(instance), ExpiresBefore: value(end),
		After: value(after),
	}, err
}

// RenewClientsSite2Site implements the operation renewClientsSite2Site.
func (h clients) RenewClientsSite2Site(
	ctx context.Context, request gen.RenewClientsSite2SiteRequestObject,
) (gen.RenewClientsSite2SiteResponseObject, error) {
	answer, err := idempotency.Do(ctx, h.results, func() (gen.ClientsSite2SiteRenewal, error) {
		answer, err := h.renewMany(ctx, request)
		if err != nil || answer.DryRun {
			return answer, err
		}
		// A renewal of many is many transactions, and this is one more: if it is lost, a repeat
		// finds the result of each client.
		keep := func(domain.Store) (any, error) { return answer, nil }
		return answer, h.results.Transact(context.WithoutCancel(ctx), keep)
	})
	if err != nil {
		return nil, err
	}
	return gen.RenewClientsSite2Site200JSONResponse(answer), nil
}

func (h clients) renewMany(
	ctx context.Context, request gen.RenewClientsSite2SiteRequestObject,
) (gen.ClientsSite2SiteRenewal, error) {
	b := request.Body
	of, err := selection(b.Ids, b.Name, b.CaID, b.InstanceID, b.ExpiresBefore, b.After)
	if err != nil {
		return gen.ClientsSite2SiteRenewal{}, err
	}
	overlap, err := parseDuration("overlap", b.Overlap, domain.LongestRenewalOverlap)
	if err != nil {
		return gen.ClientsSite2SiteRenewal{}, err
	}
	done, err := h.service.RenewMany(ctx, of, domain.ClientRenewal{
		Overlap: overlap, Expiration: b.Expiration, KeyAlgorithm: text(b.KeyAlgorithm),
	})
	if err != nil {
		return gen.ClientsSite2SiteRenewal{}, err
	}
	lang := languageOf(text(request.Params.AcceptLanguage))
	answer := gen.ClientsSite2SiteRenewal{
		DryRun: domain.OriginOf(ctx).DryRun, Next: optional(done.Next),
		Clients: convertAll(done.Clients, func(c domain.RenewedClient) gen.RenewedClientSite2Site {
			return renewedClient(c, lang)
		}),
	}
	for _, one := range answer.Clients {
		if one.Ok {
			answer.Renewed++
		} else {
			answer.Failed++
		}
	}
	return answer, nil
}

func renewedClient(c domain.RenewedClient, lang language) gen.RenewedClientSite2Site {
	out := gen.RenewedClientSite2Site{
		ID: c.ID, Name: c.Name, Ok: c.Err == nil, OldSerial: c.OldSerial, Serial: optional(c.Serial),
		ExpiryDate: optionalDate(c.ExpiresAt), Errors: []gen.ClientRenewalError{},
	}
	for _, fault := range domain.Faults(c.Err) {
		out.Errors = append(out.Errors, gen.ClientRenewalError{
			Field: fault.Field, Type: types[fault.Kind], Msg: message(fault, lang),
		})
	}
	return out
}

// CreateClientsSite2SitePkcs12 implements the operation createClientsSite2SitePkcs12.
func (h clients) CreateClientsSite2SitePkcs12(
	ctx context.Context, request gen.CreateClientsSite2SitePkcs12RequestObject,
) (gen.CreateClientsSite2SitePkcs12ResponseObject, error) {
	b := request.Body
	of, err := selection(b.Ids, b.Name, b.CaID, b.InstanceID, b.ExpiresBefore, nil)
	if err != nil {
		return nil, err
	}
	lang := languageOf(text(request.Params.AcceptLanguage))
	file, err := stream(func(w io.Writer) error {
		archive := newClientArchive(w, h.now(), lang)
		profile, password := pki.PKCS12Profile(text(b.Profile)), domain.Secret(b.Password)
		if err := h.service.PKCS12Each(ctx, of, profile, password, archive.add); err != nil {
			return err
		}
		return archive.close()
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClientsSite2SitePkcs12200ApplicationZipResponse{
		Body: file, Headers: gen.CreateClientsSite2SitePkcs12200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment("clients.zip"),
		},
	}, nil
}
