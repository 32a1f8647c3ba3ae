package oas

import (
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var formats sync.Once

// defineFormats registers checks for the formats that the documents use, because the library
// accepts values of an unknown format unchecked.
func defineFormats() {
	formats.Do(func() {
		openapi3.DefineStringFormatValidator("email", openapi3.NewCallbackValidator(checkEmail))
		openapi3.DefineIPv4Format()
		openapi3.DefineIPv6Format()
	})
}

func checkEmail(text string) error {
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text {
		return errors.New("not an e-mail address")
	}
	return nil
}

// faultsOf turns the filter's errors into the domain's. Each fault of each field is reported once.
func faultsOf(err error) error {
	var all domain.FaultList
	collect(err, &all)
	return all.Err()
}

func collect(err error, all *domain.FaultList) {
	if several, ok := err.(openapi3.MultiError); ok {
		for i := 0; i < len(several) && !all.Full(); i++ {
			collect(several[i], all)
		}
		return
	}
	failed, ok := errors.AsType[*openapi3filter.RequestError](err)
	switch {
	case !ok:
		all.Add(fmt.Errorf("request validation: %w", err))
	case failed.Parameter != nil:
		all.Add(parameterFault(failed))
	default:
		bodyFaults(failed, all)
	}
}

// parameterFault leaves out the filter's message, because it quotes the value and a cause is
// logged.
func parameterFault(failed *openapi3filter.RequestError) error {
	fault := domain.Fault(domain.Malformed, failed.Parameter.Name, domain.ReasonFormat)
	if schema, ok := errors.AsType[*openapi3.SchemaError](failed.Err); ok {
		fault.Reason, fault.Args = reasonOf(ruleOf(schema))
	} else if errors.Is(failed.Err, openapi3filter.ErrInvalidRequired) {
		fault.Reason = domain.ReasonRequired
	}
	return fault
}

// bodyFaults distinguishes a body that can't be read (Malformed) from one with invalid values.
func bodyFaults(failed *openapi3filter.RequestError, all *domain.FaultList) {
	var found domain.FaultList
	schemaFaults(failed.Err, &found)
	if err := found.Err(); err != nil {
		all.Add(err)
		return
	}
	fault := &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonJSON, Err: failed}
	switch {
	case errors.Is(failed.Err, openapi3filter.ErrInvalidRequired):
		fault.Reason = domain.ReasonRequired
	case failed.Err == nil:
		fault.Reason, fault.Args = domain.ReasonContentType, []any{"application/json"}
	}
	all.Add(fault)
}

func schemaFaults(err error, all *domain.FaultList) {
	switch e := err.(type) {
	case openapi3.MultiError:
		for i := 0; i < len(e) && !all.Full(); i++ {
			schemaFaults(e[i], all)
		}
	case *openapi3.SchemaError:
		if inner, ok := e.Origin.(openapi3.MultiError); ok {
			schemaFaults(inner, all)
			return
		}
		all.Add(schemaFault(e))
	}
}

// ruleOf returns the error of the rule that a value breaks. A value that may be null has the rules
// of its component in an allOf, whose own error says nothing.
func ruleOf(e *openapi3.SchemaError) *openapi3.SchemaError {
	if e.SchemaField != "allOf" {
		return e
	}
	if inner, ok := errors.AsType[*openapi3.SchemaError](e.Origin); ok {
		return inner
	}
	return e
}

func schemaFault(e *openapi3.SchemaError) error {
	field := fieldPath(e.JSONPointer())
	if field == "" { // the fault is of the whole body: it is not an object
		return &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonJSON, Err: e}
	}
	reason, args := reasonOf(ruleOf(e))
	kind := domain.Invalid
	if reason == domain.ReasonRequired {
		kind = domain.Required
	}
	return &domain.Error{Kind: kind, Field: field, Reason: reason, Args: args}
}

// fieldPath writes a path as the dialects do: data.value, list[1].value.
func fieldPath(pointer []string) string {
	var path strings.Builder
	for _, part := range pointer {
		if _, err := strconv.Atoi(part); err == nil {
			path.WriteString("[" + part + "]")
			continue
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		path.WriteString(part)
	}
	return path.String()
}

// reasonOf says which rule of the schema a value breaks. A null where none is allowed counts as a
// missing field.
func reasonOf(e *openapi3.SchemaError) (domain.Reason, []any) {
	schema := e.Schema
	switch e.SchemaField {
	case "required", "nullable":
		return domain.ReasonRequired, nil
	case "type":
		return domain.ReasonType, []any{strings.Join(schema.Type.Slice(), ", ")}
	case "enum":
		return domain.ReasonChoice, []any{choices(schema.Enum)}
	case "minLength":
		return domain.ReasonTooShort, []any{schema.MinLength}
	case "maxLength":
		return domain.ReasonTooLong, []any{*schema.MaxLength}
	case "minimum":
		return domain.ReasonTooSmall, []any{int64(*schema.Min)}
	case "maximum":
		return domain.ReasonTooLarge, []any{int64(*schema.Max)}
	case "maxItems":
		return domain.ReasonTooMany, []any{*schema.MaxItems}
	case "pattern":
		if charset, ok := schema.Extensions["x-charset"].(string); ok {
			return domain.ReasonCharset, []any{charset}
		}
		if reason, ok := schema.Extensions["x-reason"].(string); ok {
			return domain.Reason(reason), nil
		}
	case "format":
		if schema.Format == "email" {
			return domain.ReasonEmail, nil
		}
	}
	return domain.ReasonFormat, nil
}

func choices(enum []any) string {
	var names []string
	for _, one := range enum {
		if one != nil {
			names = append(names, fmt.Sprint(one))
		}
	}
	return strings.Join(names, ", ")
}
