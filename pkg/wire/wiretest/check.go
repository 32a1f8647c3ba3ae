package wiretest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/gen/pam"
)

// statuses are all that clients of the api dialect understand.
var statuses = []int{200, 304, 400, 401, 403, 404, 409, 500}

// documents are the paths under /api and /iso that no OpenAPI document describes.
var documents = []string{
	"/api/openapi.json", "/api/openapi.yaml", "/api/openapi-3.1.json", "/api/openapi-3.1.yaml",
	"/iso/openapi.json", "/iso/openapi.yaml", "/iso/openapi-3.1.json", "/iso/openapi-3.1.yaml",
}

var registerDecoders = sync.OnceFunc(func() {
	for _, mediaType := range []string{
		"application/x-pem-file", "application/pkix-crl", "application/x-pkcs12", "application/zip", "text/csv",
		"text/event-stream",
	} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.FileBodyDecoder)
	}
})

// The documents are read once in a test binary: that takes longer than most tests.
var (
	readAPI   = sync.OnceValues(gen.GetSpec)
	readVault = sync.OnceValues(pam.GetSpec)
)

// checker fails a test when an answer diverges from the document of its dialect.
type checker struct {
	t          testing.TB
	api, vault *dialect
	answers    *answers
}

// dialect is an OpenAPI document, with the rules for all answers that the document does not state.
type dialect struct {
	name     string // prefix of the operationIds; empty for the api dialect
	spec     *openapi3.T
	paths    []string // sorted, which puts /things/import before /things/{id}
	statuses []int
	refusal  func(where string, got *tee)
}

func newChecker(t testing.TB, seen *answers) *checker {
	t.Helper()
	registerDecoders()
	c := &checker{t: t, answers: seen}
	c.api = newDialect(t, "", readAPI, statuses, c.checkErrors)
	c.vault = newDialect(t, "pam.", readVault, vaultStatuses, c.checkVaultErrors)
	return c
}

func newDialect(
	t testing.TB, name string, read func() (*openapi3.T, error), statuses []int, refusal func(string, *tee),
) *dialect {
	t.Helper()
	spec, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return &dialect{
		name: name, spec: spec, paths: slices.Sorted(maps.Keys(spec.Paths.Map())), statuses: statuses, refusal: refusal,
	}
}

// wrap checks what next answers to requests of the dialects.
func (c *checker) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header.Clone()}
		url := *r.URL
		asked.URL = &url
		of, prefix := c.dialectOf(r)
		tee := &tee{ResponseWriter: w}
		next.ServeHTTP(tee, r)
		if of != nil && r.Method != http.MethodHead { // which has no content to check
			c.check(of, prefix, asked, tee)
		}
	})
}

// dialectOf returns the dialect of a request and the prefix of its paths; nil if it belongs to
// none.
func (c *checker) dialectOf(r *http.Request) (*dialect, string) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/iso/") && !slices.Contains(documents, path):
		return c.vault, "/iso"
	case path == "/api/pam/device" || strings.HasPrefix(path, "/api/pam/device/") || isVaultToken(r):
		return c.vault, "/api"
	case strings.HasPrefix(path, "/api/") && !slices.Contains(documents, path):
		return c.api, "/api"
	}
	return nil, ""
}

func (c *checker) check(d *dialect, prefix string, r *http.Request, got *tee) {
	where := r.Method + " " + r.URL.RequestURI()
	if !slices.Contains(d.statuses, got.status) {
		c.t.Errorf("%s: answered %d, which no client understands", where, got.status)
	}
	if got.header.Get("X-Request-Id") == "" {
		c.t.Errorf("%s: answered without a request id", where)
	}
	if got.status >= http.StatusBadRequest {
		d.refusal(where, got)
	}
	route := d.route(r, prefix)
	if route == nil { // not in the document
		if got.status < http.StatusBadRequest {
			c.t.Errorf("%s: answered %d, and the document does not know it", where, got.status)
		}
		return
	}
	c.answers.add(d.name+route.Operation.OperationID, got.status)
	if got.header.Get("Content-Type") == mediaDryRun {
		c.checkDryRun(where, d, route.Operation, got)
		return
	}
	c.checkContent(where, route.Operation.Responses.Status(got.status), got)
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 got.status,
		Header:                 got.header,
		Body:                   io.NopCloser(bytes.NewReader(got.body.Bytes())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		c.t.Errorf("%s: %d diverges from the document: %v", where, got.status, err)
	}
	if d == c.vault {
		c.checkEnvelope(where, got)
	}
}

