package model

import (
	"cmp"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// understood are the keywords of a schema that have a meaning here, or only one for people and
// validators. Extensions are always allowed.
var understood = []string{
	"type", "format", "title", "description", "example", "default", "nullable", "deprecated", "readOnly", "writeOnly",
	"enum", "properties", "required", "additionalProperties", "items", "allOf", "oneOf", "anyOf", "discriminator",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
	"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
}

// formats are the formats that are understood, by type, with what they make of it.
var formats = map[string]map[string]Kind{
	"string": {
		"": String, "date-time": DateTime, "date": Date, "binary": Bytes, "password": String, "email": String,
		"ipv4": String, "ipv6": String, "uri": String, "uuid": String, "hostname": String, "cidr": String,
	},
	"integer": {"": Integer, "int32": Integer, "int64": Integer},
	"number":  {"": Number, "float": Number, "double": Number},
	"boolean": {"": Boolean},
}

// readTypes reads the named schemas. All exist before the first is read: they refer to each other.
func (r *reader) readTypes() {
	schemas := r.source.Components.Schemas
	names := slices.SortedFunc(maps.Keys(schemas), func(a, b string) int {
		return cmp.Or(cmp.Compare(line(schemas[a].Value.Origin), line(schemas[b].Value.Origin)), cmp.Compare(a, b))
	})
	for _, name := range names {
		t := &Type{Name: name}
		r.types[name] = t
		r.document.Types = append(r.document.Types, t)
	}
	for _, name := range names {
		r.fill(r.types[name], schemas[name], name)
	}
}

// ref returns a use of a schema. An object without a name gets the given one.
func (r *reader) ref(source *openapi3.SchemaRef, name string) Ref {
	if source.Ref != "" {
		named := path.Base(source.Ref)
		if r.types[named] == nil {
			r.fault(r.at(source.Value.Origin), "there is no schema %s", source.Ref)
			return Ref{Type: &Type{Kind: Any}}
		}
		return Ref{Name: named, Type: r.types[named]}
	}
	if wrapped := wrapped(source.Value); wrapped != nil {
		return r.ref(wrapped, name)
	}
	t := &Type{}
	r.fill(t, source, name)
	if t.Kind != Object && t.Kind != OneOf {
		return Ref{Type: t}
	}
	if r.types[name] != nil {
		r.fault(t.At, "a schema without a name would be %s, which there is", name)
	}
	t.Name = name
	r.types[name] = t
	r.document.Types = append(r.document.Types, t)
	return Ref{Name: name, Type: t}
}

// wrapped returns the schema that another gives a description of its own, or makes nullable; nil if
// it does more than that.
func wrapped(schema *openapi3.Schema) *openapi3.SchemaRef {
	if len(schema.AllOf) == 1 && len(schema.Properties) == 0 {
		return schema.AllOf[0]
	}
	return nil
}

// fill reads a schema into a type. Name begins the names of objects in it that have none.
func (r *reader) fill(t *Type, source *openapi3.SchemaRef, name string) {
	schema := source.Value
	t.At, t.Doc = r.at(schema.Origin), strings.TrimSpace(schema.Description)
	t.Format, t.Default, t.Example, t.Pattern = schema.Format, schema.Default, schema.Example, schema.Pattern
	t.Minimum, t.Maximum = schema.Min, schema.Max
	t.Extensions = schema.Extensions
	r.checkKeywords(schema)
	switch {
	case len(schema.AllOf) > 0:
		r.fillMerged(t, schema, name)
	case len(schema.OneOf) > 0 && !onlyRequires(schema.OneOf):
		r.fillVariants(t, schema, name)
	case len(schema.AnyOf) > 0 && !onlyRequires(schema.AnyOf):
		r.fault(t.At, "anyOf is not understood")
	case schema.Type == nil && len(schema.Properties) == 0:
		t.Kind = Any
	case schema.Type != nil && len(*schema.Type) != 1:
		r.fault(t.At, "a schema of %d types is not understood", len(*schema.Type))
	case schema.Type == nil || schema.Type.Is("object"):
		r.fillObject(t, schema, name)
	case schema.Type.Is("array"):
		r.fillArray(t, schema, name)
	default:
		r.fillScalar(t, schema)
	}
}

// checkKeywords finds what is not understood in a schema.
func (r *reader) checkKeywords(schema *openapi3.Schema) {
	text, err := json.Marshal(schema)
	written := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(text, &written)
	}
	if err != nil {
		r.fault(r.at(schema.Origin), "%v", err)
	}
	for _, keyword := range slices.Sorted(maps.Keys(written)) {
		if !strings.HasPrefix(keyword, "x-") && !slices.Contains(understood, keyword) {
			r.fault(r.at(schema.Origin), "the keyword %s is not understood", keyword)
		}
	}
}

// onlyRequires reports whether variants say no more than which properties go together.
func onlyRequires(variants openapi3.SchemaRefs) bool {
	return !slices.ContainsFunc(variants, func(v *openapi3.SchemaRef) bool {
		return v.Ref != "" || v.Value.Type != nil && !v.Value.Type.Is("object") || len(v.Value.Required) == 0 ||
			len(v.Value.Properties) > 0 && !onlyNarrows(v.Value.Properties)
	})
}

// onlyNarrows reports whether properties have values and no types, as in
// `grant_type: {enum: [password]}`.
func onlyNarrows(properties openapi3.Schemas) bool {
	for _, property := range properties {
		if property.Ref != "" || property.Value.Type != nil {
			return false
		}
	}
	return true
}

