package openvpn

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kinds are the words of docs/models.md for the types of values.
var kinds = map[reflect.Type]string{
	reflect.TypeFor[string](): "text", reflect.TypeFor[int](): "number", reflect.TypeFor[bool](): "yes or no",
	reflect.TypeFor[Net](): "network", reflect.TypeFor[[]Net](): "list of networks", reflect.TypeFor[[]string](): "list of texts",
	reflect.TypeFor[File](): "file", reflect.TypeFor[Lines](): "lines",
}

// TestDocs_Values: the documentation has all values, in their order, with their kinds.
func TestDocs_Values(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^\\| `(\\.[A-Za-z0-9.]+)` \\| ([a-z ]+) \\| (.+) \\|$")
	var got []string
	for _, row := range rows.FindAllStringSubmatch(readDocs(t), -1) {
		got = append(got, row[1]+" "+row[2])
	}
	want := append(documented("", reflect.TypeFor[ServerValues]()), documented("", reflect.TypeFor[Net]())...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func documented(prefix string, values reflect.Type) (rows []string) {
	for i := range values.NumField() {
		field := values.Field(i)
		name := prefix + "." + field.Name
		if kind, ok := kinds[field.Type]; ok {
			rows = append(rows, name+" "+kind)
		} else {
			rows = append(rows, documented(name, field.Type)...)
		}
	}
	return rows
}

// TestDocs_Functions: the documentation has all functions, and no other.
func TestDocs_Functions(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(readDocs(t), "## Functions\n\n")
	section, _, _ = strings.Cut(section, ".")
	var got []string
	for _, name := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(section, -1) {
		got = append(got, name[1])
	}
	if diff := cmp.Diff(modelFunctions, slices.Sorted(slices.Values(got))); diff != "" {
		t.Error(diff)
	}
}

// TestDocs_Example: the example of the documentation renders.
func TestDocs_Example(t *testing.T) {
	t.Parallel()
	_, example, _ := strings.Cut(readDocs(t), "```\n")
	example, _, found := strings.Cut(example, "```")
	if text, err := RenderServer(example, sampleValues()); !found || err != nil || !strings.Contains(text, "ca ca.pem\n") {
		t.Errorf("%v: %s", err, text)
	}
}

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServerValues_Methods: a model can reach fields only; a method of a value would be a function.
func TestServerValues_Methods(t *testing.T) {
	t.Parallel()
	for _, values := range []reflect.Type{
		reflect.TypeFor[ServerValues](), reflect.TypeFor[Net](), reflect.TypeFor[File](), reflect.TypeFor[TLSValues](),
	} {
		for i := range values.NumMethod() {
			if name := values.Method(i).Name; modelFields[name] {
				t.Errorf("%s has a method with the name of a value: %s", values, name)
			}
		}
	}
}
