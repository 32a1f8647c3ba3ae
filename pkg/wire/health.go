package wire

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
)

// Check is one condition of readiness. Fault is empty when it holds.
type Check struct {
	Name  string `json:"name"`
	Fault string `json:"fault,omitempty"`
}

// healthy answers that the process runs.
func healthy(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readiness answers whether the service can serve, and 503 with the reasons when it can't.
func readiness(ready func(context.Context) []Check) echo.HandlerFunc {
	return func(c echo.Context) error {
		checks := ready(c.Request().Context())
		status, summary := http.StatusOK, "ready"
		for _, check := range checks {
			if check.Fault != "" {
				status, summary = http.StatusServiceUnavailable, "not ready"
			}
		}
		return c.JSON(status, map[string]any{"status": summary, "checks": checks})
	}
}
