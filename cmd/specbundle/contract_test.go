package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const servedDocument = `
openapi: 3.0.3
info: {title: t, version: '1'}
x-every-operation:
  responses:
    default: {description: any, content: {application/json: {schema: {$ref: '#/components/schemas/Any'}}}}
x-every-response:
  headers:
    X-Id: {schema: {type: string}}
paths:
  /a:
    post:
      operationId: a
      x-served: {description: in the contract}
      requestBody:
        content:
          application/json:
            schema:
              $ref: '#/components/schemas/Lenient'
              x-served: {$ref: '#/components/schemas/Strict'}
      responses:
        '200': {description: ok}
components:
  schemas:
    Any: {type: object}
    Lenient:
      type: object
      properties:
        zulu: {type: integer, format: int32, x-go-type: int}
        alpha: {type: string, nullable: true, x-served: {maxLength: 3, nullable: null}}
    Strict:
      type: object
      properties:
        zulu: {type: integer, format: int32, nullable: true, example: 1}
        kind: {nullable: true, allOf: [{$ref: '#/components/schemas/Kind'}], x-served: {type: string}}
        file: {type: string, format: binary}
    Kind: {type: string, enum: [one], example: one}
`

func bundled(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(dir, "root.yaml")
	if err := os.WriteFile(root, []byte(servedDocument), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := bundle(root, filepath.Join(dir, "gen"), sampled); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"openapi.gen.yaml", "server.gen.yaml", "openapi.gen.json", "openapi-3.1.gen.json"} {
		text, err := os.ReadFile(filepath.Join(dir, "gen", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

// TestBundle_SeparatesContractAndServer: each has what is for it, and none the extension.
func TestBundle_SeparatesContractAndServer(t *testing.T) {
	files := bundled(t)
	for name, want := range map[string]struct{ has, lacks []string }{
		"server.gen.yaml": {
			[]string{"Lenient", "x-go-type: int"}, []string{"default:", "X-Id", "in the contract", "int32", "maxLength", "x-served"},
		},
		"openapi.gen.yaml": {
			[]string{"default:", "X-Id", "in the contract", "Strict", "int32", "x-order: 1"},
			[]string{"Lenient", "x-go-type", "x-served", "x-codeSamples"},
		},
		"openapi.gen.json": {
			[]string{`"int32","nullable":true`, `"x-codeSamples":[{"lang":"Shell","label":"gen","source":"curl <a>"}]`},
			[]string{"x-order", "x-every", "x-served"},
		},
	} {
		for _, text := range want.has {
			if !strings.Contains(files[name], text) {
				t.Errorf("%s lacks %s", name, text)
			}
		}
		for _, text := range want.lacks {
			if strings.Contains(files[name], text) {
				t.Errorf("%s has %s", name, text)
			}
		}
	}
	if text := files["openapi.gen.json"]; !json.Valid([]byte(text)) || strings.Index(text, "zulu") > strings.Index(text, `"kind"`) {
		t.Errorf("no JSON in the order of the source: %s", text)
	}
}

// TestBundle_Upgrades: OpenAPI 3.1 has the words of JSON Schema.
func TestBundle_Upgrades(t *testing.T) {
	text := bundled(t)["openapi-3.1.gen.json"]
	for _, want := range []string{
		`"zulu":{"type":["integer","null"],"format":"int32","examples":[1]}`,
		`"kind":{"anyOf":[{"$ref":"#/components/schemas/Kind"},{"type":"null"}]}`,
		`"file":{"type":"string","format":"binary","contentMediaType":"application/octet-stream"}`,
		`"Kind":{"type":"string","enum":["one"],"examples":["one"]}`,
		`{"openapi":"3.1.1"`, `"x-codeSamples":[{"lang":"Shell"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}
