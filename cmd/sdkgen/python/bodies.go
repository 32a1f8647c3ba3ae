package python

import (
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

func (d *documentView) addBody(view *operationView, o model.Operation) {
	switch {
	case o.Body == nil:
	case o.Body.Binary:
		view.Content = o.Body.MediaType
		view.Args = append(view.Args, argView{Name: "content", Type: "Content"})
	case o.Body.MediaType != "application/json":
		d.fault(o.Body.At, "a body of %s is not understood", o.Body.MediaType)
	default:
		fields, ok := bodyFields(o.Body.Type.Type)
		if !ok {
			d.fault(o.Body.At, "a body of %s is not understood", o.Body.Type.Type.Kind)
		}
		var parts []string
		for _, field := range fields {
			arg := argView{
				Name: local(field.Name), Wire: field.Name, Type: d.pyType(field.Type, true, field.Doc, field.At),
				Doc: sentence(field.Doc) + limits(field.Type),
			}
			if field.Nullable {
				arg.Type += " | None"
			}
			if !field.Required {
				arg.Type, arg.Default = arg.Type+" | Unset", "UNSET"
			}
			view.Fields = append(view.Fields, arg)
			parts = append(parts, "\n                "+quote(field.Name)+": "+arg.Name+",")
		}
		view.Body = "{" + strings.Join(parts, "") + "\n            }"
	}
}

// bodyFields returns the fields of a body. Of several objects, of which it is one, they are all
// fields, and what each requires is required. It reports whether the body has fields.
func bodyFields(t *model.Type) ([]model.Field, bool) {
	switch t.Kind {
	case model.Object:
		return t.Fields, true
	case model.OneOf:
	default:
		return nil, false
	}
	var fields []model.Field
	required := map[string]int{}
	for _, variant := range t.Variants {
		if variant.Type.Kind != model.Object {
			return nil, false
		}
		for _, field := range variant.Type.Fields {
			if field.Required {
				required[field.Name]++
			}
			if !slices.ContainsFunc(fields, func(f model.Field) bool { return f.Name == field.Name }) {
				fields = append(fields, field)
			}
		}
	}
	for i := range fields {
		fields[i].Required = required[fields[i].Name] == len(t.Variants)
		if fields[i].Type.Type.Kind == model.Enum { // each object has a value of its own
			fields[i].Type = model.Ref{Type: &model.Type{Kind: model.String}}
		}
	}
	return fields, true
}
