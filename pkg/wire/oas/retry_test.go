package oas_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

func TestSetRetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 90 * time.Second: "90",
	} {
		answer := httptest.NewRecorder()
		oas.SetRetryAfter(echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), answer), wait)
		if got := answer.Header().Get(echo.HeaderRetryAfter); got != want {
			t.Errorf("%s: %q, not %s", wait, got, want)
		}
	}
}
