package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

const (
	accessCookie  = "access-token"
	refreshCookie = "refresh-token"
	// refreshCookieLife is how long a client may keep the apikey as a cookie.
	refreshCookieLife = 30 * 24 * time.Hour
	grantRefresh      = "refresh_token"
)

type tokens struct{ access *service.Access }

// CreateToken implements the operation createToken.
func (h tokens) CreateToken(ctx context.Context, request gen.CreateTokenRequestObject) (gen.CreateTokenResponseObject, error) {
	return h.exchange(ctx, request.Body)
}

// CreateTokenV1 implements the operation createTokenV1.
func (h tokens) CreateTokenV1(ctx context.Context, request gen.CreateTokenV1RequestObject) (gen.CreateTokenV1ResponseObject, error) {
	return h.exchange(ctx, request.Body)
}

func (h tokens) exchange(ctx context.Context, body *gen.TokenRequest) (tokenResponse, error) {
	if body.GrantType != grantRefresh {
		return tokenResponse{}, domain.Fault(domain.Malformed, "grant_type", domain.ReasonGrant)
	}
	refresh := domain.Secret(text(body.RefreshToken))
	if refresh == "" {
		return tokenResponse{}, domain.Fault(domain.Required, "refresh_token", domain.ReasonRequired)
	}
	token, err := h.access.Exchange(ctx, refresh)
	if err != nil {
		return tokenResponse{}, err
	}
	return tokenResponse{refresh: refresh, access: token, secure: infoOf(ctx).secure}, nil
}

// tokenResponse writes the answer of a token request; generated responses can't set two cookies.
type tokenResponse struct {
	refresh domain.Secret
	access  service.AccessToken
	secure  bool
}

// VisitCreateTokenResponse implements gen.CreateTokenResponseObject.
func (r tokenResponse) VisitCreateTokenResponse(w http.ResponseWriter) error {
	http.SetCookie(w, sessionCookie(refreshCookie, r.refresh, refreshCookieLife, r.secure))
	http.SetCookie(w, sessionCookie(accessCookie, r.access.Token, r.access.Life, r.secure))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", noStore)
	w.WriteHeader(http.StatusOK)
	return json.NewEncoder(w).Encode(gen.Token{
		RefreshToken: string(r.refresh), AccessToken: string(r.access.Token), ExpiresIn: int(r.access.Life / time.Second),
	})
}

// VisitCreateTokenV1Response implements gen.CreateTokenV1ResponseObject.
func (r tokenResponse) VisitCreateTokenV1Response(w http.ResponseWriter) error {
	return r.VisitCreateTokenResponse(w)
}

// sessionCookie makes a cookie that clients send back to every path of the service and that scripts can't read. Secure only over
// https: a client over http would never send it back.
func sessionCookie(name string, value domain.Secret, life time.Duration, secure bool) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: string(value), Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}
