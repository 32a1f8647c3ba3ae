package oas

import (
	"maps"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// fields are the fields that an object of a request may have. Nil stands for any fields.
type fields struct {
	inner map[string]*fields // what a field's object, or the objects of its list, may have
	names []name             // the same names, sorted
	// answered are the other fields that the answer has there, which no request can set.
	answered map[string]bool
}

// bodyFields returns the fields of an operation's body. With PUT none is merely answered: a client
// changes the record that it has read, and sends it back whole.
func bodyFields(method string, operation *openapi3.Operation) *fields {
	if operation.RequestBody == nil {
		return nil
	}
	var answer *openapi3.Schema
	if success := operation.Responses.Status(http.StatusOK); success != nil && method != http.MethodPut {
		answer = jsonSchema(success.Value.Content)
	}
	return fieldsOf(jsonSchema(operation.RequestBody.Value.Content), answer, 0)
}

func jsonSchema(content openapi3.Content) *openapi3.Schema {
	media := content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	return media.Schema.Value
}

// fieldsOf returns the fields of the object that a schema has, or that the items of its list have.
// answer is the schema of the same place in the answer; nil: there is none.
func fieldsOf(request, answer *openapi3.Schema, depth int) *fields {
	request, reference := objectOf(request)
	if request == nil || depth > maxDepth {
		return nil
	}
	answer, _ = objectOf(answer)
	if reference {
		answer = nil // what was read of the object that is meant may stand beside its id
	}
	known := &fields{
		inner:    make(map[string]*fields, len(request.Properties)),
		names:    namesOf(slices.Sorted(maps.Keys(request.Properties))),
		answered: map[string]bool{},
	}
	for text, property := range request.Properties {
		known.inner[text] = fieldsOf(property.Value, propertyOf(answer, text), depth+1)
	}
	if answer != nil {
		for text := range answer.Properties {
			if _, settable := known.inner[text]; !settable {
				known.answered[text] = true
			}
		}
	}
	return known
}

// objectOf returns the object with a closed list of fields that a schema has, or that the items of
// its list have; nil if there is none. It says whether a number may stand in its place: then the
// object is a reference.
func objectOf(schema *openapi3.Schema) (object *openapi3.Schema, reference bool) {
	for depth := 0; schema != nil && schema.Items != nil && depth < maxDepth; depth++ {
		schema = schema.Items.Value
	}
	if schema == nil {
		return nil, false
	}
	for _, alternative := range schema.OneOf {
		if alternative.Value.Type.Is(openapi3.TypeObject) {
			schema, reference = alternative.Value, true
		}
	}
	open := schema.AdditionalProperties
	if len(schema.Properties) == 0 || open.Schema != nil || open.Has != nil && *open.Has {
		return nil, false
	}
	return schema, reference
}

func propertyOf(schema *openapi3.Schema, text string) *openapi3.Schema {
	if schema == nil || schema.Properties[text] == nil {
		return nil
	}
	return schema.Properties[text].Value
}

// of returns what the value of a field may have.
func (f *fields) of(key string) *fields {
	if f == nil {
		return nil
	}
	return f.inner[key]
}

// unknown reports whether a key is none of the fields.
func (f *fields) unknown(key string) bool {
	if f == nil {
		return false
	}
	_, known := f.inner[key]
	return !known
}

// slip returns the fault of an unknown key; nil if it is ignored.
func (f *fields) slip(path []string) error {
	key := path[len(path)-1]
	if f.answered[key] {
		return domain.Fault(domain.Invalid, fieldPath(path), domain.ReasonAnswerOnly)
	}
	if near := nearest(key, f.names); near != "" {
		return domain.Fault(domain.Invalid, fieldPath(path), domain.ReasonField, near)
	}
	return nil
}
