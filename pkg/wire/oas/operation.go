package oas

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/form"
)

// DefaultMaxBody is the maximum size of a request body in bytes, unless the operation's extension
// x-max-body says otherwise.
const DefaultMaxBody = 256 << 10

// Document is an OpenAPI document. Its operations are found by the route that the server has
// matched.
type Document struct {
	prefix     string
	operations map[string]*Operation // by method and path, as in "GET /api/things/{id}"
}

// Operation is an operation of a document.
type Operation struct {
	ID      string
	Method  string
	MaxBody int64
	Public  bool   // needs no credential
	Scope   string // of the right to call it: its extension x-scope; empty only if it is public
	// media is the one media type of a body that is not JSON; the handler gets such a body as it
	// came. Empty: JSON, or no body.
	media string
	// form names the fields of a body that may also be sent as a form, separated by commas; empty:
	// it may not.
	form string
	// bodyOptional is set if the body may be left out; then it may be empty or null too.
	bodyOptional bool
	parameters   *parameters
	fields       *fields // of a body in JSON
	route        *routers.Route
}

// NewDocument prepares a document whose paths are served under a prefix. It fails if an operation
// has no id, if it both has a scope and is public, or neither, or if a list of its body has no
// bound.
func NewDocument(spec *openapi3.T, prefix string) (*Document, error) {
	defineFormats()
	d := &Document{prefix: prefix, operations: map[string]*Operation{}}
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.OperationID == "" {
				return nil, fmt.Errorf("%s %s has no operationId", method, path)
			}
			prepared := newOperation(
				&routers.Route{Spec: spec, Path: path, PathItem: item, Method: method, Operation: operation},
			)
			if prepared.Public == (prepared.Scope != "") {
				return nil, fmt.Errorf("%s must have an x-scope or be public, and not both", operation.OperationID)
			}
			if err := checkLists(operation.RequestBody); err != nil {
				return nil, fmt.Errorf("%s: %w", operation.OperationID, err)
			}
			d.operations[method+" "+path] = prepared
		}
	}
	return d, nil
}

// newOperation prepares one operation. The filter gets a copy that demands no credential, because
// another middleware authenticates.
func newOperation(route *routers.Route) *Operation {
	operation := route.Operation
	open := *operation
	open.Security = openapi3.NewSecurityRequirements()
	route.Operation = &open
	scope, _ := operation.Extensions["x-scope"].(string)
	public := operation.Security != nil && len(*operation.Security) == 0
	return &Operation{
		ID:           operation.OperationID,
		Method:       route.Method,
		MaxBody:      maxBody(operation),
		Public:       public,
		Scope:        scope,
		media:        rawMedia(operation),
		form:         formFields(operation),
		bodyOptional: operation.RequestBody != nil && !operation.RequestBody.Value.Required,
		parameters:   parametersOf(route.PathItem, operation, public),
		fields:       bodyFields(route.Method, operation),
		route:        route,
	}
}

func rawMedia(operation *openapi3.Operation) string {
	if operation.RequestBody == nil || operation.RequestBody.Value.Content.Get("application/json") != nil {
		return ""
	}
	for media := range operation.RequestBody.Value.Content {
		return media
	}
	return ""
}

// formFields returns the properties of the schema that an operation has for forms. All are strings.
func formFields(operation *openapi3.Operation) string {
	if operation.RequestBody == nil {
		return ""
	}
	media := operation.RequestBody.Value.Content.Get(form.URLEncoded)
	if media == nil || operation.RequestBody.Value.Content.Get("application/json") == nil {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(media.Schema.Value.Properties)), ",")
}

func maxBody(operation *openapi3.Operation) int64 {
	if size, ok := operation.Extensions["x-max-body"].(float64); ok {
		return int64(size)
	}
	return DefaultMaxBody
}

// Operations lists all operations.
func (d *Document) Operations() []*Operation { return slices.Collect(maps.Values(d.operations)) }

const operationKey = "oas.operation"

// OperationOf returns the operation that a request is for, or nil when it is for none.
func OperationOf(c echo.Context) *Operation {
	operation, _ := c.Get(operationKey).(*Operation)
	return operation
}

// Find is the middleware that finds the operation; everything after it can rely on OperationOf. It
// comes first.
func (d *Document) Find(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		operation, ok := d.operations[c.Request().Method+" "+
			specPath(strings.TrimSuffix(strings.TrimPrefix(c.Path(), d.prefix), "/"))]
		if !ok {
			return domain.Fault(domain.Missing, "", domain.ReasonNoRoute)
		}
		c.Set(operationKey, operation)
		return next(c)
	}
}

// specPath turns echo's /things/:id into the document's /things/{id}.
func specPath(path string) string {
	if !strings.Contains(path, ":") {
		return path
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// HasBody reports whether the operation takes a body at all.
func (o *Operation) HasBody() bool { return o.route.Operation.RequestBody != nil }

// TakesHeader reports whether the operation declares a header parameter.
func (o *Operation) TakesHeader(name string) bool {
	return o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, name) != nil
}

// TakesQuery reports whether the operation declares a parameter of the query.
func (o *Operation) TakesQuery(name string) bool {
	return o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) != nil
}

// joinHeaders joins a header parameter that came in several lines into one: such headers are lists
// (RFC 9110, section 5.3), and generated code expects one line.
func (o *Operation) joinHeaders(header http.Header) {
	for _, list := range []openapi3.Parameters{o.route.PathItem.Parameters, o.route.Operation.Parameters} {
		for _, parameter := range list {
			name := parameter.Value.Name
			if lines := header.Values(name); parameter.Value.In == openapi3.ParameterInHeader && len(lines) > 1 {
				header.Set(name, strings.Join(lines, ", "))
			}
		}
	}
}

// limitBody makes reading more than the operation's limit an error.
func (o *Operation) limitBody(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, o.MaxBody)
	}
}
