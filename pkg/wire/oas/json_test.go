package oas

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{}", "[]", "1", "null", ` {"a": 1, "A": 2, "b": {"a": 1}} `, `[{"a": 1}, {"a": 1}]`, `"\u0000"`,
		`{"": 0, " ": 0}`, "1e400",
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32),
	} {
		if err := checkJSON([]byte(text), nil, nil); err != nil {
			t.Errorf("checkJSON(%s) = %v", text, err)
		}
	}
	for text, reason := range map[string]domain.Reason{
		"": domain.ReasonJSON, " ": domain.ReasonJSON, "{": domain.ReasonJSON, "{} {}": domain.ReasonJSON,
		"{}x": domain.ReasonJSON, "01": domain.ReasonJSON, "\xff": domain.ReasonJSON,
		`{"a": "` + "\xc3\x28" + `"}`: domain.ReasonJSON, `{"a" 1}`: domain.ReasonJSON, `{1: 1}`: domain.ReasonJSON,
		"[1,]": domain.ReasonJSON, "]": domain.ReasonJSON,
		strings.Repeat("[", 34) + strings.Repeat("]", 34): domain.ReasonJSON, strings.Repeat(`{"a":`, 33) + "1" +
			strings.Repeat("}", 33): domain.ReasonJSON,
		`{"a": 1, "a": 1}`: domain.ReasonDuplicateKey, `[{"a": {"b": 1, "c": 2, "b": 1}}]`: domain.ReasonDuplicateKey,
		`{"a": 1, "\u0061": 1}`: domain.ReasonDuplicateKey,
		`{"": 1, "": 2}`:        domain.ReasonDuplicateKey, `{"":100,""`: domain.ReasonDuplicateKey,
	} {
		fault, ok := errors.AsType[*domain.Error](checkJSON([]byte(text), nil, nil))
		if !ok || fault.Kind != domain.Malformed || fault.Reason != reason {
			t.Errorf("checkJSON(%s) = %+v, not %q", text, fault, reason)
		}
	}
}

// errLimit says that a text nests deeper than is allowed.
var errLimit = errors.New("too deep")

// read decodes a value as a reader does that keeps the first of equal keys, or else as one that
// keeps the last.
func read(decoder *json.Decoder, firstWins bool, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errLimit
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			member, err := read(decoder, firstWins, depth+1)
			if err != nil {
				return nil, err
			}
			if _, there := object[key.(string)]; !there || !firstWins {
				object[key.(string)] = member
			}
		}
		_, err = decoder.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := read(decoder, firstWins, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = decoder.Token()
		return list, err
	}
	return token, nil
}

func readText(text []byte, firstWins bool) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	return read(decoder, firstWins, 0)
}

// tokens counts the tokens of a text; equal keys that were dropped are missing in the count.
func tokens(text []byte) (count int) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	for {
		if _, err := decoder.Token(); err != nil {
			return count
		}
		count++
	}
}

