package oas

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestBody_Read: a value gets the faults, and gives the fields, that it has as the body of a
// request.
func TestBody_Read(t *testing.T) {
	t.Parallel()
	spec, err := openapi3.NewLoader().LoadFromData([]byte(things))
	if err != nil {
		t.Fatal(err)
	}
	document, err := NewDocument(spec, "/v1")
	if err != nil {
		t.Fatal(err)
	}
	body, err := document.BodyOf("createThing")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{"name": "abc", "count": 2.0, "data": {"value": 1e0}}`, `{}`, `{"name": null}`, `{"name": "a", "mail": "x"}`,
		`{"name": "ABC", "colour": "green", "count": 0}`, `{"nmae": "abc"}`, `{"name": "abc", "id": 1}`,
		`{"name": "abc", "list": [{"value": 99999999999999999999}, {}]}`, `{"name": "abc", "NAME": "x"}`,
	} {
		var got, want map[string]any
		gotErr := body.Read([]byte(text), &got)
		request := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/things", strings.NewReader(text))
		request.Header.Set("Content-Type", "application/json")
		wantErr := serve(t, request, func(c echo.Context) error {
			return json.NewDecoder(c.Request().Body).Decode(&want)
		})
		delete(got, "colour")
		delete(want, "colour") // its default
		if diff := cmp.Diff(faultTexts(wantErr), faultTexts(gotErr)) + cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-request +value):\n%s", text, diff)
		}
	}
	for _, text := range []string{"null", "7", `"x"`, "[]"} {
		fault := domain.Faults(body.Read([]byte(text), nil))
		if len(fault) != 1 || fault[0].Kind != domain.Invalid || fault[0].Reason != domain.ReasonType {
			t.Errorf("%s: %v", text, fault)
		}
	}
	for _, none := range []string{"nothing", "listThings"} {
		if _, err := document.BodyOf(none); err == nil {
			t.Errorf("%s has a body", none)
		}
	}
}

func faultTexts(err error) (texts []string) {
	for _, fault := range domain.Faults(err) {
		texts = append(texts, fault.Error())
	}
	return texts
}
