package api

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// refusals records every answer 401 and 403. It stands before the authenticator, which may be the one that refuses.
type refusals struct{ service *service.Refusals }

func (r refusals) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		for _, fault := range domain.Faults(err) {
			if fault.Kind != domain.Unauthenticated && fault.Kind != domain.Forbidden {
				continue
			}
			scope := domain.Scope(oas.OperationOf(c).Scope)
			if !scope.Known() { // the operation is public, or about oneself
				scope = domain.ResourceTokens
			}
			id, _ := strconv.ParseInt(c.Param("id"), 10, 64)
			wait := r.service.Record(c.Request().Context(), scope, max(id, 0), fault)
			fault.Wait = max(fault.Wait, wait)
			break
		}
		return err
	}
}