// What is accepted means the same to every reader; what is refused is no JSON, nests too deep, or
// has a key twice.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a": 1, "a": 2}`, `{"a": [{"b": null}], "c": "\ud800"}`, "[1, 2, 3]", `{"\ud800": 1, "\ud801": 2}`, "{}{}",
		"\xef\xbb\xbf{}", `{"a": 1e400, "b": -0}`,
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("[", 40), `{"a": {"a": {"a": 1, "a": 1}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, firstErr := readText(text, true)
		last, lastErr := readText(text, false)
		if err := checkJSON(text, nil, nil); err != nil {
			plain := utf8.Valid(text) && json.Valid(text) && firstErr == nil && lastErr == nil
			if again, err := json.Marshal(first); plain && err == nil && tokens(again) == tokens(text) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		var whole any
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if err := errors.Join(firstErr, lastErr, decoder.Decode(&whole)); err != nil || !json.Valid(text) {
			t.Fatalf("accepted, and others can't read it: %v", err)
		}
		if !reflect.DeepEqual(first, last) || !reflect.DeepEqual(last, whole) {
			t.Fatalf("accepted, and readers differ:\n%v\n%v\n%v", first, last, whole)
		}
	})
}

func TestWholeNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[json.Number]json.Number{
		"0": "0", "-1": "-1", "1.0": "1", "1e0": "1", "1E2": "100", "10e-1": "1", "-0": "-0", "-0.0": "0",
		"9223372036854775807": "9223372036854775807",
		"9007199254740993.0":  "9007199254740993", "-9223372036854775808": "-9223372036854775808",
		"0.000000000000000000001e21": "1", "0e99999999999": "0",
		"0.5": "", "1e-1": "", "9223372036854775808": "", "-9223372036854775809": "", "1e400": "", "1e999999999": "",
		"1e-999999999": "", "9007199254740993.5": "",
		"1e-1000000": "", "1e-401": "", "0e-99999999999999999999": "0", "0.00e1000000": "0", "-0e1000000": "0",
		json.Number("1." + strings.Repeat("0", 500)): "",
	} {
		got, ok := wholeNumber(number)
		if ok != (want != "") || ok && got != want {
			t.Errorf("wholeNumber(%s) = %s, %v", number, got, ok)
		}
	}
}

func TestPruned(t *testing.T) {
	t.Parallel()
	schema := &openapi3.Schema{}
	err := schema.UnmarshalJSON([]byte(`{"type": "object", "properties": {
		"name": {"type": "string"}, "count": {"type": "integer"}, "ratio": {"type": "number"}, "free": {},
		"inner": {"type": "object", "properties": {"count": {"type": "integer"}}},
		"list": {"type": "array", "items": {"type": "object", "properties": {"count": {"type": "integer"}}}},
		"refs": {"type": "array", "items": {"oneOf": [{"type": "integer"}, {"type": "object", "properties": {"id": {"type": "integer"}}}]}},
		"ref": {"oneOf": [{"type": "object", "properties": {"id": {"type": "integer"}}}, {"type": "integer"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const text = `{"name": "a", "NAME": "b", "count": 1.0, "ratio": 1.0, "free": 1.0, "inner": {"count": 2e0, "Count": 3}, "list": [{"x": 1}, {"count": 4.0}], "y": null,
		"refs": [1.0, {"id": 2.0, "ID": 3, "superuser": true, "inner": {"id": 1}}, 3, {}], "ref": {"id": 5e0, "name": "evil"}}`
	value, err := readText([]byte(text), true)
	if err != nil {
		t.Fatal(err)
	}
	var faults domain.FaultList
	got := pruned(value, schema, nil, &faults)
	want := map[string]any{
		"name": "a", "count": json.Number("1"), "ratio": json.Number("1.0"), "free": json.Number("1.0"),
		"inner": map[string]any{"count": json.Number("2")},
		"list":  []any{map[string]any{}, map[string]any{"count": json.Number("4")}},
		"refs":  []any{json.Number("1"), map[string]any{"id": json.Number("2")}, json.Number("3"), map[string]any{}},
		"ref":   map[string]any{"id": json.Number("5")},
	}
	if diff := cmp.Diff(want, got); diff != "" || faults.Err() != nil {
		t.Errorf("faults %v, (-want +got):\n%s", faults.Err(), diff)
	}
	value, err = readText([]byte(`{"count": 1e30, "inner": {"count": 9223372036854775808}, "list": [{}, {"count": 1.5}],
		"refs": [1, 1e30, {"id": 0.5}], "ref": 1.5}`), true)
	if err != nil {
		t.Fatal(err)
	}
	pruned(value, schema, nil, &faults)
	var fields []string
	for _, fault := range domain.Faults(faults.Err()) {
		fields = append(fields, fault.Field)
	}
	if diff := cmp.Diff(
		[]string{"count", "inner.count", "list[1].count", "ref", "refs[1]", "refs[2].id"}, fields,
	); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
