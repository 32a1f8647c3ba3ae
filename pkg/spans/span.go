package spans

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// The attributes: those of OpenTelemetry's semantic conventions where they have one.
const (
	requestMethod  = attribute.Key("http.request.method")
	route          = attribute.Key("http.route")
	responseStatus = attribute.Key("http.response.status_code")
	operation      = attribute.Key("chaveiro.operation")
	requestID      = attribute.Key("chaveiro.request_id")
	event          = attribute.Key("chaveiro.event")
	errorType      = attribute.Key("error.type")
)

// Span is a piece of work with its times. The zero Span is none, and its methods do nothing.
type Span struct{ span trace.Span }

// On reports whether the span is recorded.
func (s Span) On() bool { return s.span != nil && s.span.IsRecording() }

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// EndWith ends the span, as failed when err is one. Of err it tells the kind alone: its text may
// quote what was sent.
func (s Span) EndWith(err error) {
	if err != nil && s.On() {
		s.Failed(KindOf(err))
	}
	s.End()
}

// Failed marks the span as failed, for a reason that is a constant of the program or a code of
// the database.
func (s Span) Failed(kind string) {
	if s.On() {
		s.set(errorType.String(kind))
		s.span.SetStatus(codes.Error, "")
	}
}

// Request tells what a request was: the route with its parameters as they are named, never the path
// itself, the id of the operation and that of the request.
func (s Span) Request(method, of, named, id string) {
	if s.On() {
		s.span.SetName(strings.TrimSpace(knownMethod(method) + " " + of))
		s.set(route.String(of), operation.String(named), requestID.String(id))
	}
}

// Answer tells the status of an answer that was sent.
func (s Span) Answer(status int) {
	if !s.On() {
		return
	}
	s.set(responseStatus.Int(status))
	if status >= http.StatusInternalServerError {
		s.Failed(fmt.Sprint(status))
	}
}

// Answered tells the status of an answer that was received; 0: there was none.
func (s Span) Answered(method string, status int) {
	if !s.On() {
		return
	}
	s.set(requestMethod.String(knownMethod(method)))
	if status != 0 {
		s.set(responseStatus.Int(status))
	}
	if status >= http.StatusBadRequest {
		s.Failed(fmt.Sprint(status))
	}
}

// Event tells the id of the event of the stream that a message is about.
func (s Span) Event(id int64) {
	if s.On() {
		s.set(event.Int64(id))
	}
}

func (s Span) set(attributes ...attribute.KeyValue) {
	if s.span != nil {
		s.span.SetAttributes(attributes...)
	}
}

// KindOf is a word for an error that quotes nothing of it: the type of the one that all others
// wrap.
func KindOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return fmt.Sprintf("%T", err)
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions, http.MethodConnect, http.MethodTrace,
}

// knownMethod is what the conventions want of a method that is none.
func knownMethod(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return "_OTHER"
}
