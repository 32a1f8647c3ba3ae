package oas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// longestList is the most items that a list of a request may have. NewDocument demands a bound
// (maxItems) of every list, and none above this.
const longestList = domain.MaxFaults

// cutLists shortens every list that is too long for any operation to one item more than is allowed,
// because the filter collects the faults of all items, however many there are. An invalid body
// stays invalid: a list of that length is refused, unless it belongs to a field that no schema
// names. text is valid JSON.
func cutLists(text []byte) []byte {
	if bytes.Count(text, []byte{','}) <= longestList {
		return text
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return text
	}
	short, was := shortened(value)
	if !was {
		return text
	}
	cut, err := json.Marshal(short)
	if err != nil {
		return text
	}
	return cut
}

// shortened returns a value with its too long lists cut, and whether there was one.
func shortened(value any) (any, bool) {
	cut := false
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			short, was := shortened(member)
			v[key], cut = short, cut || was
		}
	case []any:
		if len(v) > longestList+1 {
			v, cut = v[:longestList+1], true
		}
		for i, item := range v {
			short, was := shortened(item)
			v[i], cut = short, cut || was
		}
		return v, cut
	}
	return value, cut
}

// checkLists demands that every list of a request has a bound.
func checkLists(body *openapi3.RequestBodyRef) error {
	if body == nil {
		return nil
	}
	media := body.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	return checkList(media.Schema.Value, nil)
}

func checkList(schema *openapi3.Schema, path []string) error {
	if len(path) > maxDepth {
		return nil // the schema is recursive
	}
	for name, property := range schema.Properties {
		if err := checkList(property.Value, append(path, name)); err != nil {
			return err
		}
	}
	for _, alternative := range schema.OneOf {
		if err := checkList(alternative.Value, append(path, "oneOf")); err != nil {
			return err
		}
	}
	if schema.Items == nil {
		return nil
	}
	if schema.MaxItems == nil || *schema.MaxItems > longestList {
		return fmt.Errorf("the list %s must have maxItems of at most %d", strings.Join(path, "."), longestList)
	}
	return checkList(schema.Items.Value, append(path, "items"))
}
