package oas

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

// BenchmarkValidate measures the check of a request that is as it should be.
func BenchmarkValidate(b *testing.B) {
	spec, err := openapi3.NewLoader().LoadFromData([]byte(things))
	if err != nil {
		b.Fatal(err)
	}
	document, err := NewDocument(spec, "/v1")
	if err != nil {
		b.Fatal(err)
	}
	e := echo.New()
	group := e.Group("/v1", document.Find, document.Validate(readAll))
	done := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	group.POST("/things", done)
	group.GET("/things", done)
	body := `{"name": "ab", "colour": "red", "address": "192.0.2.7", "mail": "a@example.com", "count": 2,
		"data": {"value": 1}, "list": [{"value": 1}, {"value": 2}, {"value": 3}], "refs": [1, {"id": 2}]}`
	for name, request := range map[string]func() *http.Request{
		"query": func() *http.Request { return httptest.NewRequest("GET", "/v1/things?kind=a&size=15", nil) },
		"body": func() *http.Request {
			r := httptest.NewRequest("POST", "/v1/things", strings.NewReader(body))
			r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
			return r
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				recorder := httptest.NewRecorder()
				if e.ServeHTTP(recorder, request()); recorder.Code != http.StatusOK {
					b.Fatal(recorder.Code, recorder.Body)
				}
			}
		})
	}
}
