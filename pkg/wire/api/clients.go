package api

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

type clients struct {
	service  *pki.Clients
	results  *idempotency.Results
	sessions *tunnel.Sessions
	single   oas.Body // of a request for one client
	now      func() time.Time
}

func newClients(c Config, single oas.Body) clients {
	return clients{
		service: c.Services.Clients, sessions: c.Services.Sessions, results: c.Services.Results, single: single,
		now: c.Now,
	}
}

// GetClientsSite2SitePage implements the operation getClientsSite2SitePage.
func (h clients) GetClientsSite2SitePage(
	ctx context.Context, request gen.GetClientsSite2SitePageRequestObject,
) (gen.GetClientsSite2SitePageResponseObject, error) {
	p := request.Params
	filter := domain.ClientFilter{
		Name: text(p.Name), CAID: value(p.CaID), Status: domain.Status(text(p.Status)), InstanceID: value(p.InstanceID),
	}
	if err := readFilter(&filter, p.Serial, p.ExpiresBefore, p.ExpiresAfter, p.Sort); err != nil {
		return nil, err
	}
	page, err := h.service.Page(ctx, filter, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	list, err := h.answers(ctx, page.Items)
	if err != nil {
		return nil, err
	}
	return gen.GetClientsSite2SitePage200JSONResponse{Cursor: cursorOf(page), Clients: list}, nil
}

// readFilter adds the conditions on certificates to a filter of clients.
func readFilter(f *domain.ClientFilter, serial, before, after *string, sort *gen.Sort) error {
	serials, serialErr := querySerials(serial)
	span, spanErr := readSpan(before, after, sort)
	f.Serials, f.ExpiresBefore, f.ExpiresAfter, f.ByExpiry = serials, span.before, span.after, span.sorted
	return errors.Join(serialErr, spanErr)
}

// GetClientSite2Site implements the operation getClientSite2Site.
func (h clients) GetClientSite2Site(
	ctx context.Context, request gen.GetClientSite2SiteRequestObject,
) (gen.GetClientSite2SiteResponseObject, error) {
	client, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, client)
	return gen.GetClientSite2Site200JSONResponse(answer), err
}

// CreateClientSite2Site implements the operation createClientSite2Site.
func (h clients) CreateClientSite2Site(
	ctx context.Context, request gen.CreateClientSite2SiteRequestObject,
) (gen.CreateClientSite2SiteResponseObject, error) {
	client, err := h.service.Create(ctx, clientSpec(*request.Body))
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2Site200JSONResponse(h.convert(client)), nil
}

// UpdateClientSite2Site implements the operation updateClientSite2Site.
func (h clients) UpdateClientSite2Site(
	ctx context.Context, request gen.UpdateClientSite2SiteRequestObject,
) (gen.UpdateClientSite2SiteResponseObject, error) {
	client, err := h.service.Update(ctx, request.ID, clientUpdate(*request.Body))
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, client)
	return gen.UpdateClientSite2Site200JSONResponse(answer), err
}

func clientUpdate(b gen.ClientSite2SiteUpdate) domain.ClientUpdate {
	update := domain.ClientUpdate{
		RecordUpdate: domain.RecordUpdate{
			Description: b.Description, Country: b.Country, Province: b.Province, City: b.City,
			Organization: b.Organization, Sector: b.Sector, Email: plain(b.Email),
		},
		Name: b.Name, CAID: b.CaID, Expiration: b.Expiration,
	}
	if b.Password != nil {
		password := domain.Secret(*b.Password)
		update.Password = &password
	}
	return update
}

// RevokeClientSite2Site implements the operation revokeClientSite2Site.
func (h clients) RevokeClientSite2Site(
	ctx context.Context, request gen.RevokeClientSite2SiteRequestObject,
) (gen.RevokeClientSite2SiteResponseObject, error) {
	if _, err := h.service.Revoke(ctx, request.ID, domain.RevocationSpec{}); err != nil {
		return nil, err
	}
	return gen.RevokeClientSite2Site200Response{}, nil
}

