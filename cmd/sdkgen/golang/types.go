package golang

import (
	"fmt"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// documentView turns one document into what the templates see.
type documentView struct {
	*generator
	document *model.Document
	types    []typeView
	groups   []groupView
}

// typeView is a type of the SDK.
type typeView struct {
	Comment  string
	Name     string
	Kind     model.Kind
	Fields   []fieldView
	Fixed    []valueView // the fields that have one value only, which is sent when they are empty
	Values   []valueView
	Scalars  []scalarView // the variants of a oneOf that need a type of their own
	Variants []string     // the names of all variants
	Base     string       // what Name is a name of, unless it is an object, an enum or a oneOf
}

type fieldView struct{ Comment, Name, Type, Tag string }

type valueView struct{ Name, Value string }

type scalarView struct{ Name, Type string }

// addTypes adds the types that operations send or answer.
func (d *documentView) addTypes() {
	for _, t := range d.document.Types {
		if t.InRequest || t.InResponse {
			d.types = append(d.types, d.typeView(t))
		}
	}
}

func (d *documentView) typeView(t *model.Type) typeView {
	view := typeView{Name: typeName(d.document, t.Name), Kind: t.Kind}
	d.claim(view.Name, t.At)
	view.Comment = comment(0, d.typeComment(view.Name, t), sentence(t.Doc))
	switch t.Kind {
	case model.Object:
		for _, field := range t.Fields {
			view.Fields = append(view.Fields, d.fieldView(t, field))
			if isFixed(t, field) {
				view.Fixed = append(view.Fixed, valueView{exported(field.Name), field.Type.Type.Values[0]})
			}
		}
	case model.Enum:
		for _, value := range t.Values {
			name := view.Name + exported(value)
			d.claim(name, t.At)
			view.Values = append(view.Values, valueView{name, value})
		}
	case model.OneOf:
		d.addVariants(&view, t)
	default:
		view.Base = d.goType(model.Ref{Type: t}, t.At)
	}
	return view
}

func (d *documentView) typeComment(name string, t *model.Type) string {
	from := fmt.Sprintf("the schema %s of the document %s", t.Name, d.document.Title)
	switch {
	case t.Kind == model.Enum:
		return name + " is " + from + ". A newer server may have more values."
	case t.InRequest && !t.InResponse:
		return name + " is sent: " + from + "."
	}
	return name + " is " + from + "."
}

// addVariants adds the variants of a oneOf: an interface that each of them implements.
func (d *documentView) addVariants(view *typeView, t *model.Type) {
	if t.InResponse {
		d.fault(t.At, "%s is a oneOf in an answer, which is not understood", t.Name)
	}
	for _, variant := range t.Variants {
		if variant.Name != "" && variant.Type.Kind == model.Object {
			view.Variants = append(view.Variants, typeName(d.document, variant.Name))
			continue
		}
		name := view.Name + exported(string(variant.Type.Kind))
		d.claim(name, t.At)
		view.Scalars = append(view.Scalars, scalarView{name, d.goType(variant, t.At)})
		view.Variants = append(view.Variants, name)
	}
}

func (d *documentView) fieldView(owner *model.Type, field model.Field) fieldView {
	view := fieldView{Name: exported(field.Name), Type: d.goType(field.Type, field.At), Tag: field.Name}
	text := sentence(field.Doc)
	switch {
	case field.Type.Name != "" && field.Doc == field.Type.Type.Doc:
		text = firstSentence(text) // the type has it all
	case field.Type.Name == "" && (owner.InRequest || field.Type.Type.Kind == model.Enum):
		text = withLimits(text, field.Type.Type)
	}
	if isFixed(owner, field) {
		text += " Empty: it is sent nevertheless."
	}
	view.Comment = comment(1, text)
	switch {
	case field.Required && !field.Nullable:
	case owner.InRequest && !field.Required:
		view.Type = "Optional[" + view.Type + "]"
		view.Tag += ",omitzero"
	case !isNilable(field.Type.Type.Kind):
		view.Type = "*" + view.Type
	}
	return view
}

// isFixed reports whether a field that is sent has one value only, as the type of a grant has.
func isFixed(owner *model.Type, field model.Field) bool {
	t := field.Type.Type
	return owner.InRequest && field.Required && !field.Nullable && t.Kind == model.Enum && len(t.Values) == 1
}

// isNilable reports whether the Go type of a kind has nil.
func isNilable(kind model.Kind) bool {
	switch kind {
	case model.Array, model.Map, model.Any, model.OneOf, model.Bytes:
		return true
	}
	return false
}

// goType returns the Go type of a use of a type.
func (d *documentView) goType(ref model.Ref, at string) string {
	if ref.Name != "" {
		return typeName(d.document, ref.Name)
	}
	switch t := ref.Type; t.Kind {
	case model.String, model.Enum:
		return "string"
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
	case model.Date:
		return "string"
	case model.Array:
		return "[]" + d.goType(*t.Element, at)
	case model.Map:
		return "map[string]" + d.goType(*t.Element, at)
	case model.Any:
		return "any"
	default:
		d.fault(at, "%s is not understood here", t.Kind)
		return "any"
	}
}
