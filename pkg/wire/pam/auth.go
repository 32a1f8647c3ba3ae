package pam

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/vault"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// errNoCredential is answered as the vendor's gateway answers it.
var errNoCredential = &domain.Error{Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonRequired}

// authenticator finds the authorization that makes a request, and checks whether it may.
type authenticator struct {
	access *vault.Authenticator
	// overTLS reports whether the client's connection was TLS.
	overTLS func(echo.Context) bool
	// certificate returns the client's certificate in DER; nil if it has shown none.
	certificate func(echo.Context) []byte
	// externalURL is the scheme and host under which clients reach the service; empty: not known.
	externalURL string
}

func (a authenticator) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		found, nonce, err := a.authenticate(c)
		if err != nil {
			return err
		}
		caller := found.Principal()
		caller.Needs = domain.Permission{Scope: domain.ScopeDevices, Write: c.Request().Method != http.MethodGet}
		c.SetRequest(c.Request().WithContext(domain.WithPrincipal(c.Request().Context(), caller)))
		if err := found.Check(caller.Needs.Write); err != nil {
			return cmp.Or(a.access.Spend(c.Request().Context(), nonce), err)
		}
		return a.once(c, nonce, next)
	}
}

// once lets a request with a nonce through once. A read spends the nonce before it is answered. A
// change that succeeds has spent it; for a change that fails it is spent here.
func (a authenticator) once(c echo.Context, nonce *domain.Nonce, next echo.HandlerFunc) error {
	ctx := c.Request().Context()
	if c.Request().Method == http.MethodGet {
		if err := a.access.Spend(ctx, nonce); err != nil {
			return err
		}
		return next(c)
	}
	c.SetRequest(c.Request().WithContext(context.WithValue(ctx, nonceKey{}, nonce)))
	err := next(c)
	if err != nil {
		return cmp.Or(a.access.Spend(ctx, nonce), err)
	}
	return nil
}

// nonceKey is the context key under which the handler of a change finds the nonce: the generated
// code between them passes on nothing else.
type nonceKey struct{}

func nonceOf(ctx context.Context) *domain.Nonce {
	nonce, _ := ctx.Value(nonceKey{}).(*domain.Nonce)
	return nonce
}

func (a authenticator) authenticate(c echo.Context) (domain.PAMAuthorization, *domain.Nonce, error) {
	r := c.Request()
	request := vault.Request{TLS: a.overTLS(c), Referrer: r.Referer(), Certificate: a.certificate(c)}
	signed := auth.OAuth1Request{
		Method: oas.SentMethod(r), URLs: []string{a.address(c)}, Query: r.URL.RawQuery,
		Authorization: r.Header.Get(echo.HeaderAuthorization),
		Form:          bodyOf(r.Context()).form(),
	}
	if err := oneCredential(r, signed); err != nil {
		return domain.PAMAuthorization{}, nil, err
	}
	if token, ok := auth.BearerToken(signed.Authorization); ok {
		found, err := a.access.Bearer(r.Context(), token, request)
		return found, nil, err
	}
	parameters, err := auth.ParseOAuth1(signed)
	if err != nil {
		return domain.PAMAuthorization{}, nil, &domain.Error{
			Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonSignature, Err: err,
		}
	}
	return a.access.Signed(r.Context(), parameters, request)
}

// oneCredential refuses a request with no credential, with an unknown scheme, or with more than one
// credential: the server must not choose who the caller is.
func oneCredential(r *http.Request, signed auth.OAuth1Request) error {
	headers := r.Header.Values(echo.HeaderAuthorization)
	listed := auth.ListsOAuth1(signed.Query) || auth.ListsOAuth1(signed.Form)
	_, isBearer := auth.BearerToken(signed.Authorization)
	isOAuth1 := auth.HasOAuth1(auth.OAuth1Request{Authorization: signed.Authorization})
	switch {
	case len(headers) > 1:
		return twoCredentials("more than one Authorization header")
	case listed && signed.Authorization != "" && !isOAuth1:
		return twoCredentials("an Authorization header and parameters of OAuth 1.0")
	case isBearer || isOAuth1 || listed:
		return nil
	case signed.Authorization != "":
		return refused("a scheme that is not known")
	}
	return errNoCredential
}

// address returns the URL that the client must have signed: the path under the external URL if
// there is one, otherwise under the host that the request names.
func (a authenticator) address(c echo.Context) string {
	r := c.Request()
	path := r.URL.EscapedPath()
	switch {
	case a.externalURL != "":
		return a.externalURL + path
	case a.overTLS(c):
		return "https://" + r.Host + path
	}
	return "http://" + r.Host + path
}

func refused(cause string) error {
	return &domain.Error{
		Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonCredential,
		Err: domain.WithPart(domain.PartCredentials, errors.New(cause)),
	}
}

func twoCredentials(cause string) error {
	return &domain.Error{
		Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonTwoCredentials,
		Err: domain.WithPart(domain.PartCredentials, errors.New(cause)),
	}
}

// withOrigin passes the origin of the request to what comes after it.
func withOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		address, _ := netip.ParseAddr(c.RealIP())
		origin := domain.Origin{
			Address: address.Unmap(), RequestID: c.Response().Header().Get(echo.HeaderXRequestID),
			TraceID: spans.TraceOf(c.Request().Context(), c.Request().Header),
		}
		if operation := oas.OperationOf(c); operation != nil {
			origin.Operation = operation.ID
		}
		c.SetRequest(c.Request().WithContext(domain.WithOrigin(c.Request().Context(), origin)))
		return next(c)
	}
}

// refusals records every request that is refused because of its credential or its rights.
type refusals struct {
	service *audit.Refusals
	// resource is what the refused requests are about.
	resource domain.Scope
	// all makes every other fault of a caller be recorded too, such as a request that can't be
	// read.
	all bool
}

func (r refusals) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		for _, fault := range domain.Faults(err) {
			if r.all || fault.Kind == domain.Unauthenticated || fault.Kind == domain.Forbidden {
				r.service.Record(c.Request().Context(), r.resource, 0, fault)
				break
			}
		}
		return err
	}
}
