package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// authenticator finds out who makes a request, and whether that caller may. An Authorization header
// decides alone; without one the access cookie decides, then the refresh cookie, for which the
// answer sets a new access cookie.
type authenticator struct {
	verifier Verifier
	origins  *http.CrossOriginProtection
}

// Verifier finds the holder of a token. In production it is *access.Authenticator.
type Verifier interface {
	Authenticate(ctx context.Context, token domain.Secret, uses ...auth.Use) (domain.Principal, error)
	Resume(ctx context.Context, refresh domain.Secret) (domain.Principal, access.Token, error)
	// Confirm authenticates the caller of a request again: ctx has the caller as it was, the
	// returned context has the caller as it is by now.
	Confirm(ctx context.Context) (context.Context, error)
}

// newAuthenticator fails if the document demands a right that no role can give, or if an origin is
// not valid.
func newAuthenticator(config Config, document *oas.Document) (authenticator, error) {
	a := authenticator{verifier: config.Verifier, origins: http.NewCrossOriginProtection()}
	if a.verifier == nil {
		a.verifier = config.Services.Access
	}
	for _, origin := range config.TrustedOrigins {
		if err := a.origins.AddTrustedOrigin(origin); err != nil {
			return a, err
		}
	}
	for _, operation := range document.Operations() {
		if scope := domain.Scope(operation.Scope); !operation.Public && scope != scopeSelf && !scope.Known() {
			return a, fmt.Errorf("%s has the scope %s, which there is not", operation.ID, scope)
		}
	}
	return a, nil
}

// scopeSelf is the scope of operations on the caller itself, which need a credential and no right.
const scopeSelf = "self"

func (a authenticator) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		operation := oas.OperationOf(c)
		if operation.Public {
			if err := oneSignIn(c.Request()); err != nil {
				return err
			}
			return next(c)
		}
		principal, byCookie, err := a.authenticate(c)
		principal.Needs = needs(operation)
		ctx := domain.WithPrincipal(c.Request().Context(), principal) // also if the caller is authenticated but refused
		c.SetRequest(c.Request().WithContext(withCookies(ctx, byCookie)))
		if err != nil {
			return err
		}
		if byCookie && a.origins.Check(c.Request()) != nil {
			return domain.Fault(domain.Forbidden, "authorization", domain.ReasonCrossSite)
		}
		if err := principal.Check(); err != nil {
			return err
		}
		return next(c)
	}
}

// oneSignIn refuses a request for a token that has a credential in the header as well as in the
// body. An access token in the header does not count: clients send the old one when they ask for
// the next.
func oneSignIn(r *http.Request) error {
	headers := r.Header.Values(echo.HeaderAuthorization)
	scheme, _, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if r.Method == http.MethodPost && (len(headers) > 1 || strings.EqualFold(scheme, "Basic")) {
		return domain.Fault(domain.Malformed, "authorization", domain.ReasonTwoCredentials)
	}
	return nil
}

// needs returns the right that an operation needs: GET needs to read its scope, all other methods
// to write it.
func needs(operation *oas.Operation) domain.Permission {
	if operation.Scope == scopeSelf {
		return domain.Permission{}
	}
	write := operation.Method != http.MethodGet
	return domain.Permission{Scope: domain.Scope(operation.Scope), Read: !write, Write: write}
}

// confirm authenticates the caller again when the whole request has arrived, because the client may
// have held the body back.
func (a authenticator) confirm(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		operation := oas.OperationOf(c)
		if operation.Public || !operation.HasBody() {
			return next(c)
		}
		ctx, err := a.verifier.Confirm(c.Request().Context())
		c.SetRequest(c.Request().WithContext(ctx))
		if err != nil {
			return err
		}
		return next(c)
	}
}

func (a authenticator) authenticate(c echo.Context) (principal domain.Principal, byCookie bool, err error) {
	ctx := c.Request().Context()
	switch headers := c.Request().Header.Values(echo.HeaderAuthorization); {
	case len(headers) > 1:
		return principal, false, domain.Fault(domain.Malformed, "authorization", domain.ReasonTwoCredentials)
	case len(headers) == 1 && headers[0] != "":
		token, ok := auth.BearerToken(headers[0])
		if !ok {
			return principal, false, noCredential()
		}
		principal, err = a.verifier.Authenticate(ctx, token, auth.Access, auth.Refresh)
		return principal, false, err
	}
	if cookie, err := c.Cookie(accessCookie); err == nil {
		principal, err := a.verifier.Authenticate(ctx, domain.Secret(cookie.Value), auth.Access)
		if !domain.IsKind(err, domain.Unauthenticated) {
			return principal, true, err
		}
	}
	if cookie, err := c.Cookie(refreshCookie); err == nil {
		principal, token, err := a.verifier.Resume(ctx, domain.Secret(cookie.Value))
		if err == nil {
			infoOf(ctx).setCookie(accessCookie, token.Token, token.Life)
		}
		return principal, true, err
	}
	return principal, false, noCredential()
}

func noCredential() error {
	return domain.Fault(domain.Unauthenticated, "authorization", domain.ReasonCredential)
}
