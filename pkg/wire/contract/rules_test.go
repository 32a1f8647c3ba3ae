package contract_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// contracts are the documents of the dialects, with the statuses that each operation must declare:
// of any operation, and of one that needs a credential.
var contracts = []struct {
	name           string
	any, protected []string
}{
	{"api", []string{"400", "500", "default"}, []string{"401", "403"}},
	{"pam", []string{"401", "500", "default"}, []string{"404"}},
}

// root is the folder of the module.
const root = "../../../"

func read(t *testing.T, name string) *openapi3.T {
	t.Helper()
	text, err := os.ReadFile(root + "gen/" + name + "/openapi.gen.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestOperations: every operation has what people and generators of clients need.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, contract := range contracts {
		doc := read(t, contract.name)
		ids := map[string]string{}
		for path, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				where := contract.name + ": " + method + " " + path
				for _, fault := range operationFaults(operation) {
					t.Errorf("%s %s", where, fault)
				}
				for _, status := range slices.Concat(contract.any, protected(operation, contract.protected)) {
					if operation.Responses.Value(status) == nil {
						t.Errorf("%s does not declare the answer %s", where, status)
					}
				}
				if other := ids[operation.OperationID]; other != "" {
					t.Errorf("%s has the operationId of %s", where, other)
				}
				ids[operation.OperationID] = where
			}
		}
	}
}

func protected(operation *openapi3.Operation, statuses []string) []string {
	if operation.Security != nil && len(*operation.Security) == 0 {
		return nil
	}
	return statuses
}

// operationFaults lists what an operation lacks.
func operationFaults(operation *openapi3.Operation) []string {
	var faults []string
	demand := func(ok bool, what string) {
		if !ok {
			faults = append(faults, what)
		}
	}
	text := func(extension string) string { text, _ := operation.Extensions[extension].(string); return text }
	demand(operation.OperationID != "", "has no operationId")
	demand(operation.Summary != "" && !strings.HasSuffix(operation.Summary, "."), "has no summary, or one with a stop")
	demand(len(operation.Description) > len(operation.Summary)/2, "has no description")
	demand(len(operation.Tags) == 1, "has not one tag")
	demand(text("x-sdk-group") != "" && text("x-sdk-name") != "" && text("x-sdk-js-name") != "",
		"lacks x-sdk-group, x-sdk-name or x-sdk-js-name")
	public := operation.Security != nil && len(*operation.Security) == 0
	demand(public != (text("x-scope") != ""), "must have an x-scope, or be public")
	success := successOf(operation)
	demand(success != nil, "has no answer of success")
	demand(success == nil || (len(success.Content) > 0) == (text("x-sdk-result") != "") || text("x-sdk-group") == "vault",
		"must have an x-sdk-result if it answers with something")
	if body := operation.RequestBody; body != nil && body.Ref == "" {
		for media, content := range body.Value.Content {
			_, isForm := strings.CutPrefix(media, "application/x-www-form")
			demand(isForm || content.Example != nil || len(content.Examples) > 0, "has no example of "+media)
		}
	}
	return faults
}

func successOf(operation *openapi3.Operation) *openapi3.Response {
	for _, status := range []string{"200", "201"} {
		if response := operation.Responses.Value(status); response != nil {
			return response.Value
		}
	}
	return nil
}

// TestAnswers: every answer has a description and X-Request-Id, and says what its body is.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, contract := range contracts {
		doc := read(t, contract.name)
		for path, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				for status, response := range operation.Responses.Map() {
					where := fmt.Sprintf("%s: %s %s %s", contract.name, method, path, status)
					if response.Value.Description == nil || *response.Value.Description == "" {
						t.Errorf("%s has no description", where)
					}
					if response.Value.Headers["X-Request-Id"] == nil {
						t.Errorf("%s does not declare X-Request-Id", where)
					}
					if status >= "4" && len(response.Value.Content) == 0 {
						t.Errorf("%s has no body", where)
					}
					if status == "401" && response.Value.Headers["WWW-Authenticate"] == nil {
						t.Errorf("%s does not declare WWW-Authenticate", where)
					}
				}
			}
		}
	}
}

