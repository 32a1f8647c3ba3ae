package api

import (
	"context"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// RenewCa implements the operation renewCa.
func (h cas) RenewCa(ctx context.Context, request gen.RenewCaRequestObject) (gen.RenewCaResponseObject, error) {
	b := request.Body
	if b == nil {
		b = &gen.CaRenew{}
	}
	ca, err := h.service.Renew(ctx, request.ID, domain.CARenewal{
		Expiration: b.Expiration, Key: text(b.Key), Name: text(b.Name),
		KeyAlgorithm: text(b.KeyAlgorithm), KeyStore: text(b.KeyStore), Certificate: []byte(text(b.Cert)),
	})
	if err != nil {
		return nil, err
	}
	return gen.RenewCa200JSONResponse(h.convert(ca)), nil
}

// GetCaCertificates implements the operation getCaCertificates.
func (h cas) GetCaCertificates(
	ctx context.Context, request gen.GetCaCertificatesRequestObject,
) (gen.GetCaCertificatesResponseObject, error) {
	list, err := h.service.Certificates(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetCaCertificates200JSONResponse{Certificates: convertAll(list, convertCACertificate)}, nil
}

func convertCACertificate(c domain.CACertificateInfo) gen.CaCertificate {
	return gen.CaCertificate{
		Kind: string(c.Kind), Issuer: c.Issuer, Serial: c.Serial, Fingerprint: c.Fingerprint,
		NotBefore: date(c.NotBefore), ExpiryDate: date(c.NotAfter), CreatedAt: date(c.CreatedAt), Cert: c.PEM,
	}
}
