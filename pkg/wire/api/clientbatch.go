package api

import (
	"context"
	"encoding/json"
	"fmt"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// clientSpec is what a request asks of a new client.
func clientSpec(b gen.ClientSite2SiteCreate) domain.ClientSpec {
	return domain.ClientSpec{
		CAID: b.CaID, Name: b.Name, Description: text(b.Description), Password: domain.Secret(text(b.Password)),
		Subject: domain.Subject{
			Country: text(b.Country), Province: text(b.Province), City: text(b.City),
			Organization: text(b.Organization), Sector: text(b.Sector), Email: string(b.Email),
		},
		Expiration: b.Expiration, KeyAlgorithm: text(b.KeyAlgorithm), Request: []byte(text(b.Csr)),
	}
}

// CreateClientsSite2Site implements the operation createClientsSite2Site.
func (h clients) CreateClientsSite2Site(
	ctx context.Context, request gen.CreateClientsSite2SiteRequestObject,
) (gen.CreateClientsSite2SiteResponseObject, error) {
	answer, err := idempotency.Do(ctx, h.results, func() (gen.ClientsSite2SiteBatched, error) {
		return h.createMany(ctx, request)
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClientsSite2Site200JSONResponse(answer), nil
}

func (h clients) createMany(
	ctx context.Context, request gen.CreateClientsSite2SiteRequestObject,
) (gen.ClientsSite2SiteBatched, error) {
	b := request.Body
	if len(b.Clients) == 0 {
		return gen.ClientsSite2SiteBatched{}, domain.Fault(domain.Required, "clients", domain.ReasonRequired)
	}
	batch := domain.ClientBatch{
		Rows: convertAll(b.Clients, h.row), Each: text(b.Mode) == string(gen.BatchModeEach),
		Place: func(row int) string { return fmt.Sprintf("clients[%d]", row) },
	}
	lang := languageOf(text(request.Params.AcceptLanguage))
	answer := func(done []domain.BatchedClient) any {
		return h.batched(done, lang, domain.OriginOf(ctx).DryRun)
	}
	done, err := h.service.CreateMany(ctx, batch, answer)
	if err != nil {
		return gen.ClientsSite2SiteBatched{}, err
	}
	return h.batched(done, lang, domain.OriginOf(ctx).DryRun), nil
}

// row reads one of many clients, by the rules for the body of a request for it alone.
func (h clients) row(text *json.RawMessage) domain.ClientRow {
	if text == nil {
		return domain.ClientRow{Err: domain.Fault(domain.Required, "", domain.ReasonRequired)}
	}
	var b gen.ClientSite2SiteCreate
	if err := h.single.Read(*text, &b); err != nil {
		return domain.ClientRow{Err: err}
	}
	return domain.ClientRow{Spec: clientSpec(b)}
}

func (h clients) batched(done []domain.BatchedClient, lang language, dryRun bool) gen.ClientsSite2SiteBatched {
	answer := gen.ClientsSite2SiteBatched{DryRun: dryRun, Rows: make([]gen.BatchedClientSite2Site, len(done))}
	for i, one := range done {
		row := gen.BatchedClientSite2Site{Row: i, Ok: one.Err == nil, Errors: []gen.ClientBatchError{}}
		if row.Ok {
			answer.Created++
		} else {
			answer.Failed++
		}
		if one.Client.ID != 0 {
			client := h.convert(one.Client)
			row.Client = &client
		}
		for _, fault := range domain.Faults(one.Err) {
			row.Errors = append(row.Errors, gen.ClientBatchError{
				Field: fault.Field, Type: types[fault.Kind], Msg: message(fault, lang),
			})
		}
		answer.Rows[i] = row
	}
	return answer
}

// ImportClientsSite2Site implements the operation importClientsSite2Site.
func (h clients) ImportClientsSite2Site(
	ctx context.Context, request gen.ImportClientsSite2SiteRequestObject,
) (gen.ImportClientsSite2SiteResponseObject, error) {
	p := request.Params
	lang, dryRun := languageOf(text(p.AcceptLanguage)), domain.OriginOf(ctx).DryRun
	answer, err := idempotency.Do(ctx, h.results, func() (gen.ClientsSite2SiteImported, error) {
		keep := func(rows domain.ImportedClients) any { return importedClients(rows, lang, dryRun) }
		asked := domain.ClientFile{CAID: value(p.CaID), Each: p.Atomic != nil && !*p.Atomic}
		rows, err := h.service.ImportFile(ctx, request.Body, asked, keep)
		return importedClients(rows, lang, dryRun), err
	})
	if err != nil {
		return nil, err
	}
	return gen.ImportClientsSite2Site200JSONResponse(answer), nil
}

func importedClients(rows domain.ImportedClients, lang language, dryRun bool) gen.ClientsSite2SiteImported {
	answer := gen.ClientsSite2SiteImported{
		DryRun: dryRun, Created: rows.Count(domain.RowCreated), Unchanged: rows.Count(domain.RowUnchanged),
		Skipped: rows.Count(domain.RowSkipped), Failed: rows.Count(domain.RowFailed),
		Errors: []gen.ClientImportError{},
	}
	for _, row := range rows {
		for _, fault := range domain.Faults(row.Err) {
			if len(answer.Errors) < domain.MaxFaults {
				answer.Errors = append(answer.Errors, gen.ClientImportError{
					Row: row.Row, Line: fault.Line, Field: fault.Field, Type: types[fault.Kind],
					Msg: filledIn(fault, lang),
				})
			}
		}
	}
	return answer
}
