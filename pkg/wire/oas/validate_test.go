package oas

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

const things = `{
  "openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "security": [{"key": []}],
  "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}, "responses": {"Thing": {"description": "made", "content": {"application/json": {"schema": {
    "type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}, "made_at": {"type": "string"},
      "data": {"type": "object", "properties": {"value": {"type": "integer"}, "note": {"type": "string"}}},
      "list": {"type": "array", "items": {"type": "object", "properties": {"value": {"type": "integer"}, "note": {"type": "string"}}}},
      "refs": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}}}}}}}}},
  "paths": {
    "/things": {
      "post": {"operationId": "createThing", "x-scope": "things", "x-max-body": 300, "responses": {"200": {"$ref": "#/components/responses/Thing"}}, "requestBody": {"required": true, "content": {"application/json": {"schema": {
        "type": "object", "required": ["name"], "properties": {
          "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]*$", "x-charset": "a-z"},
          "colour": {"type": "string", "enum": ["red", "blue", null], "nullable": true, "default": "red"},
          "address": {"type": "string", "format": "ipv4"}, "mail": {"type": "string", "format": "email"},
          "count": {"type": "integer", "minimum": 1, "maximum": 9}, "code": {"type": "string", "pattern": "^x"},
          "data": {"type": "object", "properties": {"value": {"type": "integer"}}}, "free": {"type": "object"},
          "list": {"type": "array", "maxItems": 1000, "items": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}}},
          "refs": {"type": "array", "maxItems": 3, "items": {"oneOf": [{"type": "integer", "minimum": 1},
            {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}}]}}}}}}}},
      "get": {"operationId": "listThings", "security": [], "responses": {"200": {"description": "some"}}, "parameters": [
        {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1}}, {"name": "kind", "in": "query", "required": true, "schema": {"type": "string"}}]}},
    "/things/{id}": {
      "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 1}}, {"name": "Accept-Language", "in": "header", "schema": {"type": "string", "maxLength": 9}}],
      "get": {"operationId": "getThing", "x-scope": "things", "responses": {"200": {"description": "it"}}},
      "put": {"operationId": "updateThing", "x-scope": "things", "responses": {"200": {"$ref": "#/components/responses/Thing"}}, "requestBody": {"required": true, "content": {"application/json": {"schema": {
        "type": "object", "properties": {"name": {"type": "string"}, "data": {"type": "object", "properties": {"value": {"type": "integer"}}}}}}}}}},
    "/parts": {
      "parameters": [{"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1}}],
      "get": {"operationId": "listParts", "x-scope": "things", "responses": {"200": {"description": "some"}}, "parameters": [{"name": "part_name", "in": "query", "schema": {"type": "string"}}]}}}}`

// thingSchema is what createThing takes.
func thingSchema(t testing.TB) *openapi3.Schema {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData([]byte(things))
	if err != nil {
		t.Fatal(err)
	}
	return jsonSchema(spec.Paths.Value("/things").Post.RequestBody.Value.Content)
}

// serve sends a request through Find and Validate to a handler.
func serve(t *testing.T, request *http.Request, handler echo.HandlerFunc) error {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData([]byte(things))
	if err != nil {
		t.Fatal(err)
	}
	document, err := NewDocument(spec, "/v1")
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	var outcome error
	group := e.Group("/v1", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			outcome = next(c)
			return nil
		}
	}, document.Find, document.Validate(readAll))
	group.POST("/things", handler)
	group.GET("/things", handler)
	group.GET("/things/:id", handler)
	group.PUT("/things/:id", handler)
	group.GET("/parts", handler)
	e.ServeHTTP(httptest.NewRecorder(), request)
	return outcome
}

// readAll reads a body as the server does when it has little to do.
func readAll(_ echo.Context, reader io.Reader, _ int64) ([]byte, error) {
	data, err := io.ReadAll(reader)
	return data, BodyFault(err)
}

func jsonRequest(body string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/v1/things", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	return request
}

type fault struct {
	Kind   domain.Kind
	Field  string
	Reason domain.Reason
}

func faultsFound(t *testing.T, err error) []fault {
	t.Helper()
	found := domain.Faults(err)
	if err != nil && found == nil {
		t.Fatalf("not a fault of the caller: %v", err)
	}
	var list []fault
	for _, one := range found {
		list = append(list, fault{one.Kind, one.Field, one.Reason})
	}
	return list
}

func refuse(t *testing.T) echo.HandlerFunc {
	return func(echo.Context) error {
		t.Error("the handler was reached")
		return nil
	}
}

