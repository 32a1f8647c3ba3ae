package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// known are the statuses and types that clients of the dialect understand.
var (
	knownStatuses = []int{400, 401, 403, 404, 409, 500}
	knownTypes    = []gen.FieldErrorType{"required", "invalid", "duplicated", "not_found", "rule"}
)

func TestErrors_EveryKindHasStatusTypeAndSeverity(t *testing.T) {
	t.Parallel()
	for _, kind := range domain.Kinds() {
		status := statuses[kind]
		if !slices.Contains(knownStatuses, status) || status == 500 {
			t.Errorf("kind %d has the status %d", kind, status)
		}
		if severity[status] == 0 {
			t.Errorf("the status %d of kind %d has no severity", status, kind)
		}
		if !slices.Contains(knownTypes, types[kind]) {
			t.Errorf("kind %d has the type %q", kind, types[kind])
		}
	}
	if len(statuses) != len(domain.Kinds()) || len(types) != len(domain.Kinds()) {
		t.Error("there are statuses or types of kinds that do not exist")
	}
}

// answer sends err through the writer as a handler would return it.
func answer(t *testing.T, err error) (*httptest.ResponseRecorder, gen.Errors) {
	t.Helper()
	return answerOf(t, func(echo.Context) error { return err })
}

func answerOf(t *testing.T, handler echo.HandlerFunc) (*httptest.ResponseRecorder, gen.Errors) {
	t.Helper()
	recovered := middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableErrorHandler: true,
		LogErrorFunc:        func(_ echo.Context, err error, _ []byte) error { return fmt.Errorf("panic: %v", err) },
	})
	recorder := httptest.NewRecorder()
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/api/x", nil), recorder)
	writer := errorWriter{log: slog.New(slog.DiscardHandler)}
	if err := writer.middleware(recovered(handler))(c); err != nil {
		t.Fatalf("the writer gave the error on: %v", err)
	}
	var body gen.Errors
	if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v in %q", err, recorder.Body)
	}
	return recorder, body
}

func TestErrors_NoStatusOutsideOfTheSet(t *testing.T) {
	t.Parallel()
	for status := 300; status < 600; status++ {
		got, body := answer(t, echo.NewHTTPError(status, "secret detail"))
		if !slices.Contains(knownStatuses, got.Code) {
			t.Errorf("echo's %d becomes %d", status, got.Code)
		}
		if len(body.Errors) != 1 || !slices.Contains(knownTypes, body.Errors[0].Type) || body.Errors[0].Msg == "" {
			t.Errorf("echo's %d becomes %+v", status, body)
		}
		if strings.Contains(got.Body.String(), "secret") {
			t.Errorf("echo's %d shows its message: %s", status, got.Body)
		}
	}
}

func TestErrors_Statuses(t *testing.T) {
	t.Parallel()
	rule := domain.Fault(domain.Rule, "a", domain.ReasonCAInUse)
	missing := domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	plain := errors.New("dial tcp 10.0.0.1: secret detail")
	for name, test := range map[string]struct {
		err    error
		status int
		fields []string
	}{
		"a fault":         {rule, 409, []string{"a"}},
		"a wrapped fault": {fmt.Errorf("while: %w", missing), 404, []string{"id"}},
		"faults joined": {
			errors.Join(rule, domain.Fault(domain.Invalid, "b", domain.ReasonType, "string")), 409, []string{"a", "b"},
		},
		"joined twice": {
			errors.Join(errors.Join(rule), errors.Join(nil, missing)), 404, []string{"a", "id"},
		},
		"the most fundamental": {
			errors.Join(rule, missing, domain.Fault(domain.Malformed, "c", domain.ReasonJSON)), 400,
			[]string{"a", "id", "c"},
		},
		"401 before everything": {
			errors.Join(
				domain.Fault(domain.Forbidden, "d", domain.ReasonForbidden),
				domain.Fault(domain.Unauthenticated, "e", domain.ReasonCredential),
			), 401, []string{
				"d", "e",
			},
		},
		"403 before 400": {
			errors.Join(
				domain.Fault(domain.Malformed, "c", domain.ReasonJSON),
				domain.Fault(domain.Forbidden, "d", domain.ReasonForbidden),
			), 403, []string{
				"c", "d",
			},
		},
		"a fault and something else": {errors.Join(rule, plain), 500, []string{""}},
		"something else":             {plain, 500, []string{""}},
		"the client has gone":        {context.Canceled, 500, []string{""}},
		"the time is over":           {fmt.Errorf("query: %w", context.DeadlineExceeded), 500, []string{""}},
		"no route":                   {echo.ErrNotFound, 404, []string{""}},
		"no method":                  {echo.ErrMethodNotAllowed, 404, []string{""}},
		"too large":                  {echo.ErrStatusRequestEntityTooLarge, 400, []string{""}},
		"media type":                 {echo.ErrUnsupportedMediaType, 400, []string{""}},
		"binding":                    {echo.NewHTTPError(422, "x").SetInternal(plain), 400, []string{""}},
		"echo's own 500":             {echo.ErrInternalServerError, 500, []string{""}},
		"echo's own 503":             {echo.ErrServiceUnavailable, 500, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, body := answer(t, test.err)
			if got.Code != test.status {
				t.Errorf("status %d, not %d", got.Code, test.status)
			}
			var fields []string
			for _, one := range body.Errors {
				fields = append(fields, one.Field)
			}
			if diff := cmp.Diff(test.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if strings.Contains(got.Body.String(), "secret") {
				t.Errorf("the cause is shown: %s", got.Body)
			}
			if contentType := got.Header().Get("Content-Type"); contentType != "application/json" {
				t.Errorf("Content-Type %q", contentType)
			}
			if challenge := got.Header().Get("WWW-Authenticate"); (challenge == "Bearer") != (test.status == 401) {
				t.Errorf("WWW-Authenticate %q at %d", challenge, got.Code)
			}
		})
	}
}

// Retry-After is in whole seconds, and never too early.
func TestErrors_RetryAfter(t *testing.T) {
	t.Parallel()
	waiting := func(kind domain.Kind, wait time.Duration) error {
		return &domain.Error{Kind: kind, Field: "authorization", Reason: domain.ReasonCredential, Wait: wait}
	}
	for want, err := range map[string]error{
		"":   waiting(domain.Unauthenticated, 0),
		"1":  waiting(domain.Unauthenticated, time.Microsecond),
		"2":  waiting(domain.Forbidden, 1001*time.Millisecond),
		"30": fmt.Errorf("while: %w", waiting(domain.Unauthenticated, 30*time.Second)),
		"7": errors.Join(
			waiting(domain.Forbidden, time.Second), waiting(domain.Forbidden, 7*time.Second),
			waiting(domain.Forbidden, 0),
		),
	} {
		got, _ := answer(t, err)
		if header := got.Header().Get("Retry-After"); header != want {
			t.Errorf("Retry-After %q, not %q", header, want)
		}
	}
}

func TestErrors_Panics(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		"secret detail", errors.New("secret detail"), 7, domain.Fault(domain.Rule, "a", domain.ReasonCAInUse),
	} {
		got, body := answerOf(t, func(echo.Context) error { panic(value) })
		if strings.Contains(got.Body.String(), "secret") || len(body.Errors) != 1 || got.Code != 500 {
			t.Errorf("a panic with %v gives %d %s", value, got.Code, got.Body)
		}
	}
}
