package pam

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// Prefix is the path of the dialect, Alias a second path of its devices and tokens.
const (
	Prefix = "/iso"
	Alias  = "/api"
)

// Config is what the dialect is made of.
type Config struct {
	Services *service.Services
	// ExternalURL is the scheme and host under which clients reach the service, for the signatures
	// of OAuth 1.0; empty: not known.
	ExternalURL string
	Log         *slog.Logger
	// PAMChanged makes the answers to upserts say whether the upsert has changed something.
	PAMChanged bool
	// TLS reports whether the client's connection was TLS.
	TLS func(echo.Context) bool
	// Certificate returns the client's certificate in DER; nil if it has shown none.
	Certificate func(echo.Context) []byte
	// Recover turns panics into errors, so that they are answered as the dialect's errors are.
	Recover echo.MiddlewareFunc
	// Share bounds how many long requests of one caller are served at once.
	Share echo.MiddlewareFunc
	// ReadBody reads the bodies of requests.
	ReadBody oas.ReadBody
}

// handlers implement the operations of the document.
type handlers struct {
	devices
	tokens
}

var _ gen.StrictServerInterface = handlers{}

// readSpec reads the document once per process.
var readSpec = sync.OnceValues(gen.GetSpec)

// Mount adds the dialect's routes. The paths under Alias belong to the other dialect: foreign is a
// middleware that the caller must install, which takes the requests of this dialect from it.
func Mount(e *echo.Echo, config Config) (foreign echo.MiddlewareFunc, err error) {
	spec, err := readSpec()
	if err != nil {
		return nil, err
	}
	routes := gen.ServerInterfaceWrapper{Handler: gen.NewStrictHandler(handlers{
		devices: devices{service: config.Services.Devices, tellChanged: config.PAMChanged},
		tokens:  tokens{access: config.Services.PAMAccess},
	}, nil)}
	guard := authenticator{
		access: config.Services.PAMAccess, overTLS: config.TLS, certificate: config.Certificate,
		externalURL: strings.TrimSuffix(config.ExternalURL, "/"),
	}
	refused := refusals{service: config.Services.Refusals, resource: domain.ScopeDevices}
	refusedTokens := refusals{service: config.Services.Refusals, resource: domain.ResourceTokens, all: true}
	errors := errorWriter{log: config.Log, render: render, challenge: bearerChallenge}
	tokenErrors := errorWriter{log: config.Log, render: renderToken, challenge: basicChallenge}
	nowhere := []echo.MiddlewareFunc{
		noStore, errors.middleware, config.Recover, withOrigin, readBody(config.ReadBody, maxBody), refused.middleware,
		guard.known,
	}
	for _, prefix := range []string{Prefix, Alias} {
		document, err := oas.NewDocument(spec, prefix)
		if err != nil {
			return nil, err
		}
		before := []echo.MiddlewareFunc{config.Recover, document.Find, withOrigin}
		known := slices.Concat(
			[]echo.MiddlewareFunc{noStore, errors.middleware}, before,
			[]echo.MiddlewareFunc{
				readBody(config.ReadBody, maxBody), refused.middleware, guard.middleware, config.Share,
			},
		)
		mountDevices(e, prefix, routes, known)
		e.RouteNotFound(prefix+"/pam/device/*", noSuchFunction, nowhere...)
		forToken := slices.Concat([]echo.MiddlewareFunc{noStore, tokenErrors.middleware}, before, []echo.MiddlewareFunc{
			readBody(config.ReadBody, maxTokenBody), refusedTokens.middleware, withCertificate(config.Certificate),
			credentials,
		})
		if prefix == Alias {
			foreign = ofAlias(config.ReadBody, chain(routes.CreateToken, forToken), chain(noSuchFunction, nowhere))
			continue
		}
		e.POST(tokenPath(prefix), routes.CreateToken, forToken...)
		e.POST(tokenPath(prefix)+"/", routes.CreateToken, forToken...)
		e.RouteNotFound(prefix+"/*", noSuchFunction, nowhere...)
	}
	return foreign, nil
}

// mountDevices adds the operations on devices, behind the middleware that all of them need. A
// reference may have slashes.
func mountDevices(e *echo.Echo, prefix string, routes gen.ServerInterfaceWrapper, known []echo.MiddlewareFunc) {
	with := func(last echo.MiddlewareFunc) []echo.MiddlewareFunc {
		return slices.Concat(known, []echo.MiddlewareFunc{last})
	}
	one, all := prefix+"/pam/device/:ref", prefix+"/pam/device"
	for _, slash := range []string{"", "/"} {
		e.GET(all+slash, routes.ListDevices, known...)
		e.POST(all+slash, routes.UpsertDevice, with(normalise)...)
		e.GET(one+slash, routes.GetDevice, with(reference(all))...)
		e.PUT(one+slash, routes.EnableDevice, with(reference(all))...)
		e.DELETE(one+slash, routes.DisableDevice, with(reference(all))...)
	}
	deeper := slices.Concat([]echo.MiddlewareFunc{under(one)}, with(reference(all)))
	e.GET(all+"/*", routes.GetDevice, deeper...)
	e.PUT(all+"/*", routes.EnableDevice, deeper...)
	e.DELETE(all+"/*", routes.DisableDevice, deeper...)
}

func tokenPath(prefix string) string { return prefix + "/oauth2/token" }

func chain(h echo.HandlerFunc, middleware []echo.MiddlewareFunc) echo.HandlerFunc {
	for i := len(middleware) - 1; i >= 0; i-- {
		h = middleware[i](h)
	}
	return h
}

// noStore keeps every answer out of caches: it has a credential, or answers a request that may have
// one in its URL.
func noStore(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return next(c)
	}
}

func noSuchFunction(echo.Context) error {
	return domain.Fault(domain.Missing, "", domain.ReasonNoRoute)
}

// known refuses a request without a valid credential, so that only authenticated callers learn
// which functions there are.
func (a authenticator) known(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, _, err := a.authenticate(c); err != nil {
			return err
		}
		return next(c)
	}
}

// reference reads the id or hostname from the path: everything behind base, as it came, because a
// hostname may have any character and some clients do not escape a slash. RawPath tells the code
// behind it that the value is escaped. Unescaped segments of dots are not part of a hostname.
func reference(base string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			address := c.Request().URL
			address.RawPath = address.EscapedPath()
			ref := strings.TrimSuffix(strings.TrimPrefix(address.RawPath, base+"/"), "/")
			segments := strings.Split(ref, "/")
			if ref == "" || len(segments) > 1 && (slices.Contains(segments, ".") || slices.Contains(segments, "..")) {
				return noSuchFunction(c)
			}
			c.SetParamNames("ref")
			c.SetParamValues(ref)
			return next(c)
		}
	}
}

// under gives a request whose reference has slashes the route of the operation on one device.
func under(path string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetPath(path)
			return next(c)
		}
	}
}

// ofAlias takes the requests for tokens of this dialect, and the requests on devices whose path or
// method does not exist.
func ofAlias(read oas.ReadBody, token, nowhere echo.HandlerFunc) echo.MiddlewareFunc {
	devices := Alias + "/pam/device"
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			path := c.Request().URL.Path
			switch {
			case c.Request().Method == http.MethodPost && strings.TrimSuffix(path, "/") == tokenPath(Alias) &&
				isTokenRequest(c, read):
				c.SetPath(tokenPath(Alias))
				return token(c)
			case (path == devices || strings.HasPrefix(path, devices+"/")) && !strings.HasPrefix(c.Path(), devices):
				return nowhere(c)
			}
			return next(c)
		}
	}
}
