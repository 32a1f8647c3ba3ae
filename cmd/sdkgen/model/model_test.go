package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read reads a document of this repository.
func read(t *testing.T, name string) *Document {
	t.Helper()
	document, err := Read(name, filepath.Join("..", "..", "..", "gen", name, "openapi.gen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func operation(t *testing.T, d *Document, id string) Operation {
	t.Helper()
	for _, group := range d.Groups {
		for _, operation := range group.Operations {
			if operation.ID == id {
				return operation
			}
		}
	}
	t.Fatalf("there is no operation %s", id)
	return Operation{}
}

func groups(d *Document) []string {
	var names []string
	for _, group := range d.Groups {
		names = append(names, group.Name)
	}
	slices.Sort(names)
	return names
}

func TestRead_Documents(t *testing.T) {
	t.Parallel()
	api, pam := read(t, "api"), read(t, "pam")
	if diff := cmp.Diff([]string{"audit", "auth", "events", "mail", "openvpn", "pam"}, groups(api)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{Vault}, groups(pam)); diff != "" {
		t.Error(diff)
	}
	if api.Prefix != "/api" || pam.Prefix != "/iso" {
		t.Errorf("prefixes %q and %q", api.Prefix, pam.Prefix)
	}
	list := operation(t, api, "getClientsSite2SitePage")
	if list.Name != "get_clients_site2site_pages" || list.Scope != "openvpn.clients" || list.Retry != RetrySafe {
		t.Errorf("list: %+v", list)
	}
	if list.Pages == nil || list.Pages.Item.Name != "ClientSite2Site" || list.Pages.Cursor.Type.Kind != Integer {
		t.Errorf("pages: %+v", list.Pages)
	}
	if diff := cmp.Diff([]string{Bearer, Cookie}, list.Security); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string]RetryClass{
		"createApikey": RetryKeyed, "createToken": RetryNever, "updateApikey": RetrySafe, "deleteApikey": RetrySafe,
	} {
		if got := operation(t, api, id).Retry; got != want {
			t.Errorf("%s is retried %s, want %s", id, got, want)
		}
	}
	upsert := operation(t, pam, "upsertDevice")
	if upsert.Retry != RetrySafe || upsert.Results[0].Status != 201 || upsert.Body.MediaType != "application/json" {
		t.Errorf("upsert: %+v", upsert)
	}
	if diff := cmp.Diff([]string{Bearer, OAuth1}, upsert.Security); diff != "" {
		t.Error(diff)
	}
}

func TestRead_Files(t *testing.T) {
	t.Parallel()
	api := read(t, "api")
	crl := operation(t, api, "getCaCrl")
	if !crl.Results[0].Binary || len(crl.Results[0].MediaTypes) != 2 || !crl.NotModified {
		t.Errorf("CRL: %+v", crl)
	}
	imported := operation(t, api, "importPamDevices")
	if !imported.Body.Binary || imported.Body.MediaType != "text/csv" || imported.Body.Type.Type.Kind != Bytes {
		t.Errorf("import: %+v", imported.Body)
	}
	if result := operation(t, api, "deleteApikey").Results[0]; result.Type != nil || result.Binary {
		t.Errorf("an answer without a body: %+v", result)
	}
}

func TestRead_Types(t *testing.T) {
	t.Parallel()
	api := read(t, "api")
	apikey := api.Type("Apikey")
	fields := map[string]Field{}
	for _, field := range apikey.Fields {
		fields[field.Name] = field
	}
	if apikey.Fields[0].Name != "id" || apikey.Fields[1].Name != "name" {
		t.Errorf("the order is %v", apikey.Fields)
	}
	if expires := fields["expires_at"]; !expires.Nullable || !expires.Required || expires.Type.Type.Kind != DateTime {
		t.Errorf("expires_at: %+v", expires)
	}
	if roles := fields["roles"].Type.Type; roles.Kind != Array || roles.Element.Name != "RoleRef" {
		t.Errorf("roles: %+v", roles)
	}
	if !apikey.InResponse || apikey.InRequest {
		t.Error("an Apikey is only answered")
	}
	create := api.Type("ApikeyCreate")
	if create.InResponse || !create.InRequest {
		t.Error("an ApikeyCreate is only sent")
	}
	if fields["name"].Example != "apikey" {
		t.Errorf("the example of the name is %v", fields["name"].Example)
	}
}

// document is a small document that is right, apart from the parts given.
func document(operation, schemas string) string {
	return `openapi: 3.0.3
info: {title: t, version: '1'}
servers: [{url: /api}]
security: [{bearer: []}]
paths:
  /things:
    get:
` + operation + `
components:
  securitySchemes:
    bearer: {type: http, scheme: bearer}
  schemas:
` + schemas
}

const goodOperation = `      operationId: getThings
      x-sdk-group: auth
      x-sdk-name: get_things
      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}`

const goodSchemas = `    A:
      type: object
      properties:
        zulu: {type: string}
        alpha: {type: string, nullable: true}`

func readText(t *testing.T, text string) (*Document, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "d.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read("api", file)
}

func TestRead_Good(t *testing.T) {
	t.Parallel()
	d, err := readText(t, document(goodOperation, goodSchemas))
	if err != nil {
		t.Fatal(err)
	}
	a := d.Type("A")
	if len(a.Fields) != 2 || a.Fields[0].Name != "zulu" || !a.Fields[1].Nullable {
		t.Errorf("fields %+v", a.Fields)
	}
}

// TestRead_Faults: each fault has the line of what is wrong.
func TestRead_Faults(t *testing.T) {
	t.Parallel()
	without := func(text, line string) string { return strings.Replace(text, line, "", 1) }
	instead := func(text, line, other string) string { return strings.Replace(text, line, other, 1) }
	schema := func(text string) string { return "    A:\n      " + text }
	for name, test := range map[string]struct {
		operation, schemas string
		line               int
		want               string
	}{
		"no group":       {without(goodOperation, "      x-sdk-group: auth\n"), goodSchemas, 7, "no x-sdk-group"},
		"no name":        {without(goodOperation, "      x-sdk-name: get_things\n"), goodSchemas, 7, "no x-sdk-name"},
		"name":           {instead(goodOperation, "get_things", "getThings"), goodSchemas, 7, "no name in snake_case"},
		"no operationId": {without(goodOperation, "      operationId: getThings\n"), goodSchemas, 7, "no operationId"},
		"no success": {
			instead(goodOperation, "'200'", "'400'"), goodSchemas, 7, "has no answer of success",
		},
		"redirect": {instead(goodOperation, "'200'", "'302'"), goodSchemas, 11, "answer of status 302"},
		"inline answer": {
			instead(goodOperation, "$ref: '#/components/schemas/A'", "type: object"), goodSchemas, 11,
			"a schema without a name",
		},
		"pages": {
			goodOperation + "\n      x-pagination: {request: cursor, current: /c, next: /n, previous: /p, items: /zulu}",
			goodSchemas, 7, `no parameter "cursor"`,
		},
		"half of pages": {goodOperation + "\n      x-pagination: {items: /zulu}", goodSchemas, 7, "x-pagination of"},
		"cookie parameter": {
			goodOperation + "\n      parameters:\n        - {name: c, in: cookie, schema: {type: string}}", goodSchemas,
			13, "is in cookie",
		},
		"alias":             {goodOperation + "\n      x-sdk-alias: [1]", goodSchemas, 7, "x-sdk-alias"},
		"not":               {goodOperation, schema("{type: string, not: {type: string}}"), 16, "keyword not"},
		"anyOf":             {goodOperation, schema("{anyOf: [{type: string}, {type: integer}]}"), 16, "anyOf"},
		"format":            {goodOperation, schema("{type: string, format: colour}"), 16, `the format "colour"`},
		"integers":          {goodOperation, schema("{type: integer, format: int128}"), 16, `the format "int128"`},
		"enum of numbers":   {goodOperation, schema("{type: integer, enum: [1]}"), 16, "an enumeration of integer"},
		"array of nothing":  {goodOperation, schema("{type: array}"), 16, "without items"},
		"array of null":     {goodOperation, schema("{type: array, items: {type: string, nullable: true}}"), 16, "null"},
		"merged with texts": {goodOperation, schema("{allOf: [{type: string}, {type: object}]}"), 16, "allOf"},
		"typed as":          {goodOperation, schema("{type: integer, x-sdk-type: date-time}"), 16, "x-sdk-type"},
		"below": {
			goodOperation, schema("type: object\n      properties:\n        b: {type: string, format: colour}"), 19, "colour",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readText(t, document(test.operation, test.schemas))
			if err == nil {
				t.Fatal("no error")
			}
			place := fmt.Sprintf("d.yaml:%d: ", test.line)
			if !strings.Contains(err.Error(), place) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nwant %s…%s", err, place, test.want)
			}
		})
	}
}

