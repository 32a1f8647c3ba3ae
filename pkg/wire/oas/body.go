package oas

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Body is what the body of an operation may be, for values that come in another way, as one of many
// in a list whose schema leaves the items open.
type Body struct {
	schema *openapi3.Schema
	fields *fields
}

// BodyOf returns the body of an operation that takes an object in JSON. It fails if there is no
// such operation.
func (d *Document) BodyOf(operationID string) (Body, error) {
	for _, operation := range d.operations {
		body := operation.route.Operation.RequestBody
		if operation.ID == operationID && body != nil && operation.fields != nil {
			return Body{jsonSchema(body.Value.Content), operation.fields}, nil
		}
	}
	return Body{}, fmt.Errorf("oas: no operation %s takes an object", operationID)
}

var visitOptions = append(
	[]openapi3.SchemaValidationOption{openapi3.VisitAsRequest(), openapi3.MultiErrors()},
	filterOptions.SchemaValidationOptions...,
)

// Read checks a value that is part of a body that was read, and decodes it into v. The faults are
// those that a request with the value as its body would have, save that a value that is no object
// has one that is not Malformed. Errors: *domain.Error, joined.
func (b Body) Read(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	if _, ok := value.(map[string]any); !ok {
		return domain.Fault(domain.Invalid, "", domain.ReasonType, openapi3.TypeObject)
	}
	var faults, slips domain.FaultList
	if err := checkJSON(text, b.fields, &slips); err != nil {
		return err
	}
	schemaFaults(b.schema.VisitJSON(value, visitOptions...), &faults)
	if faults.Err() == nil {
		value = pruned(value, b.schema, nil, &faults)
	}
	faults.Add(slips.Err())
	if err := faults.Err(); err != nil {
		return err
	}
	checked, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(checked, v)
}
