package oas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/form"
)

var filterOptions = &openapi3filter.Options{
	MultiError:              true,
	KeepValidatedValue:      true,
	AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc, // authentication is a middleware before this one
	SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
}

// rawOptions are filterOptions for bodies that are not JSON.
var rawOptions = func() *openapi3filter.Options {
	options := *filterOptions
	options.ExcludeRequestBody = true
	return &options
}()

// ReadBody reads a whole body, of at most limit bytes, from reader. Errors: [domain.Malformed],
// with ReasonBodySize if reader is an [http.MaxBytesReader] and its limit is exceeded;
// [domain.Unavailable]; that of the request's context.
type ReadBody func(c echo.Context, reader io.Reader, limit int64) ([]byte, error)

// BodyFault turns an error of reading a body into a fault that the dialects can answer. An error
// that asks for a retry stays as it is.
func BodyFault(err error) error {
	if err == nil || domain.RetryAfter(err) > 0 {
		return err
	}
	fault := &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: err}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		fault.Reason, fault.Args = domain.ReasonBodySize, []any{tooLarge.Limit}
	}
	return fault
}

// Validate is the middleware that checks path, query, headers and body, and leaves the validated
// value for the handler. It comes after Find and after authentication.
func (d *Document) Validate(read ReadBody) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			operation := OperationOf(c)
			if err := validate(c, operation, read); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// validate collects all faults: those of the query first, then those of values, then the slips in
// the body's keys. A body that can't be read is a fault alone.
func validate(c echo.Context, operation *Operation, read ReadBody) error {
	request := c.Request()
	query, err := cleanQuery(operation.parameters.kept(request.URL.RawQuery))
	if err != nil {
		return err
	}
	var faults, slips domain.FaultList
	operation.parameters.check(query, &faults)
	request.URL.RawQuery = query.Encode()
	operation.joinHeaders(request.Header)
	operation.limitBody(c.Response(), request)
	if err := checkBody(c, operation, read, &slips); err != nil {
		return err
	}
	faults.Add(checkValues(c, operation, query))
	faults.Add(slips.Err())
	return faults.Err()
}

// checkValues checks a request whose body has been read, and leaves the validated body.
func checkValues(c echo.Context, operation *Operation, query url.Values) error {
	request := c.Request()
	input := openapi3filter.RequestValidationInput{
		Request: request, PathParams: pathParams(c), QueryParams: query, Route: operation.route, Options: filterOptions,
	}
	if operation.media != "" {
		input.Options = rawOptions
	}
	if err := openapi3filter.ValidateRequest(request.Context(), &input); err != nil {
		return faultsOf(err)
	}
	if operation.media != "" {
		return checkMedia(request, operation.media)
	}
	return prune(request, operation)
}

func pathParams(c echo.Context) map[string]string {
	values := c.ParamValues()
	params := make(map[string]string, len(values))
	for i, name := range c.ParamNames() {
		params[name] = values[i]
	}
	return params
}

// cleanQuery drops empty parameters, which count as absent, and refuses values that no text column
// can hold.
func cleanQuery(raw string) (url.Values, error) {
	if raw == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonMalformed, Err: err}
	}
	for name, values := range query {
		kept := values[:0]
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return nil, domain.Fault(domain.Malformed, printable(name), domain.ReasonControl)
			}
			if value != "" {
				kept = append(kept, value)
			}
		}
		if len(kept) == 0 {
			delete(query, name)
			continue
		}
		query[name] = kept
	}
	return query, nil
}

// printable returns the name of a parameter if an error may show it, else "".
func printable(name string) string {
	if len(name) > 64 || !utf8.ValidString(name) {
		return ""
	}
	return name
}

// checkBody reads the body within its limit, and refuses JSON that two readers could read in two
// ways.
func checkBody(c echo.Context, operation *Operation, read ReadBody, slips *domain.FaultList) error {
	request := c.Request()
	if !operation.HasBody() || request.Body == nil || request.Body == http.NoBody {
		return nil
	}
	data, err := read(c, request.Body, operation.MaxBody)
	if err != nil {
		return err
	}
	if isJSON(request.Header.Get(echo.HeaderContentType)) {
		request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON) // generated code knows one spelling
	}
	if operation.media == "" && isBare(request) && form.LooksLikeJSON(data) {
		request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	}
	if operation.form != "" && form.Is(request.Header.Get(echo.HeaderContentType)) {
		if data, err = formAsJSON(request, data, strings.Split(operation.form, ",")); err != nil {
			return err
		}
	}
	if operation.bodyOptional && isNothing(data) {
		request.Body, request.ContentLength = http.NoBody, 0
		request.Header.Del(echo.HeaderContentType)
		return nil
	}
	if len(data) > 0 && isJSON(request.Header.Get(echo.HeaderContentType)) {
		if err := checkJSON(data, operation.fields, slips); err != nil {
			return err
		}
		data = cutLists(data)
	}
	request.Body = newReceived(data)
	return nil
}

// isNothing reports whether a body is empty, or null in JSON.
func isNothing(data []byte) bool {
	text := bytes.TrimSpace(data)
	return len(text) == 0 || string(text) == "null"
}

// isBare reports whether a request has no content type but a Bearer credential in its Authorization
// header. Such a body may be JSON, because examples of the dialect leave the content type out, and
// pages of other sites can't send that header. With a cookie alone the content type is required,
// because pages of other sites can send a body without one.
func isBare(request *http.Request) bool {
	scheme, _, _ := strings.Cut(request.Header.Get(echo.HeaderAuthorization), " ")
	return request.Header.Get(echo.HeaderContentType) == "" && strings.EqualFold(scheme, "Bearer")
}

// formAsJSON turns a form into JSON, so that the code behind it handles one kind of body only.
func formAsJSON(request *http.Request, data []byte, names []string) ([]byte, error) {
	fields, err := form.Body(request.Header.Get(echo.HeaderContentType), data, names)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(fields)
	request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	request.ContentLength = int64(len(text))
	return text, err
}

func checkMedia(request *http.Request, wanted string) error {
	if mediaOf(request.Header.Get(echo.HeaderContentType)) != wanted {
		return domain.Fault(domain.Malformed, "", domain.ReasonContentType, wanted)
	}
	return nil
}

// mediaOf returns a content type without its parameters, in lower case.
func mediaOf(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// isJSON reports whether the filter will take the body for JSON: parameters and letter case do not
// matter.
func isJSON(contentType string) bool {
	return mediaOf(contentType) == echo.MIMEApplicationJSON
}