// TestRead_Parameters: what the runtimes send is left out, and what the body has, too.
func TestRead_Parameters(t *testing.T) {
	t.Parallel()
	d, err := readText(t, document(goodOperation+`
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}
      parameters:
        - {name: accept-language, in: header, schema: {type: string}}
        - {name: Idempotency-Key, in: header, schema: {type: string}}
        - {name: zulu, in: query, schema: {type: string}}
        - {name: other, in: query, schema: {type: string}}`, goodSchemas))
	if err != nil {
		t.Fatal(err)
	}
	one := d.Groups[0].Operations[0]
	if len(one.Parameters) != 1 || one.Parameters[0].Name != "other" {
		t.Errorf("parameters %+v", one.Parameters)
	}
}

// TestRead_Retry: a POST is tried again with a key, if the document says that the operation takes
// one.
func TestRead_Retry(t *testing.T) {
	t.Parallel()
	const key = "\n      parameters: [{name: Idempotency-Key, in: header, schema: {type: string}}]"
	for operation, want := range map[string]RetryClass{goodOperation + key: RetryKeyed, goodOperation: RetryNever} {
		d, err := readText(t, strings.Replace(document(operation, goodSchemas), "get:", "post:", 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Groups[0].Operations[0].Retry; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRead_Shapes(t *testing.T) {
	t.Parallel()
	d, err := readText(t, document(goodOperation+`
      x-sdk-result: things
      x-sdk-alias: {typescript: getTHINGS, python: [get_all, get_any]}`, goodSchemas+`
        grouped: {allOf: [{$ref: '#/components/schemas/Colour'}], nullable: true, description: Its own.}
        either: {oneOf: [{type: integer}, {type: object, required: [id], properties: {id: {type: integer}}}]}
        at: {type: string, x-sdk-type: date-time}
    Ordered:
      type: object
      properties:
        last: {type: string, x-order: 2}
        first: {$ref: '#/components/schemas/Colour', x-order: 1}
    Told: {oneOf: [{$ref: '#/components/schemas/A'}], discriminator: {propertyName: zulu}, x-own: 1}
    Colour: {type: string, enum: [red, null], nullable: true}
    Merged: {allOf: [{$ref: '#/components/schemas/A'}, {type: object, properties: {more: {type: string}}}]}
    Grant:
      type: object
      properties: {token: {type: string}, user: {type: string}}
      oneOf: [{required: [token]}, {required: [user]}]`))
	if err != nil {
		t.Fatal(err)
	}
	operation := d.Groups[0].Operations[0]
	aliases := map[string][]string{"typescript": {"getTHINGS"}, "python": {"get_all", "get_any"}}
	if diff := cmp.Diff(aliases, operation.Aliases); diff != "" || operation.Result != "things" {
		t.Error(diff, operation.Result)
	}
	a := d.Type("A")
	grouped, either, at := a.Fields[2], a.Fields[3], a.Fields[4]
	if grouped.Type.Name != "Colour" || !grouped.Nullable || grouped.Doc != "Its own." {
		t.Errorf("wrapped: %+v", grouped)
	}
	if diff := cmp.Diff([]string{"red"}, d.Type("Colour").Values); diff != "" {
		t.Error(diff)
	}
	if either.Type.Name != "AEither" || either.Type.Type.Variants[1].Name != "AEitherObject" {
		t.Errorf("oneOf: %+v", either.Type)
	}
	if at.Type.Type.Kind != DateTime {
		t.Errorf("x-sdk-type: %+v", at)
	}
	if merged := d.Type("Merged"); len(merged.Fields) != len(a.Fields)+1 {
		t.Errorf("merged: %+v", merged)
	}
	if told := d.Type("Told"); told.Discriminator != "zulu" || told.Extensions["x-own"] == nil {
		t.Errorf("told apart: %+v", told)
	}
	if ordered := d.Type("Ordered"); ordered.Fields[0].Name != "first" {
		t.Errorf("ordered: %+v", ordered.Fields)
	}
	if grant := d.Type("Grant"); grant.Kind != Object || len(grant.Fields) != 2 {
		t.Errorf("oneOf of required: %+v", grant)
	}
}

// TestRead_TwoOfOneName: two operations of a group must not have one name.
func TestRead_TwoOfOneName(t *testing.T) {
	t.Parallel()
	second := strings.Replace(goodOperation, "getThings", "putThings", 1)
	_, err := readText(t, document(goodOperation+"\n    put:\n"+second, goodSchemas))
	if err == nil || !strings.Contains(err.Error(), "d.yaml:12: auth.get_things is also the name of getThings") {
		t.Errorf("error %v", err)
	}
}
