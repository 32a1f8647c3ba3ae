package chaveiro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A StatusError is an answer that is no success. Its families have types of their own.
type StatusError struct {
	Operation  string // operationId
	Status     int
	RequestID  string          // X-Request-Id, which the server's log has too
	Errors     []FieldError    // what is wrong, of all groups but Vault
	Exception  *VaultException // of Vault
	Message    string          // what the server says, where it does not list Errors
	RetryAfter time.Duration   // when to try again; 0: nothing is said
	Body       []byte          // as it came
	Decode     *DecodeError    // the body is no JSON: it is of a proxy, or the URL is not the server's
}

// A FieldError says what is wrong with a field of a request.
type FieldError struct {
	Field string `json:"field"` // its path, as roles[0]; empty: the whole request
	Type  string `json:"type"`  // required, invalid, duplicated, not_found, rule
	Msg   string `json:"msg"`   // for people
}

// A VaultException is an error of the vault's dialect.
type VaultException struct {
	Code    int    `json:"code"` // as 1011; 500 is not of the caller
	Message string `json:"message"`
}

// Error implements error.
func (e *StatusError) Error() string {
	var reasons []string
	for _, fault := range e.Errors {
		reasons = append(reasons, strings.TrimPrefix(fault.Field+": ", ": ")+fault.Type+": "+fault.Msg)
	}
	if len(reasons) == 0 && e.Message != "" {
		reasons = append(reasons, e.Message)
	}
	text := fmt.Sprintf("chaveiro: %s: status %d", e.Operation, e.Status)
	if len(reasons) > 0 {
		text += ": " + strings.Join(reasons, "; ")
	}
	return text
}

// Unwrap returns the DecodeError, if there is one.
func (e *StatusError) Unwrap() error {
	if e.Decode == nil {
		return nil
	}
	return e.Decode
}

// The families of StatusError. Each is also a *StatusError for errors.As.
type (
	BadRequestError   struct{ *StatusError } // 400: the request is malformed
	UnauthorizedError struct{ *StatusError } // 401: no credential, or none that is valid
	ForbiddenError    struct{ *StatusError } // 403: the credential lacks the right
	NotFoundError     struct{ *StatusError } // 404: there is no such resource
	ConflictError     struct{ *StatusError } // 409: fields are not acceptable, or a rule forbids it
	RateLimitedError  struct{ *StatusError } // 429: too many requests
	ServerError       struct{ *StatusError } // 5xx: the service failed
)

// Unwrap returns the StatusError.
func (e *BadRequestError) Unwrap() error { return e.StatusError }

// Unwrap returns the StatusError.
func (e *UnauthorizedError) Unwrap() error { return e.StatusError }

// Unwrap returns the StatusError.
func (e *ForbiddenError) Unwrap() error { return e.StatusError }

// Unwrap returns the StatusError.
func (e *NotFoundError) Unwrap() error { return e.StatusError }

// Unwrap returns the StatusError.
func (e *ConflictError) Unwrap() error { return e.StatusError }

// Unwrap returns the StatusError.
func (e *RateLimitedError) Unwrap() error { return e.StatusError }

// Unwrap returns the StatusError.
func (e *ServerError) Unwrap() error { return e.StatusError }

// A NetworkError says that there is no answer: no connection, or one that broke.
type NetworkError struct {
	Operation string
	Err       error
}

// Error implements error.
func (e *NetworkError) Error() string { return "chaveiro: " + e.Operation + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// A TimeoutError says that there is no answer in time.
type TimeoutError struct {
	Operation  string
	Connecting bool // the connection took too long, not the call
	Err        error
}

// Error implements error.
func (e *TimeoutError) Error() string {
	return "chaveiro: " + e.Operation + ": time-out: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Timeout reports true, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// A DecodeError says that an answer is not the JSON that is expected.
type DecodeError struct {
	Operation string
	Status    int
	MediaType string // Content-Type of the answer
	Body      []byte
	Err       error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("chaveiro: %s: the answer of status %d is no JSON as expected, but %q: %v",
		e.Operation, e.Status, e.MediaType, e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

func newDecodeError(r *request, response *http.Response, body []byte, err error) *DecodeError {
	return &DecodeError{
		Operation: r.operation, Status: response.StatusCode, MediaType: response.Header.Get("Content-Type"), Body: body,
		Err: err,
	}
}

// newStatusError returns the error of an answer, of the family of its status.
func newStatusError(r *request, response *http.Response, body []byte, now time.Time) error {
	e := &StatusError{
		Operation: r.operation, Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(response.Header, now), Body: body,
	}
	if len(body) > 0 {
		e.read(r, response)
	}
	switch {
	case e.Status == http.StatusBadRequest:
		return &BadRequestError{e}
	case e.Status == http.StatusUnauthorized:
		return &UnauthorizedError{e}
	case e.Status == http.StatusForbidden:
		return &ForbiddenError{e}
	case e.Status == http.StatusNotFound:
		return &NotFoundError{e}
	case e.Status == http.StatusConflict:
		return &ConflictError{e}
	case e.Status == http.StatusTooManyRequests:
		return &RateLimitedError{e}
	case e.Status >= http.StatusInternalServerError:
		return &ServerError{e}
	}
	return e
}

// read reads the body of an error, of either dialect.
func (e *StatusError) read(r *request, response *http.Response) {
	var body struct {
		Errors      []FieldError    `json:"errors"`
		Exception   *VaultException `json:"exception"`
		Description string          `json:"error_description"`
		Message     string          `json:"message"`
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		e.Decode = newDecodeError(r, response, e.Body, err)
		return
	}
	e.Errors, e.Exception, e.Message = body.Errors, body.Exception, body.Description
	switch {
	case e.Message != "":
	case body.Exception != nil:
		e.Message = body.Exception.Message
	default:
		e.Message = body.Message
	}
}

// classify returns the error of a request without an answer. Addresses are left out: they have the
// values of the query.
func classify(ctx context.Context, r *request, err error) error {
	err = withoutURL(err)
	cause := context.Cause(ctx)
	var late net.Error
	switch {
	case errors.Is(cause, errTotal) || errors.Is(cause, context.DeadlineExceeded):
		return &TimeoutError{Operation: r.operation, Err: cause}
	case ctx.Err() != nil:
		return fmt.Errorf("chaveiro: %s: %w", r.operation, ctx.Err())
	case errors.As(err, &late) && late.Timeout():
		return &TimeoutError{Operation: r.operation, Connecting: true, Err: err}
	}
	return &NetworkError{Operation: r.operation, Err: err}
}

// withoutURL returns what is wrong without the address that net/http adds.
func withoutURL(err error) error {
	if with, ok := errors.AsType[*url.Error](err); ok {
		return with.Err
	}
	return err
}
