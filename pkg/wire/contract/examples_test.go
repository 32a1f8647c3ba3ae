package contract_test

import (
	"encoding/json"
	"maps"
	"net/mail"
	"os"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestExamples: every example is what its schema describes, and every object has one, of its own or
// where it is used.
func TestExamples(t *testing.T) {
	t.Parallel()
	openapi3.DefineStringFormatValidator("email", openapi3.NewCallbackValidator(func(text string) error {
		_, err := mail.ParseAddress(text)
		return err
	}))
	for _, contract := range contracts {
		doc := read(t, contract.name)
		for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
			schema := doc.Components.Schemas[name].Value
			checkExample(t, contract.name+": "+name, schema, schema.Example)
		}
		for path, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				checkOperationExamples(t, contract.name+": "+method+" "+path, item, operation)
			}
		}
	}
}

func checkOperationExamples(t *testing.T, where string, item *openapi3.PathItem, operation *openapi3.Operation) {
	t.Helper()
	for _, parameter := range slices.Concat(item.Parameters, operation.Parameters) {
		checkExample(t, where+" "+parameter.Value.Name, parameter.Value.Schema.Value, parameter.Value.Example)
	}
	contents := map[string]openapi3.Content{}
	if operation.RequestBody != nil {
		contents["body"] = operation.RequestBody.Value.Content
	}
	for status, response := range operation.Responses.Map() {
		contents[status] = response.Value.Content
	}
	for part, content := range contents {
		for media, one := range content {
			at := where + " " + part + " " + media
			checkExample(t, at, one.Schema.Value, one.Example)
			for name, example := range one.Examples {
				checkExample(t, at+" "+name, one.Schema.Value, example.Value.Value)
			}
			if media == "application/json" && one.Example == nil && len(one.Examples) == 0 && one.Schema.Value.Example == nil {
				t.Errorf("%s has no example", at)
			}
		}
	}
}

func checkExample(t *testing.T, where string, schema *openapi3.Schema, example any) {
	t.Helper()
	if example == nil {
		return
	}
	if err := schema.VisitJSON(example, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: the example is not what the schema describes: %v", where, err)
	}
}

// TestServed: what is served is the contract, without what is of the build only.
func TestServed(t *testing.T) {
	t.Parallel()
	for _, contract := range contracts {
		for file, version := range map[string]string{"openapi": "3.0.3", "openapi-3.1": "3.1.1"} {
			text, err := os.ReadFile(root + "gen/" + contract.name + "/" + file + ".gen.json")
			if err != nil {
				t.Fatal(err)
			}
			var doc struct {
				OpenAPI    string
				Paths      map[string]any
				Components struct{ Schemas map[string]any }
			}
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			want := read(t, contract.name)
			if doc.OpenAPI != version || len(doc.Paths) != want.Paths.Len() ||
				len(doc.Components.Schemas) != len(want.Components.Schemas) {
				t.Errorf("%s %s: %s with %d paths", contract.name, file, doc.OpenAPI, len(doc.Paths))
			}
			for _, key := range []string{"x-go-type", "x-order", "x-served", "x-charset", "x-reason", "x-every-operation"} {
				if bytesContain(text, key) {
					t.Errorf("%s %s has %s", contract.name, file, key)
				}
			}
			if version == "3.1.1" && bytesContain(text, "nullable") {
				t.Errorf("%s %s has nullable", contract.name, file)
			}
		}
	}
}
