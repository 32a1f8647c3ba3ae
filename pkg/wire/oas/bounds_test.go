package oas

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestCutLists: only lists that are too long for any operation are cut.
func TestCutLists(t *testing.T) {
	t.Parallel()
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]" }
	for text, want := range map[string]string{
		`{"a": 1.0}`: `{"a": 1.0}`, `{"a": ` + list(1000) + `}`: `{"a": ` + list(1000) + `}`,
		`{"a": ` + list(80000) + `, "b": 1e400}`:           `{"a": ` + list(1001) + `, "b": 1e400}`,
		`{"b": {"c": [1, ` + list(2000) + `]}}`:            `{"b": {"c": [1, ` + list(1001) + `]}}`,
		`{"a": ` + list(600) + `, "b": ` + list(600) + `}`: `{"a": ` + list(600) + `, "b": ` + list(600) + `}`,
	} {
		if got := decoded(t, string(cutLists([]byte(text)))); !reflect.DeepEqual(got, decoded(t, want)) {
			t.Errorf("%.60s… is cut to %.60s…", text, got)
		}
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
