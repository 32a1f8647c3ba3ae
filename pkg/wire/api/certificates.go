package api

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

type certificates struct {
	certificates *pki.Certificates
	clock        func() time.Time
}

// GetCertificatesPage implements the operation getCertificatesPage.
func (h certificates) GetCertificatesPage(
	ctx context.Context, request gen.GetCertificatesPageRequestObject,
) (gen.GetCertificatesPageResponseObject, error) {
	p := request.Params
	serials, serialErr := querySerials(p.Serial)
	span, spanErr := readSpan(p.ExpiresBefore, p.ExpiresAfter, p.Sort)
	if err := errors.Join(serialErr, spanErr); err != nil {
		return nil, err
	}
	page, err := h.certificates.Page(ctx, domain.CertificateFilter{
		CAID: value(p.CaID), ClientID: value(p.ClientID), Kind: domain.CertificateKind(text(p.Kind)),
		Status: domain.Status(text(p.Status)), Name: text(p.Name), Serials: serials,
		Fingerprint:   strings.ToLower(strings.ReplaceAll(text(p.Fingerprint), ":", "")),
		ExpiresBefore: span.before, ExpiresAfter: span.after, ByExpiry: span.sorted,
	}, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetCertificatesPage200JSONResponse(h.page(page)), nil
}

// GetClientSite2SiteCertificatesPage implements the operation getClientSite2SiteCertificatesPage.
func (h certificates) GetClientSite2SiteCertificatesPage(
	ctx context.Context, request gen.GetClientSite2SiteCertificatesPageRequestObject,
) (gen.GetClientSite2SiteCertificatesPageResponseObject, error) {
	filter := domain.CertificateFilter{ClientID: request.ID}
	page, err := h.certificates.Page(ctx, filter, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteCertificatesPage200JSONResponse(h.page(page)), nil
}

// GetCertificate implements the operation getCertificate.
func (h certificates) GetCertificate(
	ctx context.Context, request gen.GetCertificateRequestObject,
) (gen.GetCertificateResponseObject, error) {
	found, err := h.certificates.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetCertificate200JSONResponse(h.record(found)), nil
}

// GetCertificatePem implements the operation getCertificatePem.
func (h certificates) GetCertificatePem(
	ctx context.Context, request gen.GetCertificatePemRequestObject,
) (gen.GetCertificatePemResponseObject, error) {
	pem, err := h.certificates.PEM(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	name := "certificate-" + strconv.FormatInt(request.ID, 10) + ".crt"
	return gen.GetCertificatePem200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetCertificatePem200ResponseHeaders{
			CacheControl: header(noCache), ContentDisposition: attachment(name),
		},
	}, nil
}

func (h certificates) page(page domain.Page[domain.Certificate]) gen.CertificatePage {
	return gen.CertificatePage{Cursor: cursorOf(page), Certificates: convertAll(page.Items, h.record)}
}

func (h certificates) record(c domain.Certificate) gen.Certificate {
	return gen.Certificate{
		ID: c.ID, CaID: c.CAID, ClientID: optional(c.ClientID), Kind: gen.CertificateKind(c.Kind), Name: c.Name,
		Serial: c.Serial, Fingerprint: c.Fingerprint, KeyAlgorithm: c.KeyAlgorithm, KeyKept: c.KeyKept,
		KeyProtected: c.KeyProtected, Expired: !h.clock().Before(c.NotAfter), Revoked: c.Revoked(),
		RevokedAt: optionalDate(c.RevokedAt), RevocationReason: revocationReason(c.Revoked(), c.Reason),
		SupersededAt: optionalDate(c.SupersededAt), NotBefore: date(c.NotBefore), ExpiryDate: date(c.NotAfter),
		CreatedAt: date(c.CreatedAt),
	}
}

// span is a filter by expiry, with the order that it has.
type span struct {
	before, after time.Time
	sorted        bool
}

func readSpan(before, after *string, sort *gen.Sort) (span, error) {
	to, toErr := parseQueryDate("expires_before", before)
	from, fromErr := parseQueryDate("expires_after", after)
	read := span{value(to), value(from), to != nil || from != nil}
	if sort != nil && *sort != "" {
		read.sorted = *sort == gen.CertificateOrderExpiry
	}
	return read, errors.Join(toErr, fromErr)
}

func querySerials(text *string) ([]string, error) {
	if text == nil || *text == "" {
		return nil, nil
	}
	return pki.ReadSerial(*text)
}
