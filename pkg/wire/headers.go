package wire

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// hstsValue makes browsers use https for a year (RFC 6797).
const hstsValue = "max-age=31536000"

// headers sets what every answer has: browsers must not guess media types, and a client that came
// over https must stay with https. An answer to a caller that has shown a credential is for that
// caller alone, so no cache may store it, unless the operation itself sets how long it may be
// stored.
func headers(secure func(echo.Context) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			header := c.Response().Header()
			header.Set(echo.HeaderXContentTypeOptions, "nosniff")
			if secure(c) {
				header.Set(echo.HeaderStrictTransportSecurity, hstsValue)
			}
			c.Response().Before(func() {
				if header.Get(echo.HeaderCacheControl) == "" && isPersonal(c) {
					header.Set(echo.HeaderCacheControl, "no-store")
				}
			})
			return next(c)
		}
	}
}

// isPersonal reports whether an answer depends on the caller, or may contain a secret.
func isPersonal(c echo.Context) bool {
	r := c.Request()
	return domain.PrincipalOf(r.Context()).Kind != "" || !isStranger(r) || isDialect(c.Path()) &&
		!strings.HasSuffix(c.Path(), "/crl")
}

// headAsGet allows HEAD wherever GET is allowed (RFC 9110, section 9.3.2): the route of GET
// answers, and net/http leaves out the content but keeps its length where GET has it.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		get := r.Clone(oas.WithSentMethod(r.Context(), r.Method))
		get.Method = http.MethodGet
		next.ServeHTTP(w, get)
	})
}
