package pam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// The vendor's texts that have no code.
const (
	textClient        = "Client authentication failed"
	textSignature     = "Invalid signature"
	textNotAuthorized = "You are not authorized to access this resource."
	textUnexpected    = "Unexpected error."
	textNoSub         = "Resource sub not found"
	textNoRoute       = "no Route matched with those values"
)

// Texts of ours, for requests that can't be read.
const (
	textJSONAsForm = "The body is JSON and was sent as a form: send it with Content-Type: application/json"
	textTwice      = "The request has %s twice"
	textTooLarge   = "The request is larger than %d bytes"

	detailTwoCredentials = "The request has more than one credential: send one"
)

// The error codes that the envelope has in addition to the code of the exception.
const (
	errorCodeBusiness = 1
	errorCodeNoSub    = 4
)

// coded is an error of the vendor's table, or one of ours, which begin at 9001.
type coded struct {
	code int
	text string
}

// missingCodes are the codes of required fields that are missing.
var missingCodes = map[string]coded{
	"hostname": {1004, "The device's hostname was not informed"},
	"ip":       {1005, "The device's IP was not informed"},
	"site":     {1019, "The device's site was not informed"},
	"model":    {1020, "The device's model was not informed"},
	"vendor":   {1021, "The device's vendor was not informed"},
	"type":     {1022, "The device's type was not informed"},
}

// invalidCodes are the codes of lists that can't be read; every other field has codeText.
var invalidCodes = map[string]coded{
	"connectivities":        {9002, "The device's connectivities are not valid"},
	"session_remote_config": {9003, "The device's remote session expressions are not valid"},
	"device_tags":           {9004, "The device's tags are not valid"},
}

var (
	codeNotFound = coded{1011, "Device not found"}
	codeDomain   = coded{1029, "It is not possible to enter a domain that has not been previously registered"}
	codeReadOnly = coded{1039, "Without PAM Configuration Access permission"}
	codeActive   = coded{1044, "Device is already activated"}
	codeText     = coded{9001, "A field of the device is too long or has control characters"}
	codeBody     = coded{9005, "The request could not be read"}
	codeShort    = coded{9006, "The short name is that of more than one domain (%s): give the full name"}
)

// errorWriter turns the errors that handlers and middleware return into the dialect's answers.
type errorWriter struct {
	log    *slog.Logger
	render func(error) (int, any)
	// challenge returns the WWW-Authenticate header of an answer 401; empty: none.
	challenge func(*http.Request) string
}

func bearerChallenge(*http.Request) string { return "Bearer" }

func (w errorWriter) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		status, body := w.render(err)
		id := c.Response().Header().Get(echo.HeaderXRequestID)
		ctx := c.Request().Context()
		switch {
		case len(domain.Faults(err)) > 0 || status == http.StatusNotFound:
			w.log.InfoContext(
				ctx, "request refused", "request_id", id, "status", status, "cause", domain.Cause(err), "part",
				domain.PartOf(err),
			)
		case !errors.Is(ctx.Err(), context.Canceled): // otherwise the client is gone
			w.log.ErrorContext(ctx, "request failed", "request_id", id, "error", domain.Cause(err))
		}
		if wait := domain.RetryAfter(err); wait > 0 {
			oas.SetRetryAfter(c, wait)
		}
		if challenge := w.challenge(c.Request()); status == http.StatusUnauthorized && challenge != "" {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge)
		}
		return c.JSON(status, body)
	}
}

// render returns status and body of an error. Of several faults the first is answered, as the
// vendor does.
func render(err error) (int, any) {
	if errors.Is(err, errNoCredential) {
		return http.StatusNotFound, gen.GatewayError{Message: textNoRoute}
	}
	faults := domain.Faults(err)
	if len(faults) == 0 {
		if fromEcho, ok := errors.AsType[*echo.HTTPError](err); ok && fromEcho.Code < http.StatusInternalServerError {
			return noSub()
		}
		return plain(http.StatusInternalServerError, http.StatusInternalServerError, textUnexpected)
	}
	fault := faults[0]
	switch fault.Kind {
	case domain.Unauthenticated:
		switch fault.Reason {
		case domain.ReasonSignature:
			return plain(http.StatusUnauthorized, http.StatusUnauthorized, textSignature)
		case domain.ReasonTwoCredentials:
			return detailed(http.StatusUnauthorized, http.StatusUnauthorized, textClient, detailTwoCredentials)
		}
		return plain(http.StatusUnauthorized, http.StatusUnauthorized, textClient)
	case domain.Forbidden:
		if fault.Reason != domain.ReasonReadOnly {
			return plain(http.StatusInternalServerError, http.StatusInternalServerError, textNotAuthorized)
		}
	case domain.Missing:
		if fault.Reason == domain.ReasonNoRoute {
			return noSub()
		}
	}
	c := codeOf(fault)
	return plain(http.StatusBadRequest, c.code, fmt.Sprintf("%d: %s", c.code, c.text))
}

// codeOf returns the code of a fault. Every kind that is the caller's mistake has one.
func codeOf(fault *domain.Error) coded {
	switch fault.Kind {
	case domain.Required:
		if c, ok := missingCodes[fault.Field]; ok {
			return c
		}
	case domain.Missing:
		return codeNotFound
	case domain.NotFound:
		return codeDomain
	case domain.Rule:
		return codeActive
	case domain.Forbidden:
		return codeReadOnly
	case domain.Malformed:
		return bodyCode(fault)
	}
	if fault.Reason == domain.ReasonShortName {
		return coded{codeShort.code, fmt.Sprintf(codeShort.text, fault.Args...)}
	}
	if c, ok := invalidCodes[strings.TrimSpace(fault.Field)]; ok {
		return c
	}
	return codeText
}

// bodyCode says what is wrong with a request that can't be read, if that is known.
func bodyCode(fault *domain.Error) coded {
	c := codeBody
	switch fault.Reason {
	case domain.ReasonContentType:
		c.text = textJSONAsForm
	case domain.ReasonTwice:
		c.text = fmt.Sprintf(textTwice, fault.Field)
	case domain.ReasonBodySize:
		c.text = fmt.Sprintf(textTooLarge, fault.Args...)
	}
	return c
}

// detailed is plain with a detail, which clients show to people and base no decision on.
func detailed(status, code int, message, detail string) (int, any) {
	response := failed(status, errorCodeBusiness, message)
	response.Detail = detail
	return status, gen.ErrorAnswer{
		Code: status, Response: response, Exception: &gen.ExceptionInfo{Code: code, Message: message},
	}
}

func plain(status, code int, message string) (int, any) {
	return status, gen.ErrorAnswer{
		Code: status, Response: failed(status, errorCodeBusiness, message),
		Exception: &gen.ExceptionInfo{Code: code, Message: message},
	}
}

func noSub() (int, any) {
	return http.StatusNotFound, gen.ErrorAnswer{
		Code: http.StatusNotFound, Response: failed(http.StatusNotFound, errorCodeNoSub, textNoSub),
	}
}