// ImportClientSite2Site implements the operation importClientSite2Site.
func (h clients) ImportClientSite2Site(
	ctx context.Context, request gen.ImportClientSite2SiteRequestObject,
) (gen.ImportClientSite2SiteResponseObject, error) {
	in, err := clientImport(*request.Body)
	if err != nil {
		return nil, err
	}
	client, err := h.service.Import(ctx, in)
	if err != nil {
		return nil, err
	}
	return gen.ImportClientSite2Site200JSONResponse(h.convert(client)), nil
}

func clientImport(b gen.ClientSite2SiteImport) (domain.ClientImport, error) {
	revokedAt, err := parseDate("revoked_date", b.RevokedDate)
	return domain.ClientImport{
		CAID: b.CaID, Email: string(b.Email), Description: text(b.Description), Certificate: []byte(b.Cert),
		Key:      domain.Secret(text(b.Key)),
		Password: domain.Secret(text(b.Password)), Revoked: b.Revoked != nil && *b.Revoked, RevokedAt: revokedAt,
	}, err
}

// GetClientSite2SiteCertificate implements the operation getClientSite2SiteCertificate.
func (h clients) GetClientSite2SiteCertificate(
	ctx context.Context, request gen.GetClientSite2SiteCertificateRequestObject,
) (gen.GetClientSite2SiteCertificateResponseObject, error) {
	pem, err := h.service.Certificate(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteCertificate200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetClientSite2SiteCertificate200ResponseHeaders{
			CacheControl: header(noCache), ContentDisposition: attachment(clientFile(request.ID, ".crt")),
		},
	}, nil
}

// GetClientSite2SiteKey implements the operation getClientSite2SiteKey.
func (h clients) GetClientSite2SiteKey(
	ctx context.Context, request gen.GetClientSite2SiteKeyRequestObject,
) (gen.GetClientSite2SiteKeyResponseObject, error) {
	pem, err := h.service.Key(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetClientSite2SiteKey200ApplicationXPemFileResponse{
		Body: bytes.NewReader(pem), ContentLength: int64(len(pem)),
		Headers: gen.GetClientSite2SiteKey200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(clientFile(request.ID, ".key")),
		},
	}, nil
}

// CreateClientSite2SitePkcs12 implements the operation createClientSite2SitePkcs12.
func (h clients) CreateClientSite2SitePkcs12(
	ctx context.Context, request gen.CreateClientSite2SitePkcs12RequestObject,
) (gen.CreateClientSite2SitePkcs12ResponseObject, error) {
	profile := pki.PKCS12Profile(text(request.Body.Profile))
	file, err := h.service.PKCS12(ctx, request.ID, profile, domain.Secret(request.Body.Password))
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2SitePkcs12200ApplicationXPkcs12Response{
		Body: bytes.NewReader(file), ContentLength: int64(len(file)),
		Headers: gen.CreateClientSite2SitePkcs12200ResponseHeaders{
			CacheControl: header(noStore), ContentDisposition: attachment(clientFile(request.ID, ".p12")),
		},
	}, nil
}

func clientFile(id int64, extension string) string {
	return "client-" + strconv.FormatInt(id, 10) + extension
}

func (h clients) convert(c domain.Client) gen.ClientSite2Site {
	return gen.ClientSite2Site{
		ID: c.ID, CaID: c.CAID, Name: c.Name, Email: c.Email, Description: c.Description,
		Country: c.Country, Province: c.Province, City: c.City, Organization: c.Organization, Sector: c.Sector,
		Expired: c.Expired(h.now()), Revoked: c.Revoked(), RevokedAt: optionalDate(c.RevokedAt),
		RevocationReason: revocationReason(c.Revoked(), c.Reason), Serial: c.Serial, Fingerprint: c.Fingerprint,
		KeyAlgorithm: c.KeyAlgorithm, KeyProtected: c.KeyProtected, NotBefore: date(c.NotBefore),
		ExpiryDate: date(c.ExpiresAt), CreatedAt: date(c.CreatedAt), UpdatedAt: date(c.UpdatedAt),
		Connected: string(domain.ConnectedUnknown),
	}
}
