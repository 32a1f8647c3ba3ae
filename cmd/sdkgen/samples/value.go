package samples

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// A value is an example with its type: a scalar, or fields, or items.
type value struct {
	ref    model.Ref
	union  string // the name of the oneOf that ref is a variant of; "" of none
	scalar any
	fields []member
	items  []value
}

// A member is a field of an object, or an entry of a map, whose field is nil.
type member struct {
	name  string
	field *model.Field
	value value
}

func valueOf(ref model.Ref, example any) value {
	v := value{ref: ref, scalar: example}
	switch t := ref.Type; t.Kind {
	case model.OneOf:
		variant := valueOf(variantOf(t, example), example)
		variant.union = ref.Name
		return variant
	case model.Object:
		written, _ := example.(map[string]any)
		for _, field := range t.Fields {
			if one, ok := written[field.Name]; ok {
				v.fields = append(v.fields, member{field.Name, &field, valueOf(field.Type, one)})
			}
		}
	case model.Map:
		written, _ := example.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(written)) {
			v.fields = append(v.fields, member{name, nil, valueOf(*t.Element, written[name])})
		}
	case model.Array:
		written, _ := example.([]any)
		for _, one := range written {
			v.items = append(v.items, valueOf(*t.Element, one))
		}
	}
	return v
}

// variantOf returns the variant of a oneOf that an example is of; the first if it is of none.
func variantOf(t *model.Type, example any) model.Ref {
	i := slices.IndexFunc(t.Variants, func(v model.Ref) bool { return fits(v.Type, example) })
	return t.Variants[max(i, 0)]
}

// fits reports whether an example may be of a type, as far as variants differ.
func fits(t *model.Type, example any) bool {
	switch one := example.(type) {
	case string:
		return !slices.Contains([]model.Kind{model.Object, model.Array, model.Map, model.Boolean, model.Integer,
			model.Number}, t.Kind)
	case bool:
		return t.Kind == model.Boolean
	case []any:
		return t.Kind == model.Array
	case map[string]any:
		return t.Kind == model.Map || t.Kind == model.Object && fieldsFit(t, one)
	}
	return t.Kind == model.Integer || t.Kind == model.Number
}

func fieldsFit(t *model.Type, example map[string]any) bool {
	known := 0
	for _, field := range t.Fields {
		one, ok := example[field.Name]
		values := field.Type.Type.Values
		text, _ := one.(string)
		switch {
		case !ok && field.Required, ok && len(values) > 0 && !slices.Contains(values, text):
			return false
		case ok:
			known++
		}
	}
	return known == len(example)
}

// exampleOf returns the example of a parameter, otherwise a value that its type allows.
func exampleOf(p model.Parameter) any {
	t := p.Type.Type
	for _, example := range []any{p.Example, t.Example, t.Default} {
		if example != nil {
			return example
		}
	}
	switch {
	case len(t.Values) > 0:
		return t.Values[0]
	case t.Kind == model.Boolean:
		return true
	case t.Kind == model.Integer || t.Kind == model.Number:
		return 1
	}
	return p.Name
}

// quote returns a value as JSON. A text is also a literal of Python, TypeScript and Go.
func quote(scalar any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(scalar) // it was read from a document
	return strings.TrimSpace(out.String())
}

// plain returns a value as it stands in an address or a header.
func (v value) plain() string {
	if text, ok := v.scalar.(string); ok {
		return text
	}
	return quote(v.scalar)
}

// width is how long a line of a sample may be before it is broken.
const width = 72

// list writes parts between brackets: in one line when they fit, otherwise one a line. Last is what
// follows the last part in that case.
func list(open string, parts []string, end, indent, last string) string {
	line := open + strings.Join(parts, ", ") + end
	if len(parts) == 0 || len(line) <= width && !strings.Contains(line, "\n") {
		return line
	}
	text := strings.ReplaceAll(strings.Join(parts, ",\n"), "\n", "\n"+indent)
	return strings.TrimRight(open, " ") + "\n" + indent + text + last + "\n" + strings.TrimLeft(end, " ")
}
