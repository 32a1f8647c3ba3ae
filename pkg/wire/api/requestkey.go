package api

import (
	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

const headerRequestKey = "Idempotency-Key"

// withRequestKey adds the Idempotency-Key of a request to its origin, if the operation takes one.
// A dry run keeps nothing, so it has none. It comes after the request is validated and after
// withDryRun.
func withRequestKey(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		key := request.Header.Get(headerRequestKey)
		if key == "" || domain.OriginOf(request.Context()).DryRun || !oas.OperationOf(c).TakesHeader(headerRequestKey) {
			return next(c)
		}
		digest, err := oas.Digest(request)
		if err != nil {
			return err
		}
		origin := domain.OriginOf(request.Context())
		origin.Key = domain.RequestKey{Value: key, Digest: digest}
		c.SetRequest(request.WithContext(domain.WithOrigin(request.Context(), origin)))
		return next(c)
	}
}
