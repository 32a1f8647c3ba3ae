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
	sites        *pki.Clients
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
	page, err := h.sites.Certificates(ctx, request.ID, pageRequest(request.Params.Cursor, request.Params.Size))
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
	return gen.GetCertificatePem200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetCertificatePem200ResponseHeaders{
			CacheControl: header(noCache), ContentDisposition: attachment(certificateFile(request.ID, ".crt")),
		},
	}, nil
}

// CreateServerCertificate implements the operation createServerCertificate.
func (h certificates) CreateServerCertificate(
	ctx context.Context, request gen.CreateServerCertificateRequestObject,
) (gen.CreateServerCertificateResponseObject, error) {
	b := request.Body
	made, err := h.certificates.CreateServer(ctx, domain.ServerSpec{
		CAID: b.CaID, Name: b.Name, AltNames: b.SubjectAltNames, Password: domain.Secret(text(b.Password)),
		Subject: domain.Subject{
			Country: text(b.Country), Province: text(b.Province), City: text(b.City),
			Organization: text(b.Organization), Sector: text(b.Sector), Email: text(b.Email),
		},
		Expiration: b.Expiration, KeyAlgorithm: text(b.KeyAlgorithm), Request: []byte(text(b.Csr)),
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateServerCertificate200JSONResponse(h.record(made)), nil
}

// GetCertificateKey implements the operation getCertificateKey.
func (h certificates) GetCertificateKey(
	ctx context.Context, request gen.GetCertificateKeyRequestObject,
) (gen.GetCertificateKeyResponseObject, error) {
	pem, err := h.certificates.Key(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetCertificateKey200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetCertificateKey200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(certificateFile(request.ID, ".key")),
		},
	}, nil
}

// CreateCertificatePkcs12 implements the operation createCertificatePkcs12.
func (h certificates) CreateCertificatePkcs12(
	ctx context.Context, request gen.CreateCertificatePkcs12RequestObject,
) (gen.CreateCertificatePkcs12ResponseObject, error) {
	profile := pki.PKCS12Profile(text(request.Body.Profile))
	file, err := h.certificates.PKCS12(ctx, request.ID, profile, domain.Secret(request.Body.Password))
	if err != nil {
		return nil, err
	}
	return gen.CreateCertificatePkcs12200ApplicationXPkcs12Response{
		Body: bytes.NewReader(file), ContentLength: int64(len(file)),
		Headers: gen.CreateCertificatePkcs12200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(certificateFile(request.ID, ".p12")),
		},
	}, nil
}

func certificateFile(id int64, extension string) string {
	return "certificate-" + strconv.FormatInt(id, 10) + extension
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
