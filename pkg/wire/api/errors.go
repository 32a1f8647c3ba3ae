package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// errorWriter turns the errors that handlers and middleware return into the dialect's answers.
type errorWriter struct{ log *slog.Logger }

func (w errorWriter) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil {
			return nil
		}
		if c.Response().Committed {
			return err
		}
		return w.write(c, err)
	}
}

func (w errorWriter) write(c echo.Context, err error) error {
	status, body := render(err, languageOf(c.Request().Header.Get("Accept-Language")))
	request := c.Request()
	switch {
	case status < http.StatusInternalServerError:
		w.log.InfoContext(
			request.Context(), "request refused", "request_id", requestID(c), "status", status, "cause",
			domain.Cause(err),
		)
	case !errors.Is(request.Context().Err(), context.Canceled): // otherwise the client is gone
		w.log.ErrorContext(request.Context(), "request failed", "request_id", requestID(c), "error", domain.Cause(err))
	}
	if wait := waitOf(err); wait > 0 {
		oas.SetRetryAfter(c, wait)
	}
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.JSONBlob(status, text)
}

// waitOf returns after how long a retry is worthwhile; 0 if that is not known.
func waitOf(err error) (wait time.Duration) {
	wait = domain.RetryAfter(err)
	for _, fault := range domain.Faults(err) {
		wait = max(wait, fault.Wait)
	}
	return wait
}

func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// statuses maps each kind of fault to its status. Every kind has an entry.
var statuses = map[domain.Kind]int{
	domain.Required:        http.StatusConflict,
	domain.Invalid:         http.StatusConflict,
	domain.Duplicated:      http.StatusConflict,
	domain.NotFound:        http.StatusConflict,
	domain.Rule:            http.StatusConflict,
	domain.Missing:         http.StatusNotFound,
	domain.Malformed:       http.StatusBadRequest,
	domain.Unauthenticated: http.StatusUnauthorized,
	domain.Forbidden:       http.StatusForbidden,
}

// types maps each kind of fault to the dialect's type. Every kind has an entry.
var types = map[domain.Kind]gen.FieldErrorType{
	domain.Required:        gen.FieldErrorTypeRequired,
	domain.Invalid:         gen.FieldErrorTypeInvalid,
	domain.Duplicated:      gen.FieldErrorTypeDuplicated,
	domain.NotFound:        gen.FieldErrorTypeNotFound,
	domain.Rule:            gen.FieldErrorTypeRule,
	domain.Missing:         gen.FieldErrorTypeNotFound,
	domain.Malformed:       gen.FieldErrorTypeInvalid,
	domain.Unauthenticated: gen.FieldErrorTypeInvalid,
	domain.Forbidden:       gen.FieldErrorTypeRule,
}

// severity orders the statuses: of several faults the most fundamental one decides.
var severity = map[int]int{
	http.StatusConflict: 1, http.StatusNotFound: 2, http.StatusBadRequest: 3, http.StatusForbidden: 4,
	http.StatusUnauthorized: 5,
}

// render returns the status and the body of an error. An error that is not known to be the caller's
// fault is a 500 with a constant text.
func render(err error, lang language) (int, gen.Errors) {
	faults := faultsOf(err)
	if len(faults) == 0 {
		return http.StatusInternalServerError, gen.Errors{
			Errors: []gen.FieldError{{Type: gen.FieldErrorTypeRule, Msg: internalError[lang]}},
		}
	}
	status := http.StatusConflict
	body := gen.Errors{Errors: make([]gen.FieldError, len(faults))}
	for i, fault := range faults {
		if s := statuses[fault.Kind]; severity[s] > severity[status] {
			status = s
		}
		body.Errors[i] = gen.FieldError{Field: fault.Field, Type: types[fault.Kind], Msg: message(fault, lang)}
	}
	return status, body
}

// faultsOf finds the faults in errors of two sources: the domain, and echo with the generated
// binding.
func faultsOf(err error) []*domain.Error {
	if faults := domain.Faults(err); faults != nil {
		return faults
	}
	fromEcho, ok := errors.AsType[*echo.HTTPError](err)
	if !ok || fromEcho.Code >= http.StatusInternalServerError {
		return nil
	}
	if fromEcho.Code == http.StatusNotFound || fromEcho.Code == http.StatusMethodNotAllowed {
		return []*domain.Error{domain.Fault(domain.Missing, "", domain.ReasonNoRoute)}
	}
	return []*domain.Error{{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: err}}
}
