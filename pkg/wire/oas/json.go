package oas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// maxDepth bounds how deep JSON may nest.
const maxDepth = 32

var errDepth = errors.New("JSON nests too deep")

// checkJSON accepts exactly one JSON value in UTF-8. It refuses an object with a duplicate key,
// because one reader takes the first value and another the last. It adds a fault for each key that
// is a slip, in the order of the text.
func checkJSON(data []byte, known *fields, slips *domain.FaultList) error {
	if !utf8.Valid(data) {
		return domain.Fault(domain.Malformed, "", domain.ReasonJSON)
	}
	w := walk{decoder: json.NewDecoder(bytes.NewReader(data)), slips: slips}
	w.decoder.UseNumber()
	_, err := w.value(known, 0)
	if err == nil {
		if _, err = w.decoder.Token(); err == io.EOF {
			return nil
		}
		err = errors.New("more than one JSON value")
	}
	if twice, ok := errors.AsType[keyTwice](err); ok {
		return domain.Fault(domain.Malformed, printable(string(twice)), domain.ReasonDuplicateKey)
	}
	return &domain.Error{Kind: domain.Malformed, Reason: domain.ReasonJSON, Err: err}
}

// keyTwice is the first key that appears twice in an object; it may be empty.
type keyTwice string

// Error implements error. It does not quote the key.
func (keyTwice) Error() string { return "a key twice in an object" }

// walk reads a JSON text. Its errors include keyTwice.
type walk struct {
	decoder *json.Decoder
	path    []string // of the value that is read; objects without known fields are not in it
	slips   *domain.FaultList
	unknown int // keys so far
}

// value reads one value, and says whether it is null.
func (w *walk) value(known *fields, depth int) (null bool, err error) {
	if depth > maxDepth {
		return false, errDepth
	}
	token, err := w.decoder.Token()
	if err != nil {
		return false, err
	}
	switch token {
	case json.Delim('{'):
		err = w.object(known, depth)
	case json.Delim('['):
		err = w.list(known, depth)
	}
	return token == nil, err
}

func (w *walk) list(known *fields, depth int) error {
	for i := 0; w.decoder.More(); i++ {
		if known != nil {
			w.path = append(w.path, strconv.Itoa(i))
		}
		if _, err := w.value(known, depth+1); err != nil {
			return err
		}
		if known != nil {
			w.path = w.path[:len(w.path)-1]
		}
	}
	_, err := w.decoder.Token()
	return err
}

func (w *walk) object(known *fields, depth int) error {
	seen := map[string]bool{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		key := token.(string) // a decoder inside an object gives keys as strings or fails
		if seen[key] {
			return keyTwice(key)
		}
		seen[key] = true
		if known != nil {
			w.path = append(w.path, key)
		}
		null, err := w.value(known.of(key), depth+1)
		if err != nil {
			return err
		}
		if known != nil {
			if !null && known.unknown(key) { // null is the same as leaving it out
				w.slip(known)
			}
			w.path = w.path[:len(w.path)-1]
		}
	}
	_, err := w.decoder.Token()
	return err
}

// slip adds the fault of the unknown key at the end of the path. Of a body with very many unknown
// keys it looks at the first ones only, because to compare them takes time.
func (w *walk) slip(known *fields) {
	if w.unknown++; w.unknown <= domain.MaxFaults {
		w.slips.Add(known.slip(w.path))
	}
}

// prune removes from the validated body every key that the schema does not name, and makes the
// result the request's only body: code that reads the bytes gets the same value.
func prune(request *http.Request, operation *Operation) error {
	kept, ok := request.Body.(interface{ ValidatedValue() any })
	if !ok {
		return nil
	}
	value := kept.ValidatedValue()
	if media := operation.route.Operation.RequestBody.Value.Content.Get("application/json"); media != nil &&
		media.Schema != nil {
		var faults domain.FaultList
		value = pruned(value, media.Schema.Value, nil, &faults)
		if err := faults.Err(); err != nil {
			return err
		}
	}
	request.Body = &validated{value: value}
	return nil
}

// pruned returns the value without unknown keys, and with integers written as integers. An integer
// beyond int64 is a fault, which the filter misses because it calculates in floating point.
func pruned(value any, schema *openapi3.Schema, path []string, faults *domain.FaultList) any {
	schema = branch(schema, value)
	if open(schema) {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			property, known := schema.Properties[key]
			if !known {
				delete(v, key)
				continue
			}
			v[key] = pruned(v[key], property.Value, append(path, key), faults)
		}
	case []any:
		for i, item := range v {
			if schema.Items != nil {
				v[i] = pruned(item, schema.Items.Value, append(path, strconv.Itoa(i)), faults)
			}
		}
	case json.Number:
		if !schema.Type.Is(openapi3.TypeInteger) {
			break
		}
		whole, ok := wholeNumber(v)
		if !ok {
			faults.Add(domain.Fault(domain.Invalid, fieldPath(path), domain.ReasonType, openapi3.TypeInteger))
		}
		return whole
	}
	return value
}

// open reports whether a schema says nothing of its value: the handler checks it by a [Body].
func open(schema *openapi3.Schema) bool {
	return schema.Type == nil && len(schema.Properties)+len(schema.OneOf)+len(schema.AllOf) == 0
}

// branch returns the alternative of a oneOf that has the value's type, or else schema. No document
// has two alternatives for objects.
func branch(schema *openapi3.Schema, value any) *openapi3.Schema {
	kind := openapi3.TypeInteger
	if _, ok := value.(map[string]any); ok {
		kind = openapi3.TypeObject
	}
	for _, alternative := range schema.OneOf {
		if alternative.Value.Type.Is(kind) {
			return alternative.Value
		}
	}
	return schema
}

// wholeNumber writes an integer without point and exponent: 1.0 and 1e0 are integers too, but
// generated code reads neither. It returns false if number is not an integer, or beyond int64.
func wholeNumber(number json.Number) (json.Number, bool) {
	if _, err := number.Int64(); err == nil {
		return number, true
	}
	if costly(string(number)) {
		return "0", !strings.ContainsAny(mantissa(string(number)), "123456789")
	}
	if rough, err := number.Float64(); err != nil || math.Abs(rough) >= 1<<63 {
		return number, false
	}
	exact, ok := new(big.Rat).SetString(string(number))
	if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
		return number, false
	}
	return json.Number(exact.Num().String()), true
}

// maxDigits bounds the length and the exponent of numbers that are calculated exactly: a million
// digits take milliseconds.
const maxDigits = 400

// costly reports whether a number would take long to calculate. Of such numbers only zeros are
// integers within int64, apart from spellings that do not occur in practice.
func costly(number string) bool {
	exponent, err := strconv.Atoi(strings.TrimLeft(number[len(mantissa(number)):], "eE"))
	return len(number) > maxDigits || exponent > maxDigits || exponent < -maxDigits || errors.Is(err, strconv.ErrRange)
}

// mantissa returns a number without its exponent.
func mantissa(number string) string {
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		return number[:i]
	}
	return number
}

// validated is a request body that is a value; its bytes are made when they are first read.
type validated struct {
	value any
	text  io.Reader
}

// ValidatedValue is what generated code binds.
func (b *validated) ValidatedValue() any { return b.value }

func (b *validated) Read(p []byte) (int, error) {
	if b.text == nil {
		text, err := json.Marshal(b.value)
		if err != nil {
			return 0, err
		}
		b.text = bytes.NewReader(text)
	}
	return b.text.Read(p)
}

func (b *validated) Close() error { return nil }
