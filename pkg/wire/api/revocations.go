package api

import (
	"context"
	"errors"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// CreateRevocation implements the operation createRevocation.
func (h cas) CreateRevocation(
	ctx context.Context, request gen.CreateRevocationRequestObject,
) (gen.CreateRevocationResponseObject, error) {
	b := request.Body
	reason, reasonErr := parseReason("reason", string(b.Reason))
	since, sinceErr := parseDate("invalidity_date", b.InvalidityDate)
	at, atErr := parseDate("revoked_date", b.RevokedDate)
	if err := errors.Join(reasonErr, sinceErr, atErr); err != nil {
		return nil, err
	}
	done, err := h.service.RevokeSerial(ctx, request.ID, domain.SerialRevocation{
		Serial: text(b.Serial), Certificate: []byte(text(b.Cert)), RevokedAt: at,
		RevocationSpec: domain.RevocationSpec{Reason: reason, InvalidSince: value(since)},
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateRevocation200JSONResponse{
		CaID: done.CAID, Serial: done.Serial, CertificateID: optional(done.CertificateID),
		ClientID: optional(done.ClientID), RevokedAt: date(done.RevokedAt),
		RevocationReason: gen.RevocationReason(*revocationReason(true, done.Reason)),
		InvalidityDate:   optionalDate(done.InvalidSince),
	}, nil
}

// ImportCaCrl implements the operation importCaCrl.
func (h cas) ImportCaCrl(
	ctx context.Context, request gen.ImportCaCrlRequestObject,
) (gen.ImportCaCrlResponseObject, error) {
	merged, err := h.service.MergeCRL(ctx, request.ID, []byte(request.Body.Crl))
	if err != nil {
		return nil, err
	}
	return gen.ImportCaCrl200JSONResponse{
		CaID: merged.CAID, Entries: int64(merged.Entries), Added: int64(merged.Added),
	}, nil
}
