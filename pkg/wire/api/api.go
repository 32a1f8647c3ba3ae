package api

import (
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// Prefix is where the dialect lives.
const Prefix = "/api"

// Config is what the dialect is made of.
type Config struct {
	CAs     *service.CAs
	Clients *service.Clients
	CRLs    *service.CRLs
	Access  *service.Access
	Now     func() time.Time
	Log     *slog.Logger
	// Secure reports whether the client came over https, so that cookies are marked Secure.
	Secure func(echo.Context) bool
	// Recover turns panics into errors, so that they are answered as the dialect's errors are.
	Recover echo.MiddlewareFunc
}

// API implements the operations of the document: one struct a resource.
type API struct {
	clients
	cas
	tokens
}

var _ gen.StrictServerInterface = API{}

// Mount adds the dialect's routes. The order of the middleware: errors are written last, the operation is found first, then comes
// authentication, then validation.
func Mount(e *echo.Echo, config Config) error {
	spec, err := gen.GetSpec()
	if err != nil {
		return err
	}
	document, err := oas.NewDocument(spec, Prefix)
	if err != nil {
		return err
	}
	guard := authenticator{access: config.Access}
	errors := errorWriter{log: config.Log}
	group := e.Group(Prefix, errors.middleware, config.Recover, document.Find, withRequest(config.Secure), guard.middleware, document.Validate)
	handlers := API{
		clients: clients{service: config.Clients, now: config.Now},
		cas:     cas{service: config.CAs, crls: config.CRLs},
		tokens:  tokens{access: config.Access},
	}
	gen.RegisterHandlers(group, gen.NewStrictHandler(handlers, nil))
	return nil
}
