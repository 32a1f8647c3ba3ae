package contract_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

func init() {
	for _, media := range []string{
		"application/x-pem-file", "application/pkix-crl", "application/x-pkcs12", "application/zip", "text/csv",
		"text/event-stream",
	} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.FileBodyDecoder)
	}
}

// checkAnswer: the answer is a success that the document declares, with exactly its media type, and
// with the headers and the body that it describes.
func checkAnswer(t *testing.T, doc *openapi3.T, one sample, r *http.Request, got *http.Response, body []byte) {
	t.Helper()
	where := one.operation.OperationID + " as " + one.media + ": " + r.Method + " " + r.URL.Path
	declared := one.operation.Responses.Value(strings.Fields(got.Status)[0])
	if got.StatusCode >= http.StatusBadRequest || declared == nil {
		t.Errorf("%s: answered %s: %s", where, got.Status, body)
		return
	}
	media, content := got.Header.Get("Content-Type"), declared.Value.Content
	if len(content) == 0 && len(body) > 0 || len(content) > 0 && content[media] == nil {
		t.Errorf("%s: answered %d bytes of %q, not of %v", where, len(body), media, slices.Collect(maps.Keys(content)))
	}
	route := &routers.Route{Spec: doc, Path: one.path, PathItem: one.item, Method: one.method, Operation: one.operation}
	err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 got.StatusCode,
		Header:                 got.Header,
		Body:                   got.Body,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		t.Errorf("%s: the answer diverges from the document: %v", where, err)
	}
	if got.Header.Get("X-Request-Id") == "" { // the only header that every answer has
		t.Errorf("%s: has no X-Request-Id", where)
	}
}
