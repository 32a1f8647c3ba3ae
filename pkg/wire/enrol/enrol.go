// Package enrol serves the links of enrolments, below [Path]: a small page on which the person at a
// site fetches a profile, or sends a certificate request that was made on the router; and the same
// for a program.
//
// It imports domain, tunnel, spans, wire/oas and, for its texts, wire/api. Opening a link spends
// nothing: only POST does, so previews of messages and scanners of mail do no harm. The secret is
// in the path, which neither the log nor a span has; every answer forbids caches and referrers, and
// the page loads nothing from elsewhere.
package enrol

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
	"github.com/chaveiro/chaveiro/pkg/wire/api"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// Path is what links begin with; the secret follows.
const Path = "/enrol/"

// maxForm bounds the form, in octets. A certificate request has some thousands.
const maxForm = 96 << 10

// Config is what the links are served with.
type Config struct {
	Enrolments *tunnel.Enrolments
	Log        *slog.Logger
}

// Mount adds the routes.
func Mount(e *echo.Echo, config Config) {
	h := handler{config}
	group := e.Group(Path+":secret", h.middleware)
	group.GET("", h.show)
	group.POST("", h.claim)
}

type handler struct{ Config }

// middleware sets the headers that every answer has, the origin of the request, and answers errors.
func (h handler) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Robots-Tag", "noindex, nofollow")
		header.Set("Content-Security-Policy", policy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Vary", "Accept, Accept-Language")
		address, _ := netip.ParseAddr(c.RealIP())
		ctx := domain.WithOrigin(c.Request().Context(), domain.Origin{
			Operation: "enrol", Address: address.Unmap(), RequestID: header.Get(echo.HeaderXRequestID),
			TraceID: spans.TraceOf(c.Request().Context(), c.Request().Header),
		})
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		return h.refuse(c, err)
	}
}

// show answers what a link is for.
func (h handler) show(c echo.Context) error {
	found, err := h.Enrolments.Look(c.Request().Context(), domain.Secret(c.Param("secret")))
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		return c.JSON(http.StatusOK, invitation{
			Client: found.ClientName, Instance: found.InstanceName, Format: found.Format,
			PINRequired: found.PINHash != nil, State: h.Enrolments.State(found.Enrolment),
		})
	}
	return h.page(c, http.StatusOK, found, nil)
}

// invitation is what a program is told.
type invitation struct {
	Client      string                `json:"client"`
	Instance    string                `json:"instance"`
	Format      string                `json:"format"`
	PINRequired bool                  `json:"pin_required"`
	State       domain.EnrolmentState `json:"state"`
}

// claim answers with the profile.
func (h handler) claim(c echo.Context) error {
	form, err := readForm(c.Request())
	if err != nil {
		return err
	}
	file, err := h.Enrolments.Claim(c.Request().Context(), tunnel.Claim{
		Secret: domain.Secret(c.Param("secret")), PIN: domain.Secret(strings.TrimSpace(form.Get("pin"))),
		Token: domain.Secret(form.Get("token")), Format: form.Get("format"),
		Request: []byte(strings.TrimSpace(form.Get("csr"))), KeyFile: form.Get("key_file"),
	})
	if err != nil {
		return err
	}
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": file.Name})
	c.Response().Header().Set("Content-Disposition", disposition)
	return c.Blob(http.StatusOK, file.MediaType, file.Content)
}

// readForm reads the fields of a form; those of the address don't count, because it is in histories
// and logs.
func readForm(r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, domain.Fault(
			domain.Malformed, "", domain.ReasonContentType, "application/x-www-form-urlencoded",
		)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, domain.Fault(domain.Malformed, "", domain.ReasonBodySize)
		}
		return nil, &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: err}
	}
	return r.PostForm, nil
}

// refuse answers an error: with the page for a person, with its texts for a program.
func (h handler) refuse(c echo.Context, err error) error {
	told := api.Explain(err, c.Request().Header.Get("Accept-Language"))
	log, ctx := h.Log, c.Request().Context()
	if told.Status >= http.StatusInternalServerError {
		log.ErrorContext(ctx, "enrolment failed", "request_id", domain.OriginOf(ctx).RequestID, "error", domain.Cause(err))
	}
	if told.Wait > 0 {
		oas.SetRetryAfter(c, told.Wait)
	}
	if !wantsHTML(c) {
		return c.JSON(told.Status, map[string][]string{"errors": told.Texts, "fields": told.Fields})
	}
	found, lookErr := h.Enrolments.Look(ctx, domain.Secret(c.Param("secret")))
	if lookErr != nil && !domain.IsKind(lookErr, domain.Missing) {
		told = api.Explain(errors.Join(lookErr), c.Request().Header.Get("Accept-Language"))
	}
	return h.page(c, told.Status, found, told.Texts)
}

// wantsJSON reports whether a program asks.
func wantsJSON(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get("Accept"), "application/json")
}

// wantsHTML reports whether a browser asks.
func wantsHTML(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get("Accept"), "text/html")
}