// fillMerged reads allOf: of one schema, or of objects whose fields are put together.
func (r *reader) fillMerged(t *Type, schema *openapi3.Schema, name string) {
	t.Kind = Object
	for _, part := range schema.AllOf {
		merged := &Type{Name: name}
		r.fill(merged, &openapi3.SchemaRef{Value: part.Value}, name)
		if len(schema.AllOf) == 1 && len(schema.Properties) == 0 {
			doc, at := cmp.Or(t.Doc, merged.Doc), t.At
			*t = *merged
			t.Doc, t.At = doc, at
			return
		}
		if merged.Kind != Object {
			r.fault(t.At, "allOf of several schemas that are not all objects is not understood")
			return
		}
		t.Fields = append(t.Fields, merged.Fields...)
	}
	own := &Type{}
	r.fillObject(own, schema, name)
	t.Fields = append(t.Fields, own.Fields...)
	for i := range t.Fields {
		if slices.Contains(schema.Required, t.Fields[i].Name) {
			t.Fields[i].Required = true
		}
	}
}

// fillVariants reads oneOf.
func (r *reader) fillVariants(t *Type, schema *openapi3.Schema, name string) {
	t.Kind = OneOf
	if schema.Discriminator != nil {
		t.Discriminator = schema.Discriminator.PropertyName
	}
	if len(schema.Properties) > 0 {
		r.fault(t.At, "oneOf beside properties is not understood")
	}
	for _, variant := range schema.OneOf {
		suffix := "Object"
		if variant.Value.Title != "" {
			suffix = title(variant.Value.Title)
		}
		t.Variants = append(t.Variants, r.ref(variant, name+suffix))
	}
}

func (r *reader) fillObject(t *Type, schema *openapi3.Schema, name string) {
	t.Kind = Object
	extra := schema.AdditionalProperties
	if len(schema.Properties) == 0 && (extra.Schema != nil || extra.Has == nil || *extra.Has) {
		t.Kind = Map
		element := Ref{Type: &Type{Kind: Any, At: t.At}}
		if extra.Schema != nil {
			element = r.ref(extra.Schema, name+"Value")
		}
		t.Element = &element
		return
	}
	for _, property := range inOrder(schema.Properties) {
		t.Fields = append(t.Fields, r.field(schema, property, name))
	}
}

// inOrder returns the names of properties as the author has written them: by x-order, which
// specbundle writes, or by their lines.
func inOrder(properties openapi3.Schemas) []string {
	place := func(name string) float64 {
		source := properties[name]
		extensions, origin := source.Value.Extensions, source.Value.Origin
		if source.Ref != "" {
			extensions, origin = source.Extensions, source.Origin
		}
		if order, ok := extensions["x-order"].(float64); ok {
			return order
		}
		return float64(line(origin))
	}
	return slices.SortedFunc(maps.Keys(properties), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
}

func (r *reader) field(owner *openapi3.Schema, name, ownerName string) Field {
	source := owner.Properties[name]
	field := Field{
		Name: name, Doc: strings.TrimSpace(source.Value.Description), Type: r.ref(source, ownerName+title(name)),
		Required: slices.Contains(owner.Required, name), Nullable: isNullable(source.Value),
		Example: source.Value.Example, At: r.at(source.Value.Origin),
	}
	field.Doc = cmp.Or(field.Doc, field.Type.Type.Doc)
	if example, ok := owner.Example.(map[string]any); ok && field.Example == nil {
		field.Example = example[name]
	}
	return field
}

// isNullable reports whether a schema, or the one that it wraps, is.
func isNullable(schema *openapi3.Schema) bool {
	if wrapped := wrapped(schema); wrapped != nil && isNullable(wrapped.Value) {
		return true
	}
	return schema.Nullable
}

func (r *reader) fillArray(t *Type, schema *openapi3.Schema, name string) {
	t.Kind = Array
	if schema.Items == nil {
		r.fault(t.At, "an array without items is not understood")
		t.Element = &Ref{Type: &Type{Kind: Any, At: t.At}}
		return
	}
	if isNullable(schema.Items.Value) {
		r.fault(t.At, "an array of items that may be null is not understood")
	}
	element := r.ref(schema.Items, name+"Item")
	t.Element = &element
	t.MinLength, t.MaxLength = lengths(schema.MinItems, schema.MaxItems)
}

func (r *reader) fillScalar(t *Type, schema *openapi3.Schema) {
	name := (*schema.Type)[0]
	kind, ok := formats[name][schema.Format]
	if !ok {
		r.fault(t.At, "the type %s of the format %q is not understood", name, schema.Format)
	}
	t.Kind = kind
	t.MinLength, t.MaxLength = lengths(schema.MinLength, schema.MaxLength)
	if written, ok := schema.Extensions["x-sdk-type"]; ok {
		if written != string(DateTime) || name != "string" {
			r.fault(t.At, "x-sdk-type %v of the type %s is not understood", written, name)
		}
		t.Kind = DateTime
	}
	if len(schema.Enum) > 0 {
		r.fillEnum(t, schema)
	}
}

// fillEnum reads the values of an enumeration; null among them is left to nullable.
func (r *reader) fillEnum(t *Type, schema *openapi3.Schema) {
	if t.Kind != String {
		r.fault(t.At, "an enumeration of %s is not understood", t.Kind)
	}
	t.Kind = Enum
	for _, value := range schema.Enum {
		if text, ok := value.(string); ok {
			t.Values = append(t.Values, text)
		} else if value != nil {
			r.fault(t.At, "the value %v of an enumeration is not understood", value)
		}
	}
}

// lengths returns the bounds of a length; nil is none.
func lengths(least uint64, most *uint64) (*int, *int) {
	var low, high *int
	if least > 0 {
		low = new(int(least))
	}
	if most != nil {
		high = new(int(*most))
	}
	return low, high
}

// title returns a name in PascalCase, of one in camelCase, snake_case, or with hyphens or spaces.
func title(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune("_- .", c) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
