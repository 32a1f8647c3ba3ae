package api

import (
	"log/slog"
	"sync"
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
	Services *service.Services
	// Verifier finds the holder of a credential; nil: Services.Access.
	Verifier Verifier
	// TrustedOrigins are the origins, such as https://vpn.example.com, whose pages may write with
	// the cookies of their visitors, in addition to the origin that the request was sent to.
	TrustedOrigins []string
	// ExternalURL is the URL under which clients reach the service; empty: not known.
	ExternalURL string
	Now         func() time.Time
	Log         *slog.Logger
	// Secure reports whether the client came over https, so that cookies are marked Secure.
	Secure func(echo.Context) bool
	// Recover turns panics into errors, so that they are answered as the dialect's errors are.
	Recover echo.MiddlewareFunc
	// Share bounds how many long requests of one caller are served at once.
	Share echo.MiddlewareFunc
	// ReadBody reads the bodies of requests.
	ReadBody oas.ReadBody
}

// API implements the operations of the document: one struct per resource.
type API struct {
	clients
	remoteUsers
	pkiImports
	certificates
	cas
	instances
	instanceModels
	clientConfigs
	plans
	tokens
	apikeys
	roles
	users
	auditEvents
	eventStream
	mailRecipients
	devices
	deviceDomains
	applications
	authorizations
	enrolments
	campaigns
	tunnelSessions
	profiles
	webhooks
}

var _ gen.StrictServerInterface = API{}

// readSpec reads the document once per process, because reading it takes longer than everything
// else that a server does to start.
var readSpec = sync.OnceValues(gen.GetSpec)

// newAPI puts the operations together. single is the body of a request for one client.
func newAPI(config Config, guard authenticator, single oas.Body) API {
	s := config.Services
	return API{
		clients:        newClients(config, single),
		pkiImports:     pkiImports{service: s.Imports, results: s.Results},
		certificates:   certificates{sites: s.Clients, certificates: s.Certificates, clock: config.Now},
		cas:            cas{service: s.CAs, crls: s.CRLs},
		instances:      instances{tunnels: s.Instances, present: config.Now},
		instanceModels: instanceModels{models: s.InstanceModels},
		clientConfigs:  clientConfigs{service: s.Configs},
		plans:          plans{service: s.Plans},
		tokens:         tokens{access: s.Access, login: s.Login},
		apikeys:        apikeys{service: s.APIKeys},
		roles:          roles{service: s.Roles},
		users:          users{service: s.Users},
		auditEvents:    auditEvents{service: s.Audit},
		eventStream:    eventStream{stream: s.Stream, verifier: guard.verifier, lines: new(eventLines)},
		mailRecipients: mailRecipients{service: s.MailRecipients},
		webhooks:       webhooks{service: s.Webhooks},
		devices:        devices{service: s.Devices, audit: s.Audit, results: s.Results},
		deviceDomains:  deviceDomains{service: s.DeviceDomains},
		applications:   applications{service: s.Applications},
		authorizations: authorizations{service: s.Authorizations},
		profiles:       profiles{profiles: s.Profiles, sites: s.Clients, present: config.Now},
		enrolments:     newEnrolments(config),
		campaigns:      campaigns{service: s.Campaigns},
		tunnelSessions: tunnelSessions{sessions: s.Sessions},
		remoteUsers:    newRemoteUsers(config),
	}
}

// Mount adds the dialect's routes. The order of the middleware: errors are written last, the
// operation is found first; then the caller is authenticated, the request is validated, which reads
// the body, its dry_run and its Idempotency-Key are noted, and the caller is confirmed. A refusal
// is recorded wherever it comes from.
func Mount(e *echo.Echo, config Config) error {
	spec, err := readSpec()
	if err != nil {
		return err
	}
	document, err := oas.NewDocument(spec, Prefix)
	if err != nil {
		return err
	}
	guard, err := newAuthenticator(config, document)
	if err != nil {
		return err
	}
	single, err := document.BodyOf("createClientSite2Site")
	if err != nil {
		return err
	}
	errors := errorWriter{log: config.Log}
	refused := refusals{service: config.Services.Refusals}
	group := e.Group(Prefix, errors.middleware, config.Recover, document.Find, withRequest(config.Secure),
		refused.middleware, guard.middleware, config.Share, document.Validate(config.ReadBody), withDryRun,
		withRequestKey, guard.confirm)
	handlers := newAPI(config, guard, single)
	gen.RegisterHandlers(group, gen.NewStrictHandler(handlers, nil))
	return nil
}
