package api

import (
	"context"
	"net/netip"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// remoteUsers are the operations of users, which are clients as sites are. What both have in common
// is converted by the handlers of sites.
type remoteUsers struct {
	users    *tunnel.RemoteUsers
	keys     *pki.Clients // of users
	sessions *tunnel.Sessions
	made     profiles
	enrolled enrolments
	records  certificates
	today    func() time.Time
}

func newRemoteUsers(c Config) remoteUsers {
	return remoteUsers{
		users: c.Services.RemoteUsers, sessions: c.Services.Sessions, keys: c.Services.UserClients,
		made:     profiles{profiles: c.Services.Profiles},
		enrolled: newEnrolments(c), records: certificates{clock: c.Now}, today: c.Now,
	}
}

// GetClientsSite2UserPage implements the operation getClientsSite2UserPage.
func (h remoteUsers) GetClientsSite2UserPage(
	ctx context.Context, request gen.GetClientsSite2UserPageRequestObject,
) (gen.GetClientsSite2UserPageResponseObject, error) {
	p := request.Params
	filter := domain.ClientFilter{
		Name: text(p.Name), CAID: value(p.CaID), Status: domain.Status(text(p.Status)), InstanceID: value(p.InstanceID),
	}
	if err := readFilter(&filter, p.Serial, p.ExpiresBefore, p.ExpiresAfter, p.Sort); err != nil {
		return nil, err
	}
	page, err := h.users.Page(ctx, filter, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	list, err := h.answers(ctx, page.Items)
	if err != nil {
		return nil, err
	}
	return gen.GetClientsSite2UserPage200JSONResponse{Cursor: cursorOf(page), Clients: list}, nil
}

// GetClientSite2User implements the operation getClientSite2User.
func (h remoteUsers) GetClientSite2User(
	ctx context.Context, request gen.GetClientSite2UserRequestObject,
) (gen.GetClientSite2UserResponseObject, error) {
	user, err := h.users.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, user)
	return gen.GetClientSite2User200JSONResponse(answer), err
}

// CreateClientSite2User implements the operation createClientSite2User.
func (h remoteUsers) CreateClientSite2User(
	ctx context.Context, request gen.CreateClientSite2UserRequestObject,
) (gen.CreateClientSite2UserResponseObject, error) {
	b := request.Body
	spec := clientSpec(gen.ClientSite2SiteCreate{
		CaID: value(b.CaID), Name: b.Name, Email: b.Email, Password: b.Password, Description: b.Description,
		Country: b.Country, Province: b.Province, City: b.City, Organization: b.Organization, Sector: b.Sector,
		Expiration: b.Expiration, KeyAlgorithm: b.KeyAlgorithm, Csr: b.Csr,
	})
	user, err := h.users.Create(ctx, spec, userPlace(b.InstanceID, b.IP, b.PushRoutes, b.Iroutes))
	if err != nil {
		return nil, err
	}
	return gen.CreateClientSite2User200JSONResponse(h.convert(user)), nil
}

func userPlace(instanceID *int64, ip *string, routes, lans []string) domain.UserPlace {
	return domain.UserPlace{InstanceID: instanceID, IP: ip, PushRoutes: given(routes), LANs: given(lans)}
}

// ImportClientSite2User implements the operation importClientSite2User.
func (h remoteUsers) ImportClientSite2User(
	ctx context.Context, request gen.ImportClientSite2UserRequestObject,
) (gen.ImportClientSite2UserResponseObject, error) {
	b := request.Body
	in, err := clientImport(gen.ClientSite2SiteImport{
		CaID: value(b.CaID), Email: b.Email, Description: b.Description, Key: b.Key, Cert: b.Cert, Password: b.Password,
		Revoked: b.Revoked, RevokedDate: b.RevokedDate,
	})
	if err != nil {
		return nil, err
	}
	user, err := h.users.Import(ctx, in, userPlace(b.InstanceID, b.IP, b.PushRoutes, b.Iroutes))
	if err != nil {
		return nil, err
	}
	return gen.ImportClientSite2User200JSONResponse(h.convert(user)), nil
}

// UpdateClientSite2User implements the operation updateClientSite2User.
func (h remoteUsers) UpdateClientSite2User(
	ctx context.Context, request gen.UpdateClientSite2UserRequestObject,
) (gen.UpdateClientSite2UserResponseObject, error) {
	b := request.Body
	update := clientUpdate(gen.ClientSite2SiteUpdate{
		CaID: b.CaID, Name: b.Name, Expiration: b.Expiration, Password: b.Password, Email: b.Email,
		Description: b.Description, Country: b.Country, Province: b.Province, City: b.City,
		Organization: b.Organization, Sector: b.Sector,
	})
	user, err := h.users.Update(ctx, request.ID, update, userPlace(b.InstanceID, b.IP, b.PushRoutes, b.Iroutes))
	if err != nil {
		return nil, err
	}
	answer, err := h.answer(ctx, user)
	return gen.UpdateClientSite2User200JSONResponse(answer), err
}

func (h remoteUsers) convert(u domain.RemoteUser) gen.ClientSite2User {
	return gen.ClientSite2User{
		ID: u.ID, CaID: u.CAID, InstanceID: optional(u.InstanceID), Name: u.Name, Email: u.Email,
		Description: u.Description, Country: u.Country, Province: u.Province, City: u.City,
		Organization: u.Organization, Sector: u.Sector, IP: addressText(u.IP),
		PushRoutes: convertAll(u.PushRoutes, netip.Prefix.String), ConnStatus: string(domain.ConnectedUnknown),
		Connected: string(domain.ConnectedUnknown),
		Expired:   u.Expired(h.today()), Revoked: u.Revoked(), RevokedAt: optionalDate(u.RevokedAt),
		RevocationReason: revocationReason(u.Revoked(), u.Reason), Serial: u.Serial, Fingerprint: u.Fingerprint,
		KeyAlgorithm: u.KeyAlgorithm, KeyProtected: u.KeyProtected, NotBefore: date(u.NotBefore),
		ExpiryDate: date(u.ExpiresAt), CreatedAt: date(u.CreatedAt), UpdatedAt: date(u.UpdatedAt),
	}
}
