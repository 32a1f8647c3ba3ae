package model

import (
	"slices"
	"strings"
)

// pages reads x-pagination; nil without one.
func (r *reader) pages(operation *Operation) *Pages {
	value, ok := operation.Extensions["x-pagination"]
	if !ok {
		return nil
	}
	written, _ := value.(map[string]any)
	pages := &Pages{}
	for name, target := range map[string]*string{
		"request": &pages.Request, "current": &pages.Current, "next": &pages.Next, "previous": &pages.Previous,
		"items": &pages.Items,
	} {
		if *target, ok = written[name].(string); !ok || *target == "" {
			r.fault(operation.At, "x-pagination of %s has no %s", operation.ID, name)
			return nil
		}
	}
	named := func(p Parameter) bool { return p.In == "query" && p.Name == pages.Request }
	if !slices.ContainsFunc(operation.Parameters, named) {
		r.fault(operation.At, "%s has no parameter %q of its x-pagination", operation.ID, pages.Request)
		return nil
	}
	if len(operation.Results) != 1 || operation.Results[0].Type == nil {
		r.fault(operation.At, "%s has pages and not one answer of JSON", operation.ID)
		return nil
	}
	answer := *operation.Results[0].Type
	pages.Cursor = r.pointed(operation, answer, pages.Current)
	r.pointed(operation, answer, pages.Next)
	r.pointed(operation, answer, pages.Previous)
	items := r.pointed(operation, answer, pages.Items)
	if items.Type == nil {
		return nil
	}
	if items.Type.Kind != Array {
		r.fault(operation.At, "%s of x-pagination of %s is no array", pages.Items, operation.ID)
		return nil
	}
	pages.Item = *items.Type.Element
	return pages
}

// pointed returns the type that a JSON pointer leads to.
func (r *reader) pointed(operation *Operation, ref Ref, pointer string) Ref {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		i := slices.IndexFunc(ref.Type.Fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			r.fault(operation.At, "%s of x-pagination of %s leads nowhere", pointer, operation.ID)
			return Ref{}
		}
		ref = ref.Type.Fields[i].Type
	}
	return ref
}
