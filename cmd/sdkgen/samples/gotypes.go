package samples

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/golang"
	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// goField writes the value of a field: Optional when it may be left out, a pointer when it may be
// null.
func goField(d *model.Document, m member) string {
	kind, null := goType(d, m.field.Type), m.value.scalar == nil
	literal := goLiteral(d, m.value)
	switch {
	case m.field.Required && !m.field.Nullable:
		return literal
	case m.field.Required && null:
		return "nil"
	case m.field.Required && golang.IsNilable(m.field.Type.Type.Kind):
		return literal
	case m.field.Required:
		return "new(" + kind + "(" + literal + "))"
	case null:
		return "chaveiro.Null[" + kind + "]()"
	case m.value.union != "" || slices.Contains([]string{"int64", "float64", "any"}, kind):
		return "chaveiro.Set[" + kind + "](" + literal + ")"
	}
	return "chaveiro.Set(" + literal + ")"
}

// goLiteral writes a value.
func goLiteral(d *model.Document, v value) string {
	t := v.ref.Type
	var parts []string
	switch {
	case v.union != "" && t.Kind != model.Object: // golang gives the scalars of a oneOf types of their own
		name := golang.TypeName(d, v.union+golang.Name(string(t.Kind)))
		return "chaveiro." + name + "(" + quote(v.scalar) + ")"
	case t.Kind == model.Object:
		for _, m := range v.fields {
			parts = append(parts, golang.Name(m.name)+": "+goField(d, m))
		}
	case t.Kind == model.Map:
		for _, m := range v.fields {
			parts = append(parts, quote(m.name)+": "+goLiteral(d, m.value))
		}
	case t.Kind == model.Array:
		element := goType(d, *t.Element) + "{"
		for _, item := range v.items {
			literal := goLiteral(d, item)
			if strings.HasPrefix(literal, element) {
				literal = literal[len(element)-1:] // as gofmt -s does
			}
			parts = append(parts, literal)
		}
	default:
		return goScalar(d, v)
	}
	return list(goType(d, v.ref)+"{", parts, "}", "\t", ",")
}

func goScalar(d *model.Document, v value) string {
	text, _ := v.scalar.(string)
	switch at, err := time.Parse(time.RFC3339, text); {
	case v.ref.Type.Kind == model.Any:
		return goAny(v.scalar)
	case v.ref.Type.Kind == model.DateTime && err == nil:
		at = at.UTC()
		return fmt.Sprintf("time.Date(%d, %d, %d, %d, %d, %d, %d, time.UTC)",
			at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond())
	case v.ref.Name == "":
		return quote(v.scalar)
	case slices.Contains(v.ref.Type.Values, text):
		return "chaveiro." + golang.TypeName(d, v.ref.Name) + golang.Name(text)
	}
	return goType(d, v.ref) + "(" + quote(v.scalar) + ")"
}

// goAny writes a value of JSON that may be anything.
func goAny(example any) string {
	var parts []string
	switch one := example.(type) {
	case nil:
		return "nil"
	case map[string]any:
		for _, m := range valueOf(model.Ref{Type: &model.Type{Kind: model.Map, Element: anything}}, one).fields {
			parts = append(parts, quote(m.name)+": "+goAny(m.value.scalar))
		}
		return list("map[string]any{", parts, "}", "\t", ",")
	case []any:
		for _, item := range one {
			parts = append(parts, goAny(item))
		}
		return list("[]any{", parts, "}", "\t", ",")
	}
	return quote(example)
}

var anything = &model.Ref{Type: &model.Type{Kind: model.Any}}

// goType returns the type of a use of a type.
func goType(d *model.Document, ref model.Ref) string {
	t := ref.Type
	if ref.Name != "" {
		return "chaveiro." + golang.TypeName(d, ref.Name)
	}
	switch t.Kind {
	case model.Integer:
		if t.Format == "int64" {
			return "int64"
		}
		return "int"
	case model.Number:
		return "float64"
	case model.Boolean:
		return "bool"
	case model.DateTime:
		return "time.Time"
	case model.Array:
		return "[]" + goType(d, *t.Element)
	case model.Map:
		return "map[string]" + goType(d, *t.Element)
	case model.Any:
		return "any"
	}
	return "string"
}