func TestValidate_Bodies(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]fault{
		`{}`:             {{domain.Required, "name", domain.ReasonRequired}},
		`{"name": null}`: {{domain.Required, "name", domain.ReasonRequired}},
		`{"name": 1}`:    {{domain.Invalid, "name", domain.ReasonType}},
		`{"name": "A"}`: {
			{domain.Invalid, "name", domain.ReasonTooShort}, {domain.Invalid, "name", domain.ReasonCharset},
		},
		`{"name": "açã"}`: {{domain.Invalid, "name", domain.ReasonCharset}},
		`{"name": "abcdef", "code": "y", "colour": "green", "count": 10}`: {
			{domain.Invalid, "code", domain.ReasonFormat}, {domain.Invalid, "colour", domain.ReasonChoice},
			{domain.Invalid, "count", domain.ReasonTooLarge}, {domain.Invalid, "name", domain.ReasonTooLong},
		},
		`{"name": "ab", "address": "1.2.3.400", "mail": "A <a@b.c>"}`: {
			{domain.Invalid, "address", domain.ReasonFormat}, {domain.Invalid, "mail", domain.ReasonEmail},
		},
		`{"name": "ab", "count": 0}`: {
			{domain.Invalid, "count", domain.ReasonTooSmall},
		},
		`{"name": "ab", "data": {"value": "x"}}`: {
			{domain.Invalid, "data.value", domain.ReasonType},
		},
		`{"name": "ab", "data": {"value": 1e30}}`: {
			{domain.Invalid, "data.value", domain.ReasonType},
		},
		`{"name": "ab", "list": [{"value": 1}, {"value": "x"}, {}]}`: {
			{domain.Invalid, "list[1].value", domain.ReasonType},
			{domain.Required, "list[2].value", domain.ReasonRequired},
		},
		`{"name": "ab", "refs": ["1", 2, {"id": 3}]}`: {{domain.Invalid, "refs[0]", domain.ReasonFormat}},
		`{"name": "ab", "refs": [1, 0, {"id": 0}]}`: {
			{domain.Invalid, "refs[1]", domain.ReasonFormat}, {domain.Invalid, "refs[2]", domain.ReasonFormat},
		},
		`{"name": "ab", "refs": [{"ID": 1}, null]}`: {
			{domain.Invalid, "refs[0]", domain.ReasonFormat}, {domain.Invalid, "refs[1]", domain.ReasonFormat},
			{domain.Invalid, "refs[0].ID", domain.ReasonField},
		},
		`{"name": "ab", "refs": [1e30]}`:         {{domain.Invalid, "refs[0]", domain.ReasonType}},
		`{"name": "ab", "refs": [{"id": 1e30}]}`: {{domain.Invalid, "refs[0].id", domain.ReasonType}},
		`{"name": "ab", "refs": [1, 2, 3, 4]}`:   {{domain.Invalid, "refs", domain.ReasonTooMany}},
		`{"name": "ab", "list": {}}`:             {{domain.Invalid, "list", domain.ReasonType}},
		`[]`:                                     {{domain.Malformed, "", domain.ReasonJSON}},
		`null`:                                   {{domain.Malformed, "", domain.ReasonJSON}},
		``:                                       {{domain.Malformed, "", domain.ReasonRequired}},
		`{"name": "ab", "name": "ab"}`:           {{domain.Malformed, "name", domain.ReasonDuplicateKey}},
		`{"name": "` + strings.Repeat("a", 300) + `"}`: {{domain.Malformed, "", domain.ReasonBodySize}},
	} {
		if diff := cmp.Diff(want, faultsFound(t, serve(t, jsonRequest(body), refuse(t)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// A fault has the arguments that its text needs.
func TestValidate_Arguments(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]any{
		`{"name": "ab", "refs": [1, 2, 3, 4]}`: {uint64(3)},
		`{"name": "abcdef"}`:                   {uint64(5)},
		`{"name": "ab", "count": 10}`:          {int64(9)},
		`{"name": "ab", "count": "x"}`:         {"integer"},
		`{"name": "ab", "refs": ["x"]}`:        nil,
	} {
		found := domain.Faults(serve(t, jsonRequest(body), refuse(t)))
		if len(found) != 1 {
			t.Fatalf("%s: %v", body, found)
		}
		if diff := cmp.Diff(want, found[0].Args); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// The handler gets what was validated, whether it takes the value or reads the bytes.
func TestValidate_LeavesOnlyWhatWasValidated(t *testing.T) {
	t.Parallel()
	const body = `{"NAME": null, "name": "ab", "count": 2.0, "data": {"other": 9, "value": 1}, "list": [{"value": 3, "other": 4}], "more": 1, "refs": [1.0, {"id": 2e0, "ID": null, "superuser": true}]}`
	reached := false
	err := serve(t, jsonRequest(body), func(c echo.Context) error {
		reached = true
		want := map[string]any{
			"name": "ab", "colour": "red", "count": json.Number("2"), "data": map[string]any{"value": json.Number("1")},
			"list": []any{map[string]any{"value": json.Number("3")}},
			"refs": []any{json.Number("1"), map[string]any{"id": json.Number("2")}},
		}
		kept := c.Request().Body.(interface{ ValidatedValue() any }).ValidatedValue()
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Errorf("value (-want +got):\n%s", diff)
		}
		text, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		again, err := readText(text, true)
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("bytes (-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil || !reached {
		t.Fatal(err, reached)
	}
}

func TestValidate_Parameters(t *testing.T) {
	t.Parallel()
	for target, want := range map[string][]fault{
		"/v1/things?kind=a&size=":     nil,
		"/v1/things?kind=a&size=2":    nil,
		"/v1/things":                  {{domain.Malformed, "kind", domain.ReasonRequired}},
		"/v1/things?kind=":            {{domain.Malformed, "kind", domain.ReasonRequired}},
		"/v1/things?kind=a&size=0":    {{domain.Malformed, "size", domain.ReasonTooSmall}},
		"/v1/things?kind=a&size=x":    {{domain.Malformed, "size", domain.ReasonFormat}},
		"/v1/things?kind=%00&size=x":  {{domain.Malformed, "kind", domain.ReasonControl}},
		"/v1/things?kind=a;size=1":    {{domain.Malformed, "", domain.ReasonMalformed}},
		"/v1/things/7":                nil,
		"/v1/things/0":                {{domain.Malformed, "id", domain.ReasonTooSmall}},
		"/v1/things/x":                {{domain.Malformed, "id", domain.ReasonFormat}},
		"/v1/nothing":                 {{domain.Missing, "", domain.ReasonNoRoute}},
		"/v1/things/99999999999999e9": {{domain.Malformed, "id", domain.ReasonFormat}},
	} {
		reached := false
		err := serve(t, httptest.NewRequest(http.MethodGet, target, nil), func(echo.Context) error {
			reached = true
			return nil
		})
		if diff := cmp.Diff(want, faultsFound(t, err)); diff != "" || reached != (want == nil) {
			t.Errorf("%s: reached %v (-want +got):\n%s", target, reached, diff)
		}
	}
}

func TestValidate_JoinsLinesOfHeaders(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequest(http.MethodGet, "/v1/things/7", nil)
	request.Header["Accept-Language"] = []string{"de", "en"}
	err := serve(t, request, func(c echo.Context) error {
		if diff := cmp.Diff([]string{"de, en"}, c.Request().Header.Values("Accept-Language")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	request.Header["Accept-Language"] = []string{"de-DE", "en-US"}
	if diff := cmp.Diff(
		[]fault{{domain.Malformed, "Accept-Language", domain.ReasonTooLong}},
		faultsFound(t, serve(t, request, refuse(t))),
	); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A cleaned query is a part of the original that every text column can hold, without empty values.
func FuzzCleanQuery(f *testing.F) {
	for _, seed := range []string{
		"", "a=1&b=&c", "a=%00", "a=%ff&a=1", "a;b", "%zz", "a=1&a=2&a=", "%00=1", "a=%2500", "=&==&===", "ã=+%20",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		query, err := cleanQuery(text)
		all, parseErr := url.ParseQuery(text)
		if err != nil {
			found := domain.Faults(err)
			if len(found) != 1 || found[0].Kind != domain.Malformed || !utf8.ValidString(found[0].Field) {
				t.Fatalf("%v", err)
			}
			return
		}
		if parseErr != nil {
			t.Fatalf("accepted: %v", parseErr)
		}
		for name, values := range query {
			var wanted []string
			for _, value := range all[name] {
				if value != "" {
					wanted = append(wanted, value)
				}
				if strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
					t.Fatalf("accepted %q", value)
				}
			}
			if diff := cmp.Diff(wanted, values); diff != "" || len(values) == 0 {
				t.Fatalf("%q (-want +got):\n%s", name, diff)
			}
		}
		for name, values := range all {
			if strings.Join(values, "") != "" && query[name] == nil {
				t.Fatalf("%q got lost", name)
			}
		}
		again, err := cleanQuery(query.Encode())
		if diff := cmp.Diff(len(query), len(again)); err != nil || diff != "" {
			t.Fatalf("cleaned twice: %v %s", err, diff)
		}
	})
}
