package api

import (
	"context"
	"errors"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// refreshCookieLife is how long a client may keep the apikey as a cookie.
const refreshCookieLife = 30 * 24 * time.Hour

// The grants.
const (
	grantRefresh  = "refresh_token"
	grantPassword = "password"
)

type tokens struct {
	access *access.Authenticator
	login  *access.Login
}

// CreateToken implements the operation createToken. Validation has turned the body into JSON.
func (h tokens) CreateToken(
	ctx context.Context, request gen.CreateTokenRequestObject,
) (gen.CreateTokenResponseObject, error) {
	token, err := h.grant(ctx, request.JSONBody)
	if err != nil {
		return nil, err
	}
	return gen.CreateToken200JSONResponse{
		Body: token, Headers: gen.CreateToken200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// CreateTokenV1 implements the operation createTokenV1, as CreateToken.
func (h tokens) CreateTokenV1(
	ctx context.Context, request gen.CreateTokenV1RequestObject,
) (gen.CreateTokenV1ResponseObject, error) {
	token, err := h.grant(ctx, request.JSONBody)
	if err != nil {
		return nil, err
	}
	return gen.CreateTokenV1200JSONResponse{
		Body: token, Headers: gen.CreateTokenV1200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// grant issues tokens in the body and as cookies.
func (h tokens) grant(ctx context.Context, body *gen.TokenRequest) (gen.Token, error) {
	session, err := h.session(ctx, body)
	if err != nil {
		return gen.Token{}, err
	}
	setSession(ctx, session)
	return gen.Token{
		RefreshToken: string(session.Refresh), AccessToken: string(session.Access.Token),
		ExpiresIn: int(session.Access.Life / time.Second),
	}, nil
}

func setSession(ctx context.Context, session access.Session) {
	info := infoOf(ctx)
	info.setCookie(refreshCookie, session.Refresh, session.Life)
	info.setCookie(accessCookie, session.Access.Token, session.Access.Life)
}

func (h tokens) session(ctx context.Context, body *gen.TokenRequest) (access.Session, error) {
	refresh, username, password := domain.Secret(text(body.RefreshToken)), text(body.Username),
		domain.Secret(text(body.Password))
	switch {
	case body.GrantType != grantRefresh && body.GrantType != grantPassword:
		return access.Session{}, domain.Fault(domain.Malformed, "grant_type", domain.ReasonGrant)
	case refresh != "" && (username != "" || password != ""):
		return access.Session{}, domain.Fault(domain.Malformed, "refresh_token", domain.ReasonTwoCredentials)
	case body.GrantType == grantPassword:
		if err := errors.Join(needed("username", username == ""), needed("password", password == "")); err != nil {
			return access.Session{}, err
		}
		return h.login.Password(ctx, username, password)
	}
	if err := needed("refresh_token", refresh == ""); err != nil {
		return access.Session{}, err
	}
	token, err := h.access.Exchange(ctx, refresh)
	return access.Session{Refresh: refresh, Life: refreshCookieLife, Access: token}, err
}

// needed returns the fault of a missing credential. It is Unauthenticated, not Required: it is not
// a mistake in a form, but a request without a caller that could sign in.
func needed(field string, missing bool) error {
	if missing {
		return domain.Fault(domain.Unauthenticated, field, domain.ReasonRequired)
	}
	return nil
}
