package oas

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// told are the slips of a request: what each fault says of a field.
func told(err error) []string {
	var list []string
	for _, one := range domain.Faults(err) {
		text := one.Field + ": " + string(one.Reason)
		for _, arg := range one.Args {
			if name, ok := arg.(string); ok {
				text += ": " + name
			}
		}
		list = append(list, text)
	}
	return list
}

func TestValidate_SlipsInBodies(t *testing.T) {
	t.Parallel()
	const unknown, answered = ": unknown field: ", ": field of answers only"
	for body, want := range map[string][]string{
		`{"name": "ab", "state": 1, "instance": {"nmae": 1}, "x": [{"id": 1}]}`: nil,
		`{"name": "ab", "Name": null, "id": null, "colours": null}`:             nil,
		`{"name": "ab", "made_at": 1, "Name": "b", "id": 7, "color": "red"}`: {
			"made_at" + answered, "Name" + unknown + "name", "id" + answered, "color" + unknown + "colour",
		},
		`{"name": "ab", "Id": 7, "madeAt": 1}`: nil,
		`{"nmae": "ab"}`:                       {"name: required", "nmae" + unknown + "name"},
		`{"name": "ab", "nam": 1, "name ": 2}`: {"nam" + unknown + "name", "name " + unknown + "name"},
		`{"name": "ab", "data": {"valeu": 1, "note": 2, "id": 3}}`: {
			"data.valeu" + unknown + "value", "data.note" + answered,
		},
		`{"name": "ab", "list": [{"value": 1}, {"value": 2, "Value": 3, "note": 4}]}`: {
			"list[1].Value" + unknown + "value", "list[1].note" + answered,
		},
		`{"name": "ab", "refs": [1, {"id": 2, "name": "x", "ids": 1}, {"id": 3, "ID": 4}]}`: {
			"refs[2].ID" + unknown + "id",
		},
		`{"name": "ab", "free": {"Name": 1, "id": 2}}`:        nil,
		`{"name": "ab", "data": {"value": 1e30}, "cuont": 1}`: {"data.value: wrong type: integer", "cuont" + unknown + "count"},
		`{"name": "ab", "nmae": 1, "other": 1, "other": 2}`:   {"other: key twice in JSON"},
		`[{"nmae": "ab"}]`: {": malformed JSON", "[0].nmae" + unknown + "name"},
	} {
		got := told(serve(t, jsonRequest(body), func(echo.Context) error { return nil }))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// With PUT a record may come back whole, as it was read.
func TestValidate_SlipsInRecords(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"id": 7, "name": "ab", "made_at": "x", "data": {"value": 1, "note": "x"}}`: nil,
		`{"id": 7, "nmae": "ab", "data": {"valu": 1, "note": "x"}}`: {
			"nmae: unknown field: name", "data.valu: unknown field: value",
		},
	} {
		request := httptest.NewRequest(http.MethodPut, "/v1/things/7", strings.NewReader(body))
		request.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
		got := told(serve(t, request, func(echo.Context) error { return nil }))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestValidate_UnknownParameters(t *testing.T) {
	t.Parallel()
	const unknown = ": unknown parameter: "
	for target, want := range map[string][]string{
		"/v1/parts?size=2":                      nil,
		"/v1/parts?sizes=&other&_=1&_size=x":    nil,
		"/v1/parts?Size=2&size=2":               {"Size" + unknown + "size"},
		"/v1/parts?s%69z=2&_=1":                 {"siz" + unknown + "size"},
		"/v1/parts?s%69ze=2":                    nil,
		"/v1/parts?size[]=2":                    {"size[]" + unknown + "size"},
		"/v1/parts?part-name=x":                 {"part-name" + unknown + "part_name"},
		"/v1/parts?x=1&x=2&a=1":                 {"a: no such parameter: size, part_name", "x: no such parameter: size, part_name"},
		"/v1/parts?=1":                          {": no such parameter: size, part_name"},
		"/v1/parts?%ff=1":                       {": no such parameter: size, part_name"},
		"/v1/parts?x=1&size=0":                  {"x: no such parameter: size, part_name", "size: too small"},
		"/v1/things/7?size=1":                   {"size: takes no parameters"},
		"/v1/things/0?size=1":                   {"size: takes no parameters", "id: too small"},
		"/v1/things?kind=a&knid=b&other=c&_=":   nil, // public
		"/v1/things?kind=a&x=%00&%zz&b;c&_=%ff": nil, // public
		"/v1/things?kind=a&kind=%zz":            {": malformed request"},
		"/v1/things?k%69nd=%00":                 {"kind: control character"},
		"/v1/parts?_=%00&size=2":                nil,
		"/v1/parts?x=%00&size=2":                {"x: control character"},
		"/v1/parts?%zz=1":                       {": malformed request"},
	} {
		err := serve(t, httptest.NewRequest(http.MethodGet, target, nil), func(c echo.Context) error {
			for text := range c.QueryParams() {
				if text != "size" && text != "kind" {
					t.Errorf("%s: the handler sees %q", target, text)
				}
			}
			return nil
		})
		got := told(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
		if err != nil && !domain.IsKind(err, domain.Malformed) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// A body of very many slips costs no more than one of some.
func TestValidate_ManySlips(t *testing.T) {
	t.Parallel()
	var near, far strings.Builder
	for range 5000 {
		near.WriteString(`{"Value": 1}, `)
		far.WriteString(`{"other": 1}, `)
	}
	known := fieldsOf(propertyOf(thingSchema(t), "list"), nil, 0)
	for text, want := range map[string]int{
		"[" + near.String() + `{}]`:                        domain.MaxFaults,
		"[" + far.String() + near.String() + `{}]`:         0,
		"[" + far.String()[:14*10] + near.String() + `{}]`: domain.MaxFaults - 10,
	} {
		var slips domain.FaultList
		if err := checkJSON([]byte(text), known, &slips); err != nil {
			t.Fatal(err)
		}
		if got := len(domain.Faults(slips.Err())); got != want {
			t.Errorf("%d slips, not %d", got, want)
		}
	}
}

// What is JSON is so whatever fields are known, and each slip is of a field that is not known, that
// has a value, and that a text can show.
func FuzzSlips(f *testing.F) {
	for _, seed := range []string{
		`{"Name": 1, "nam": null, "id": 2}`, `{"data": {"valeu": 1}, "list": [{"Value": [1]}], "refs": [{"ID": 1}]}`,
		`{"n\u0000ame": 1, "\ud800name": 2, "": 3}`, `[[{"nmae": 1}]]`, `{"list": [[{"value": 1, "values": 2}]]}`, "{",
	} {
		f.Add([]byte(seed))
	}
	known := fieldsOf(thingSchema(f), nil, 0)
	f.Fuzz(func(t *testing.T, text []byte) {
		var slips domain.FaultList
		err := checkJSON(text, known, &slips)
		if plain := checkJSON(text, nil, nil); (err == nil) != (plain == nil) {
			t.Fatalf("%v with known fields, %v without", err, plain)
		}
		for _, fault := range domain.Faults(slips.Err()) {
			key := fault.Field[strings.LastIndexByte(fault.Field, '.')+1:]
			if fault.Kind != domain.Invalid || !utf8.ValidString(fault.Field) || key == fault.Args[0] {
				t.Errorf("%+v", fault)
			}
		}
	})
}
