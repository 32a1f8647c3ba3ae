package api

import (
	"bytes"
	"context"
	"strconv"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

type cas struct {
	service *pki.CAs
	crls    *pki.CRLs
}

// GetCasPage implements the operation getCasPage.
func (h cas) GetCasPage(
	ctx context.Context, request gen.GetCasPageRequestObject,
) (gen.GetCasPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetCasPage200JSONResponse{Cursor: cursorOf(page), Cas: convertAll(page.Items, h.convert)}, nil
}

// GetCa implements the operation getCa.
func (h cas) GetCa(ctx context.Context, request gen.GetCaRequestObject) (gen.GetCaResponseObject, error) {
	ca, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetCa200JSONResponse(h.convert(ca)), nil
}

// CreateCa implements the operation createCa.
func (h cas) CreateCa(ctx context.Context, request gen.CreateCaRequestObject) (gen.CreateCaResponseObject, error) {
	b := request.Body
	ca, err := h.service.Create(ctx, domain.CASpec{
		Name: b.Name, Description: text(b.Description),
		Subject: domain.Subject{
			Country: text(b.Country), Province: text(b.Province), City: text(b.City),
			Organization: text(b.Organization), Sector: text(b.Sector), Email: string(b.Email),
		},
		Expiration: b.Expiration, KeyAlgorithm: text(b.KeyAlgorithm), ParentID: value(b.ParentID),
		PathLength: b.PathLength, KeyStore: text(b.KeyStore), KeyURI: text(b.KeyURI),
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateCa200JSONResponse(h.convert(ca)), nil
}

// ImportCa implements the operation importCa.
func (h cas) ImportCa(ctx context.Context, request gen.ImportCaRequestObject) (gen.ImportCaResponseObject, error) {
	b := request.Body
	ca, err := h.service.Import(ctx, domain.CAImport{
		Name: text(b.Name), Email: text(b.Email), Description: text(b.Description),
		Certificate: []byte(b.Cert), Key: domain.Secret(b.Key), Password: domain.Secret(text(b.Password)),
		CRL: []byte(text(b.Crl)),
	})
	if err != nil {
		return nil, err
	}
	return gen.ImportCa200JSONResponse(h.convert(ca)), nil
}

// UpdateCa implements the operation updateCa.
func (h cas) UpdateCa(ctx context.Context, request gen.UpdateCaRequestObject) (gen.UpdateCaResponseObject, error) {
	b := request.Body
	ca, err := h.service.Update(ctx, request.ID, domain.CAUpdate{
		RecordUpdate: domain.RecordUpdate{
			Description: b.Description, Country: b.Country, Province: b.Province, City: b.City,
			Organization: b.Organization, Sector: b.Sector, Email: plain(b.Email),
		},
		Name: b.Name, Expiration: b.Expiration, KeyAlgorithm: b.KeyAlgorithm,
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdateCa200JSONResponse(h.convert(ca)), nil
}

// DeleteCa implements the operation deleteCa.
func (h cas) DeleteCa(ctx context.Context, request gen.DeleteCaRequestObject) (gen.DeleteCaResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteCa200Response{}, nil
}

// GetCaCertificate implements the operation getCaCertificate.
func (h cas) GetCaCertificate(
	ctx context.Context, request gen.GetCaCertificateRequestObject,
) (gen.GetCaCertificateResponseObject, error) {
	pem, err := h.service.Certificate(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetCaCertificate200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetCaCertificate200ResponseHeaders{ContentDisposition: attachment(caFile(request.ID, ".crt"))},
	}, nil
}

func caFile(id int64, extension string) string {
	return "ca-" + strconv.FormatInt(id, 10) + extension
}

func (h cas) convert(c domain.CA) gen.Ca {
	now := h.service.Now()
	return gen.Ca{
		ID: c.ID, ParentID: optional(c.ParentID), PredecessorID: optional(c.PredecessorID),
		SuccessorID: optional(c.SuccessorID), Name: c.Name, Description: c.Description, Country: c.Country,
		Province: c.Province, City: c.City,
		Organization: c.Organization, Sector: c.Sector, Email: c.Email, KeyAlgorithm: c.KeyAlgorithm,
		KeyURI:     optional(c.KeyURI),
		ExpiryDate: date(c.ExpiresAt), ExpiresInDays: c.DaysLeft(now), ExpiresSoon: c.Ending(now),
		RenewedAt: optionalDate(c.RenewedAt), CreatedAt: date(c.CreatedAt), UpdatedAt: date(c.UpdatedAt),
	}
}
