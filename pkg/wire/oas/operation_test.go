package oas

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

func TestOperation(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]Operation{
		"GET /v1/things?kind=a": {ID: "listThings", Method: "GET", MaxBody: DefaultMaxBody, Public: true},
		"GET /v1/things/1":      {ID: "getThing", Method: "GET", MaxBody: DefaultMaxBody, Scope: "things"},
		"POST /v1/things":       {ID: "createThing", Method: "POST", MaxBody: 300, Scope: "things"},
	} {
		method, path, _ := strings.Cut(target, " ")
		request := httptest.NewRequest(method, path, strings.NewReader(`{"name": "ab"}`))
		request.Header.Set("Content-Type", "application/json")
		err := serve(t, request, func(c echo.Context) error {
			got := *OperationOf(c)
			got.route, got.parameters, got.fields = nil, nil, nil
			if got != want {
				t.Errorf("%s is %+v, not %+v", target, got, want)
			}
			return nil
		})
		if err != nil {
			t.Error(target, err)
		}
	}
	if operation := OperationOf(echo.New().NewContext(nil, nil)); operation != nil {
		t.Errorf("without a request there is %+v", operation)
	}
}

// An operation is public or has a scope, and all have an id.
func TestNewDocument(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, new, fault string }{
		"as it is": {"", "", ""},
		"no id":    {`"operationId": "getThing", `, "", "/things/{id}"},
		"no scope": {
			`"operationId": "getThing", "x-scope": "things"`, `"operationId": "getThing"`, "getThing",
		},
		"an empty scope": {
			`"operationId": "getThing", "x-scope": "things"`, `"operationId": "getThing", "x-scope": ""`, "getThing",
		},
		"a scope that is no text": {
			`"operationId": "getThing", "x-scope": "things"`, `"operationId": "getThing", "x-scope": ["things"]`,
			"getThing",
		},
		"public, and with a scope": {
			`"operationId": "listThings", `, `"operationId": "listThings", "x-scope": "things", `, "listThings",
		},
		"not public, without either": {
			`"operationId": "listThings", "security": []`, `"operationId": "listThings"`, "listThings",
		},
		"its own credential": {
			`"operationId": "getThing", `, `"operationId": "getThing", "security": [{"key": []}], `, "",
		},
		"its own, without a scope": {
			`"operationId": "listThings", "security": []`, `"operationId": "listThings", "security": [{"key": []}]`,
			"listThings",
		},
	} {
		spec, err := openapi3.NewLoader().LoadFromData([]byte(strings.Replace(things, test.old, test.new, 1)))
		if err != nil {
			t.Fatal(name, err)
		}
		document, err := NewDocument(spec, "")
		if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && len(document.Operations()) != 5 {
			t.Errorf("%s: %d operations", name, len(document.Operations()))
		}
	}
}