// route finds the operation by the document alone, without the router under test.
func (d *dialect) route(r *http.Request, prefix string) *routers.Route {
	path := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
	if d.name != "" { // the vault's dialect ignores a slash at the end
		path = strings.TrimSuffix(path, "/")
		// and a hostname may have slashes
		if ref, one := strings.CutPrefix(path, "/pam/device/"); one && !strings.HasPrefix(ref, "..") {
			path = "/pam/device/" + strings.ReplaceAll(ref, "/", "%2F")
		}
	}
	asked := strings.Split(path, "/")
	for _, path := range d.paths {
		parts := strings.Split(path, "/")
		if !slices.EqualFunc(
			parts, asked,
			func(part, got string) bool { return part == got || strings.HasPrefix(part, "{") && got != "" },
		) {
			continue
		}
		item := d.spec.Paths.Value(path)
		if operation := item.GetOperation(r.Method); operation != nil {
			return &routers.Route{Spec: d.spec, Path: path, PathItem: item, Method: r.Method, Operation: operation}
		}
	}
	return nil
}

// checkErrors holds for every refusal of the api dialect, whether or not the document knows the
// path.
func (c *checker) checkErrors(where string, got *tee) {
	if contentType := got.header.Get("Content-Type"); contentType != "application/json" {
		c.t.Errorf("%s: %d with Content-Type %q", where, got.status, contentType)
	}
	if bytes.Contains(got.body.Bytes(), []byte("%!")) {
		c.t.Errorf("%s: %d with a message whose arguments do not fit (%%!): %s", where, got.status, &got.body)
	}
	var body any
	if err := json.Unmarshal(got.body.Bytes(), &body); err != nil {
		c.t.Errorf("%s: %d with a body that is no JSON: %v", where, got.status, err)
	} else if err := c.api.spec.Components.Schemas["Errors"].Value.VisitJSON(body); err != nil {
		c.t.Errorf("%s: %d with a body that is no Errors: %v", where, got.status, err)
	}
}

// checkContent is stricter than the library: the media type is exactly one of those declared,
// without parameters, and where none is declared there is neither a body nor a type.
func (c *checker) checkContent(where string, declared *openapi3.ResponseRef, got *tee) {
	if declared == nil {
		return // reported as an undeclared status
	}
	contentType, content := got.header.Get("Content-Type"), declared.Value.Content
	switch {
	case len(content) == 0 && (contentType != "" || got.body.Len() > 0):
		c.t.Errorf(
			"%s: %d has %d bytes of %q, and the document declares no body", where, got.status, got.body.Len(),
			contentType,
		)
	case len(content) > 0 && content[contentType] == nil:
		c.t.Errorf(
			"%s: %d has Content-Type %q, not one of %v", where, got.status, contentType,
			slices.Collect(maps.Keys(content)),
		)
	}
}

// tee keeps a copy of an answer.
type tee struct {
	http.ResponseWriter
	status int
	header http.Header
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	if t.status == 0 {
		t.status, t.header = status, t.Header().Clone()
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(data []byte) (int, error) {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	t.body.Write(data)
	return t.ResponseWriter.Write(data)
}

// Unwrap is for http.ResponseController.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// answers counts by operationId and status.
type answers struct {
	mu   sync.Mutex // guards seen, for an addition or a copy
	seen map[string]map[int]int
}

func (a *answers) add(operation string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = map[string]map[int]int{}
	}
	if a.seen[operation] == nil {
		a.seen[operation] = map[int]int{}
	}
	a.seen[operation][status]++
}

func (a *answers) copy() map[string]map[int]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]map[int]int{}
	for operation, statuses := range a.seen {
		seen[operation] = maps.Clone(statuses)
	}
	return seen
}
