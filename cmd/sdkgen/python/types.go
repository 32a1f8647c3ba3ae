package python

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// documentView turns one document into what the templates see.
type documentView struct {
	*generator
	document *model.Document
	Module   string // of its models: "api", "vault"
	Types    []typeView
	groups   []groupView
}

// typeView is a class: of an object, or of an enum.
type typeView struct {
	Doc    string
	Name   string
	Enum   bool
	Reads  bool // it has from_dict
	Fields []fieldView
	Values []valueView
}

// fieldView is a field of a class. Read is the expression that reads it.
type fieldView struct{ Doc, Name, Wire, Type, Default, Read string }

type valueView struct{ Name, Value string }

func newDocumentView(g *generator, document *model.Document) *documentView {
	d := &documentView{generator: g, document: document, Module: document.Name}
	if document.Name == "pam" {
		d.Module = model.Vault
	}
	nested := d.nested()
	for _, t := range document.Types {
		if (t.Kind == model.Object || t.Kind == model.Enum) && (t.InResponse || slices.Contains(nested, t)) {
			d.Types = append(d.Types, d.typeView(t))
		}
	}
	for _, group := range document.Groups {
		d.groups = append(d.groups, d.groupView(group))
	}
	return d
}

// nested are the types within bodies and parameters. The fields of a body are arguments of a
// method.
func (d *documentView) nested() []*model.Type {
	var found []*model.Type
	for _, group := range d.document.Groups {
		for _, operation := range group.Operations {
			for _, p := range operation.Parameters {
				collect(p.Type, &found)
			}
			if operation.Body == nil {
				continue
			}
			fields, _ := bodyFields(operation.Body.Type.Type)
			for _, field := range fields {
				collect(field.Type, &found)
			}
		}
	}
	return found
}

// collect adds the types that a use of a type needs.
func collect(ref model.Ref, found *[]*model.Type) {
	t := ref.Type
	if t == nil || slices.Contains(*found, t) {
		return
	}
	*found = append(*found, t)
	for _, field := range t.Fields {
		collect(field.Type, found)
	}
	for _, variant := range t.Variants {
		collect(variant, found)
	}
	if t.Element != nil {
		collect(*t.Element, found)
	}
}

func (d *documentView) typeView(t *model.Type) typeView {
	doc := sentence(t.Doc)
	if doc == "" {
		doc = fmt.Sprintf("The schema %s of the document %s.", t.Name, d.document.Title)
	}
	view := typeView{Name: capital(t.Name), Reads: t.InResponse, Enum: t.Kind == model.Enum}
	if view.Enum {
		doc += " A newer server may have more values, which are read as texts."
		for _, value := range t.Values {
			view.Values = append(view.Values, valueView{constant(value), value})
		}
	}
	view.Doc = docstring(4, doc)
	for _, field := range t.Fields {
		view.Fields = append(view.Fields, d.fieldView(t, field))
	}
	return view
}

func (d *documentView) fieldView(owner *model.Type, field model.Field) fieldView {
	view := fieldView{Name: local(field.Name), Wire: field.Name}
	view.Doc = docstring(4, sentence(field.Doc)+limits(field.Type))
	view.Type = d.pyType(field.Type, !owner.InResponse, field.Doc, field.At)
	value := "data[" + quote(field.Name) + "]"
	if !field.Required {
		value = "data.get(" + quote(field.Name) + ")"
	}
	view.Read = d.read(field.Type, value, field.At)
	if field.Nullable || !field.Required {
		if view.Read != value {
			view.Read = "None if (value := " + value + ") is None else " + d.read(field.Type, "value", field.At)
		}
		view.Type += " | None"
	}
	switch {
	case field.Required:
	case owner.InResponse:
		view.Default = "None"
	default:
		view.Type, view.Default = view.Type+" | Unset", "UNSET"
	}
	return view
}

// read returns the expression that reads a value of JSON.
func (d *documentView) read(ref model.Ref, value, at string) string {
	switch ref.Type.Kind {
	case model.DateTime:
		return "read_datetime(" + value + ")"
	case model.Date:
		return "read_date(" + value + ")"
	case model.Object:
		return capital(ref.Name) + ".from_dict(" + value + ")"
	case model.Enum:
		if ref.Name != "" {
			return "read_enum(" + capital(ref.Name) + ", " + value + ")"
		}
	case model.Array:
		if element := d.read(*ref.Type.Element, "item", at); element != "item" {
			return "[" + element + " for item in " + value + "]"
		}
	case model.Map:
		if element := d.read(*ref.Type.Element, "item", at); element != "item" {
			return "{name: " + element + " for name, item in " + value + ".items()}"
		}
	case model.OneOf, model.Bytes:
		d.fault(at, "%s in an answer is not understood", ref.Type.Kind)
	}
	return value
}

// scalars are the Python types of the kinds that have no parts.
var scalars = map[model.Kind]string{
	model.String: "str", model.Enum: "str", model.Integer: "int", model.Number: "float", model.Boolean: "bool",
	model.DateTime: "datetime", model.Date: "date", model.Bytes: "bytes", model.Any: "Any",
}

// pyType returns the Python type of a use of a type. What is sent may be more than what is read:
// any sequence, a mapping instead of an object, a text instead of a date.
func (d *documentView) pyType(ref model.Ref, sent bool, doc, at string) string {
	t := ref.Type
	switch {
	case t.Kind == model.Enum && ref.Name != "":
		return capital(ref.Name) + " | str"
	case t.Kind == model.Object && sent:
		return capital(ref.Name) + " | Mapping[str, Any]"
	case t.Kind == model.Object:
		return capital(ref.Name)
	case t.Kind == model.Array && sent:
		return "Sequence[" + d.pyType(*t.Element, sent, "", at) + "]"
	case t.Kind == model.Array:
		return "list[" + d.pyType(*t.Element, sent, "", at) + "]"
	case t.Kind == model.Map:
		return "dict[str, " + d.pyType(*t.Element, sent, "", at) + "]"
	case t.Kind == model.OneOf:
		return d.union(t, sent, at)
	case sent && (t.Kind == model.DateTime || t.Kind == model.String && strings.Contains(doc+t.Doc, "ISO 8601")):
		return "datetime | str"
	}
	return scalars[t.Kind]
}

// union returns the type of a oneOf.
func (d *documentView) union(t *model.Type, sent bool, at string) string {
	var parts []string
	for _, variant := range t.Variants {
		for part := range strings.SplitSeq(d.pyType(variant, sent, "", at), " | ") {
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	return strings.Join(parts, " | ")
}

// limits says what values a type has, where it is written at its use.
func limits(ref model.Ref) string {
	t := ref.Type
	unit := map[model.Kind]string{model.String: " characters", model.Array: " items"}[t.Kind]
	switch {
	case ref.Name != "":
		return ""
	case t.Kind == model.Enum:
		return " One of " + strings.Join(t.Values, ", ") + "."
	case t.MaxLength != nil:
		return fmt.Sprintf(" At most %d%s.", *t.MaxLength, unit)
	case t.Minimum != nil && t.Maximum != nil:
		return fmt.Sprintf(" From %.0f to %.0f.", *t.Minimum, *t.Maximum)
	}
	return ""
}
