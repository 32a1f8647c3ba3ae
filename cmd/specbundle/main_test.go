package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/samples"
)

const rootDocument = `
openapi: 3.0.3
info: {title: t, version: '1'}
security: [{bearer: []}]
paths:
  /a: {$ref: 'a.yaml#/paths/~1a'}
  /b: {$ref: 'b.yaml#/paths/~1b'}
components:
  securitySchemes:
    bearer: {$ref: 'a.yaml#/components/securitySchemes/bearer'}
`

func resource(path, schema string) string {
	return `
openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  ` + path + `:
    get:
      operationId: op` + strings.TrimPrefix(path, "/") + `
      responses:
        '200':
          description: ok
          content: {application/json: {schema: {$ref: '#/components/schemas/` + schema + `'}}}
components:
  securitySchemes:
    bearer: {type: http, scheme: bearer}
  schemas:
    ` + schema + `:
      type: object
      properties:
        zulu: {type: string}
        alpha: {type: string}
        mike: {type: string}
`
}

// sampled stands for the samples of the SDKs.
func sampled(name, _ string) (map[string][]samples.Sample, error) {
	return map[string][]samples.Sample{"a": {{Lang: "Shell", Label: name, Source: "curl <a>"}}}, nil
}

func bundleFiles(t *testing.T, a, b string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"root.yaml": rootDocument, "a.yaml": a, "b.yaml": b} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output := filepath.Join(dir, "gen")
	return filepath.Join(output, "openapi.gen.yaml"), bundle(filepath.Join(dir, "root.yaml"), output, sampled)
}

func TestBundle_JoinsTheFilesInTheirOrder(t *testing.T) {
	output, err := bundleFiles(t, resource("/a", "Thing"), resource("/b", "Other"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(output) // external references are not allowed here
	if err != nil {
		t.Fatal(err)
	}
	if doc.Paths.Len() != 2 || doc.Components.Schemas["Thing"] == nil || doc.Components.Schemas["Other"] == nil {
		t.Errorf("paths %d, schemas %v", doc.Paths.Len(), doc.Components.Schemas)
	}
	for i, name := range []string{"zulu", "alpha", "mike"} {
		property := doc.Components.Schemas["Thing"].Value.Properties[name]
		if got := property.Value.Extensions["x-order"]; got != float64(i+1) {
			t.Errorf("x-order of %s is %v, want %d", name, got, i+1)
		}
	}
	if scheme := doc.Components.SecuritySchemes["bearer"]; scheme.Ref != "" || scheme.Value.Scheme != "bearer" {
		t.Errorf("the security scheme is a reference to itself: %+v", scheme)
	}
}

func TestBundle_RefusesTwoComponentsOfOneName(t *testing.T) {
	_, err := bundleFiles(t, resource("/a", "Thing"), resource("/b", "Thing"))
	if err == nil || !strings.Contains(err.Error(), "two components") {
		t.Errorf("error %v, want one about two components", err)
	}
}
