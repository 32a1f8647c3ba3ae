package wire

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

const (
	defaultTimeout = 30 * time.Second
	// longTimeout is for requests of many rows. It leaves time to answer before the connection is
	// cut.
	longTimeout = 170 * time.Second
)

// deadline bounds the time of every request. After its deadline nothing more is done for a request;
// above all, nothing is stored.
func deadline(timeout time.Duration) echo.MiddlewareFunc {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			length := timeout
			if isLong(c.Request().Method, c.Path()) {
				length = max(timeout, longTimeout)
			}
			ctx, cancel := domain.WithAllowance(c.Request().Context(), length)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}