// TestSchemas: objects, enums and unions are components, so that every generator gives them the
// same name; enums have no null; a value that may be null and is more than its type says so by an
// allOf with a component; nothing that may be null has a default.
func TestSchemas(t *testing.T) {
	t.Parallel()
	for _, contract := range contracts {
		doc := read(t, contract.name)
		for name, ref := range doc.Components.Schemas {
			checkComponent(t, contract.name+": "+name, ref.Value)
		}
		for path, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				checkUses(t, contract.name+": "+method+" "+path, item, operation)
			}
		}
	}
}

// taken are names that collide with classes of Java and others.
var taken = []string{"Error", "Exception", "Response", "Request", "Object", "Type", "Class"}

func checkComponent(t *testing.T, where string, schema *openapi3.Schema) {
	t.Helper()
	if _, name, _ := strings.Cut(where, ": "); slices.Contains(taken, name) || strings.ToUpper(name[:2]) == name[:2] {
		t.Errorf("%s is no good name", where)
	}
	if schema.Type == nil && len(schema.OneOf) == 0 {
		t.Errorf("%s has no type", where)
	}
	if slices.Contains(schema.Enum, nil) || len(schema.Enum) > 0 && schema.Nullable {
		t.Errorf("%s is an enum with null", where)
	}
	if len(schema.Enum) > 0 && schema.Description == "" {
		t.Errorf("%s has no description", where)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		checkInline(t, where+"."+name, schema.Properties[name])
	}
	if schema.Items != nil {
		checkInline(t, where+"[]", schema.Items)
	}
}

// checkInline checks a schema that is part of something else.
func checkInline(t *testing.T, where string, ref *openapi3.SchemaRef) {
	t.Helper()
	if ref.Ref != "" {
		return
	}
	schema := ref.Value
	if len(schema.Properties) > 0 || len(schema.Enum) > 0 || len(schema.OneOf) > 0 || len(schema.AnyOf) > 0 {
		t.Errorf("%s has an object, an enum or a union that is no component", where)
	}
	if len(schema.AllOf) > 0 && (!schema.Nullable || len(schema.AllOf) > 1 || schema.AllOf[0].Ref == "") {
		t.Errorf("%s has an allOf that is not for null", where)
	}
	if schema.Nullable && schema.Default != nil {
		t.Errorf("%s may be null and has a default", where)
	}
	if schema.Type.Is("integer") && schema.Format == "" {
		t.Errorf("%s is an integer without a format", where)
	}
	if schema.Items != nil {
		checkInline(t, where+"[]", schema.Items)
	}
}

func checkUses(t *testing.T, where string, item *openapi3.PathItem, operation *openapi3.Operation) {
	t.Helper()
	for _, parameter := range slices.Concat(item.Parameters, operation.Parameters) {
		checkInline(t, where+" "+parameter.Value.Name, parameter.Value.Schema)
		if parameter.Value.Description == "" {
			t.Errorf("%s %s has no description", where, parameter.Value.Name)
		}
	}
	if operation.RequestBody != nil {
		checkContent(t, where, operation.RequestBody.Value.Content)
	}
	for status, response := range operation.Responses.Map() {
		checkContent(t, where+" "+status, response.Value.Content)
		for name, header := range response.Value.Headers {
			checkInline(t, where+" "+name, header.Value.Schema)
		}
	}
}

func checkContent(t *testing.T, where string, content openapi3.Content) {
	t.Helper()
	for media, one := range content {
		if one.Schema == nil {
			t.Errorf("%s %s has no schema", where, media)
			continue
		}
		if media == "application/json" && one.Schema.Ref == "" {
			t.Errorf("%s has JSON whose schema is no component", where)
		}
		if format := one.Schema.Value.Format; format == "binary" && strings.HasPrefix(media, "text/") {
			t.Errorf("%s: %s is text", where, media)
		}
		checkInline(t, where+" "+media, one.Schema)
	}
}
