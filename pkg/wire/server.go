package wire

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/wire/api"
	"github.com/chaveiro/chaveiro/pkg/wire/enrol"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
	"github.com/chaveiro/chaveiro/pkg/wire/ocsp"
	"github.com/chaveiro/chaveiro/pkg/wire/pam"
)

// Config is what the HTTP handler is made of.
type Config struct {
	Services *service.Services
	// Verifier finds the holder of a credential; nil: Services.Access.
	Verifier api.Verifier
	// Ready returns the conditions of readiness; the service can't serve if one has a fault.
	Ready func(context.Context) []Check
	// ExternalURL is the URL under which clients reach the service; empty: not known.
	ExternalURL string
	// TrustedProxies are the peers whose X-Forwarded-For, X-Forwarded-Proto and Client-Cert are
	// believed.
	TrustedProxies []netip.Prefix
	// PAMChanged makes the answers to upserts of devices say whether the upsert has changed
	// something.
	PAMChanged bool
	// Timeout is how long a request may take; 0: 30 s. Requests of many rows have nearly three
	// minutes at least.
	Timeout time.Duration
	Metrics *prometheus.Registry
	// Spans begins the spans of requests; the zero Tracer begins none.
	Spans spans.Tracer
	Now   func() time.Time
	Log   *slog.Logger
}

// New returns the handler of everything the service speaks.
func New(config Config) (http.Handler, error) {
	e := echo.New()
	e.HideBanner = true
	e.IPExtractor = ipExtractor(config.TrustedProxies)
	e.HTTPErrorHandler = plainErrors
	recovered := middleware.RecoverWithConfig(recoverConfig(config.Log))
	admission := newAdmission()
	if config.Spans.On() {
		e.Use(traced(config.Spans))
	}
	e.Use(
		requestID, headers(secureFunc(config)), observe(config.Log, newRequestMetrics(config.Metrics)), recovered,
		deadline(config.Timeout), admission.begin,
	)
	recovered = after(recovered, admission.middleware)
	dialect := api.Config{
		Services: config.Services, Verifier: config.Verifier, TrustedOrigins: origins(config.ExternalURL),
		ExternalURL: config.ExternalURL, Now: config.Now, Log: config.Log, Secure: secureFunc(config),
		Recover: recovered, Share: admission.share, ReadBody: admission.readBody,
	}
	if err := api.Mount(e, dialect); err != nil {
		return nil, err
	}
	vault := pam.Config{
		Services: config.Services, ExternalURL: config.ExternalURL, Log: config.Log, TLS: tlsFunc(config),
		Certificate: certificateFunc(config),
		Recover:     recovered, Share: admission.share, ReadBody: admission.readBody, PAMChanged: config.PAMChanged,
	}
	ofVault, err := pam.Mount(e, vault)
	if err != nil {
		return nil, err
	}
	e.Use(ofVault) // requests of the vault's clients to paths of the other dialect
	mountDocuments(e)
	enrol.Mount(e, enrol.Config{Enrolments: config.Services.Enrolments, Log: config.Log})
	ocsp.Mount(e, ocsp.Config{OCSP: config.Services.OCSP, ReadBody: admission.readBody, Metrics: config.Metrics})
	e.GET("/healthz", healthy)
	e.GET("/readyz", readiness(config.Ready))
	e.GET("/metrics", newMetrics(config.Metrics).serve)
	return headAsGet(e), nil
}

// origins returns the origin of the external URL. Behind a proxy, it may differ from the origin
// that requests name.
func origins(externalURL string) []string {
	u, err := url.Parse(externalURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}

// plainErrors answers errors on the paths that belong to no dialect.
func plainErrors(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	if he, ok := err.(*echo.HTTPError); ok {
		status = he.Code
	}
	if wait := domain.RetryAfter(err); wait > 0 {
		status = http.StatusServiceUnavailable
		oas.SetRetryAfter(c, wait)
	}
	_ = c.String(status, http.StatusText(status)+"\n")
}
