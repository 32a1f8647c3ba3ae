package wire

import (
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// untraced are the paths that programs ask all the time, and that tell nothing.
var untraced = []string{"/healthz", "/readyz", "/metrics"}

// traced makes a span of each request, below the one that the caller names in traceparent. The
// context of the request carries it.
func traced(tracer spans.Tracer) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			request := c.Request()
			if slices.Contains(untraced, c.Path()) {
				return next(c)
			}
			ctx, span := tracer.Receive(request.Context(), request.Header, request.Method)
			defer span.End()
			c.SetRequest(request.WithContext(ctx))
			err := next(c)
			operation := ""
			if op := oas.OperationOf(c); op != nil {
				operation = op.ID
			}
			span.Request(request.Method, c.Path(), operation, c.Response().Header().Get(echo.HeaderXRequestID))
			span.Answer(c.Response().Status)
			return err
		}
	}
}
