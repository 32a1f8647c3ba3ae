package typescript

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// documentView turns one document into what the templates see.
type documentView struct {
	*generator
	document *model.Document
	types    []typeView
	groups   []groupView
}

// typeView is a type of the SDK, and its shape.
type typeView struct {
	Comment string
	Name    string
	Fields  []fieldView // of an object
	Base    string      // what Name is a name of, unless it is an object
	Shape   string      // of what is no object: an expression; "" of an object
	Wire    []wireView  // the fields of the shape
}

// fieldView is a field of a type, or of the parameters of a method.
type fieldView struct {
	Comment, Name, Type string
	Optional            bool
}

// wireView is a field of a shape: its names, and an expression; "" when the value is the same.
type wireView struct{ Wire, Name, Shape string }

// addTypes adds the types that operations send or answer.
func (d *documentView) addTypes() {
	for _, t := range d.document.Types {
		if t.InRequest || t.InResponse {
			d.types = append(d.types, d.typeView(t))
		}
	}
}

func (d *documentView) typeView(t *model.Type) typeView {
	view := typeView{Name: typeName(d.document, t.Name)}
	d.claim(view.Name, t.At)
	view.Comment = comment(0, sentence(t.Doc), d.source(t))
	switch t.Kind {
	case model.Object:
		names := map[string]string{}
		for _, field := range t.Fields {
			name := camel(field.Name)
			if other, ok := names[name]; ok {
				d.fault(field.At, "the fields %s and %s are both %s", other, field.Name, name)
			}
			names[name] = field.Name
			view.Fields = append(view.Fields, d.fieldView(t, field))
			view.Wire = append(view.Wire, wireView{field.Name, name, d.shape(field.Type)})
		}
	case model.OneOf:
		d.addVariants(&view, t)
	default:
		view.Base = d.tsType(model.Ref{Type: t}, t.InRequest, t.At)
		view.Shape = d.inlineShape(t)
	}
	return view
}

func (d *documentView) source(t *model.Type) string {
	text := fmt.Sprintf("Source: the schema %s of the document %s.", t.Name, d.document.Title)
	if t.Kind == model.Enum {
		text = "A newer server may have more values. " + text
	}
	return text
}

// addVariants adds the variants of a oneOf. Its shape has the fields of all that are objects.
func (d *documentView) addVariants(view *typeView, t *model.Type) {
	var bases []string
	known := map[string]string{}
	for _, variant := range t.Variants {
		bases = append(bases, d.tsType(variant, t.InRequest, t.At))
		for _, field := range variant.Type.Fields {
			shape := d.shape(field.Type)
			other, ok := known[field.Name]
			if ok && other != shape {
				d.fault(field.At, "%s has two forms in the variants of %s, which is not understood", field.Name, t.Name)
			}
			if !ok {
				view.Wire = append(view.Wire, wireView{field.Name, camel(field.Name), shape})
			}
			known[field.Name] = shape
		}
	}
	if t.InResponse && len(bases) > 1 {
		d.fault(t.At, "%s is a oneOf in an answer, which is not understood", t.Name)
	}
	view.Base = strings.Join(bases, " | ")
}

func (d *documentView) fieldView(owner *model.Type, field model.Field) fieldView {
	view := fieldView{Name: camel(field.Name), Type: d.tsType(field.Type, owner.InRequest, field.At)}
	text := sentence(field.Doc)
	switch {
	case field.Type.Name != "" && field.Doc == field.Type.Type.Doc:
		text = firstSentence(text) // the type has it all
	case field.Type.Name == "" && (owner.InRequest || field.Type.Type.Kind == model.Enum):
		text = withLimits(text, field.Type.Type)
	}
	view.Comment = comment(2, text)
	if field.Nullable {
		view.Type += " | null"
	}
	if view.Optional = !field.Required; view.Optional {
		view.Type += " | undefined"
	}
	return view
}

// tsType returns the TypeScript type of a use of a type. What is sent takes more than what comes.
func (d *documentView) tsType(ref model.Ref, sent bool, at string) string {
	if ref.Name != "" {
		return typeName(d.document, ref.Name)
	}
	switch t := ref.Type; t.Kind {
	case model.String, model.Date:
		return "string"
	case model.Enum:
		return enumType(t.Values)
	case model.Integer, model.Number:
		return "number"
	case model.Boolean:
		return "boolean"
	case model.DateTime:
		if sent {
			return "Date | string"
		}
		return "Date"
	case model.Array:
		element := d.tsType(*t.Element, sent, at)
		if strings.Contains(element, " ") {
			element = "(" + element + ")"
		}
		return element + "[]"
	case model.Map:
		return "Record<string, " + d.tsType(*t.Element, sent, at) + ">"
	case model.Any:
		return "unknown"
	default:
		d.fault(at, "%s is not understood here", t.Kind)
		return "unknown"
	}
}

// enumType returns the union of values. `string & {}` is any other text, of a newer server; editors
// offer the values nevertheless. One value alone is what tells variants apart.
func enumType(values []string) string {
	var texts []string
	for _, value := range values {
		texts = append(texts, strconv.Quote(value))
	}
	if len(texts) > 1 {
		texts = append(texts, "(string & {})")
	}
	return strings.Join(texts, " | ")
}

// shape returns the expression of the shape of a use of a type; "" when a value is the same on the
// wire and in the SDK.
func (d *documentView) shape(ref model.Ref) string {
	if ref.Name == "" {
		return d.inlineShape(ref.Type)
	}
	switch ref.Type.Kind {
	case model.Object, model.OneOf, model.Array, model.Map, model.DateTime:
		return typeName(d.document, ref.Name)
	}
	return ""
}

func (d *documentView) inlineShape(t *model.Type) string {
	switch t.Kind {
	case model.DateTime:
		return `"date"`
	case model.Array:
		if element := d.shape(*t.Element); element != "" {
			return "{ list: " + element + " }"
		}
		return "{ list: undefined }"
	case model.Map:
		if element := d.shape(*t.Element); element != "" {
			return "{ map: " + element + " }"
		}
		return "{ map: undefined }"
	}
	return ""
}
