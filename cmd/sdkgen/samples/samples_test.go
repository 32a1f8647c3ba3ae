package samples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/samples"
)

// of returns the samples of an operation whose body has an example, by label.
func of(t *testing.T, schema, example string) (map[string]string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "d.yaml")
	text := `openapi: 3.0.3
info: {title: t, version: '1'}
servers: [{url: /api}]
security: [{bearer: []}]
paths:
  /things/{from}:
    put:
      operationId: putThing
      x-sdk-group: auth
      x-sdk-name: put_thing
      parameters:
        - {name: from, in: path, required: true, schema: {type: string, example: a b}}
        - {name: at-most, in: query, required: true, schema: {type: integer, format: int64}}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}` + example + `}}}
      responses: {'200': {description: ok}}
components:
  securitySchemes: {bearer: {type: http, scheme: bearer}}
  schemas:
    Level: {type: string, enum: [low, high]}
    Place: {oneOf: [{type: string}, {type: integer}]}
    Thing: {type: object, required: [must], properties: {` + schema + `}}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	document, err := model.Read("api", file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := samples.Of(document)
	byLabel := map[string]string{}
	for _, sample := range all["putThing"] {
		byLabel[sample.Label] = sample.Source
	}
	return byLabel, err
}

// TestOf_Values: each kind of value is written as a language has it.
func TestOf_Values(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ schema, example, curl, python, typescript, golang string }{
		"text": {
			"type: string", `"it's <\"x\">\n"`, `"must": "it'\''s <\"x\">\n"`, `must="it's <\"x\">\n"`, `must: "it's <\"x\">\n"`,
			`Must: "it's <\"x\">\n"`,
		},
		"a moment": {
			"type: string, format: date-time", `"2030-10-05T12:20:02+02:00"`, `"2030-10-05T12:20:02+02:00"`,
			`must="2030-10-05T12:20:02+02:00"`, `must: "2030-10-05T12:20:02+02:00"`,
			"Must: time.Date(2030, 10, 5, 10, 20, 2, 0, time.UTC)",
		},
		"null": {"type: integer, nullable: true", "null", `"must": null`, "must=None", "must: null", "Must: nil"},
		"a pointer": {
			"type: integer, format: int64, nullable: true", "7", `"must": 7`, "must=7", "must: 7", "Must: new(int64(7))",
		},
		"a number": {"type: number", "0.5", `"must": 0.5`, "must=0.5", "must: 0.5", "Must: 0.5"},
		"a map": {
			"type: object, additionalProperties: {type: boolean}", `{"b_c": true}`, `{"b_c": true}`, `{"b_c": True}`,
			`{ "b_c": true }`, `map[string]bool{"b_c": true}`,
		},
		"an enum": {
			"$ref: '#/components/schemas/Level'", `"high"`, `"must": "high"`, `must="high"`, `must: "high"`, "Must: chaveiro.LevelHigh",
		},
		"one of": {
			"$ref: '#/components/schemas/Place'", "7", `"must": 7`, "must=7", "must: 7", "Must: chaveiro.PlaceInteger(7)",
		},
		"objects": {
			"type: array, items: {type: object, properties: {a_b: {type: integer, format: int64}}}", `[{"a_b": 1}]`,
			`[{"a_b": 1}]`, `[{"a_b": 1}]`, `[{ aB: 1 }]`, "chaveiro.ThingMustItem{{AB: chaveiro.Set[int64](1)}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := of(t, "must: {"+test.schema+"}", ", example: {must: "+test.example+"}")
			if err != nil {
				t.Fatal(err)
			}
			for label, want := range map[string]string{
				"curl": test.curl, "Python": test.python, "TypeScript": test.typescript, "Go": test.golang,
			} {
				if !strings.Contains(got[label], want) {
					t.Errorf("no %s in\n%s", want, got[label])
				}
			}
		})
	}
}

// TestOf_Parameters: what is required is sent; the rest is left out.
func TestOf_Parameters(t *testing.T) {
	t.Parallel()
	got, err := of(t, "must: {type: string}, may: {type: string}", ", example: {must: x}")
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]string{
		"curl":   `"$CHAVEIRO_URL"'/api/things/a%20b?at-most=1'`,
		"Python": `put_thing("a b", at_most=1, must="x")`, "TypeScript": `putThing({ from: "a b", atMost: 1, must: "x" })`,
		"Go": "PutThingParams{AtMost: 1}",
	} {
		if !strings.Contains(got[label], want) || strings.Contains(strings.ToLower(got[label]), "may") {
			t.Errorf("no %s in\n%s", want, got[label])
		}
	}
}

// TestOf_Examples: of several examples the first is sent.
func TestOf_Examples(t *testing.T) {
	t.Parallel()
	got, err := of(t, "must: {type: string}", `, examples: {
          zulu: {value: {must: first}},
          alpha: {value: {must: second}}}`)
	if err != nil || !strings.Contains(got["curl"], `"first"`) {
		t.Errorf("%s: %v", got["curl"], err)
	}
}

func TestOf_NoExample(t *testing.T) {
	t.Parallel()
	if _, err := of(t, "must: {type: string}", ""); err == nil || !strings.Contains(err.Error(), "d.yaml:") {
		t.Errorf("error %v", err)
	}
}
