package api

import (
	"context"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// authenticator finds out who makes a request: an Authorization header decides alone; without one the access cookie, then the
// refresh cookie, which is answered with a fresh access cookie.
type authenticator struct{ access *service.Access }

func (a authenticator) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if oas.OperationOf(c).Public {
			return next(c)
		}
		principal, err := a.authenticate(c)
		if err != nil {
			return err
		}
		if !principal.Superuser {
			return domain.Fault(domain.Forbidden, "authorization", domain.ReasonForbidden)
		}
		ctx := domain.WithPrincipal(c.Request().Context(), principal)
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

func (a authenticator) authenticate(c echo.Context) (domain.Principal, error) {
	ctx := c.Request().Context()
	if header := c.Request().Header.Get(echo.HeaderAuthorization); header != "" {
		token, ok := bearer(header)
		if !ok {
			return domain.Principal{}, noCredential()
		}
		return a.access.Authenticate(ctx, token, auth.Access, auth.Refresh)
	}
	if cookie, err := c.Cookie(accessCookie); err == nil {
		principal, err := a.access.Authenticate(ctx, domain.Secret(cookie.Value), auth.Access)
		if !domain.IsKind(err, domain.Unauthenticated) {
			return principal, err
		}
	}
	if cookie, err := c.Cookie(refreshCookie); err == nil {
		return a.resume(ctx, c, domain.Secret(cookie.Value))
	}
	return domain.Principal{}, noCredential()
}

// resume goes on with a session whose access token has ended.
func (a authenticator) resume(ctx context.Context, c echo.Context, refresh domain.Secret) (domain.Principal, error) {
	principal, err := a.access.Authenticate(ctx, refresh, auth.Refresh)
	if err != nil {
		return principal, err
	}
	token, err := a.access.Exchange(ctx, refresh)
	if err != nil {
		return principal, err
	}
	c.SetCookie(sessionCookie(accessCookie, token.Token, token.Life, infoOf(ctx).secure))
	return principal, nil
}

func bearer(header string) (domain.Secret, bool) {
	scheme, token, found := strings.Cut(header, " ")
	return domain.Secret(strings.TrimSpace(token)), found && strings.EqualFold(scheme, "Bearer")
}

func noCredential() error {
	return domain.Fault(domain.Unauthenticated, "authorization", domain.ReasonCredential)
}

// requestInfo is what handlers need of the request beside what the document declares.
type requestInfo struct {
	accept string
	secure bool
}

type requestInfoKey struct{}

// withRequest hands the requestInfo to what comes after it.
func withRequest(secure func(echo.Context) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			info := requestInfo{accept: strings.Join(c.Request().Header.Values(echo.HeaderAccept), ","), secure: secure(c)}
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), requestInfoKey{}, info)))
			return next(c)
		}
	}
}

func infoOf(ctx context.Context) requestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(requestInfo)
	return info
}
