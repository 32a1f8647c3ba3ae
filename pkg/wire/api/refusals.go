package api

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// refusals records every answer 401 and 403, and every refused request for a token. It comes before
// the authenticator, because that may be what refuses.
type refusals struct{ service *audit.Refusals }

func (r refusals) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		for _, fault := range domain.Faults(err) {
			denied := fault.Kind == domain.Unauthenticated || fault.Kind == domain.Forbidden
			if !denied && !signsIn(c) {
				continue
			}
			scope := domain.Scope(oas.OperationOf(c).Scope)
			if !scope.Known() { // the operation is public, or on the caller itself
				scope = domain.ResourceTokens
			}
			id, _ := strconv.ParseInt(c.Param("id"), 10, 64)
			if wait := r.service.Record(c.Request().Context(), scope, max(id, 0), fault); denied {
				fault.Wait = max(fault.Wait, wait)
			}
			break
		}
		return err
	}
}

// signsIn reports whether a request asks for a token: the public operations with POST are all for
// that.
func signsIn(c echo.Context) bool {
	operation := oas.OperationOf(c)
	return operation.Public && operation.Method == http.MethodPost
}
