package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// requestInfo is what handlers need of the request and the answer in addition to what the document
// declares.
type requestInfo struct {
	accept    string
	follows   bool   // the answer is to be a stream of events
	lastEvent string // that a client which follows knows
	byCookie  bool   // the credential was a cookie
	// setCookie adds a session cookie to the answer.
	setCookie func(name string, value domain.Secret, life time.Duration)
}

type requestInfoKey struct{}

// withRequest passes the requestInfo, and the origin of the request, to what comes after it.
func withRequest(secure func(echo.Context) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			accept := strings.Join(c.Request().Header.Values(echo.HeaderAccept), ",")
			info := requestInfo{
				accept: accept,
				setCookie: func(name string, value domain.Secret, life time.Duration) {
					c.SetCookie(sessionCookie(name, value, life, secure(c)))
				},
			}
			if info.follows = followsEvents(c.Request(), accept); info.follows {
				info.lastEvent = lastEvent(c.Request())
			}
			c.Response().Header().Set(echo.HeaderCacheControl, noStore) // unless the operation says otherwise
			address, _ := netip.ParseAddr(c.RealIP())
			origin := domain.Origin{
				Operation: oas.OperationOf(c).ID, Address: address.Unmap(), RequestID: requestID(c),
				TraceID: spans.TraceOf(c.Request().Context(), c.Request().Header),
			}
			ctx := domain.WithOrigin(context.WithValue(c.Request().Context(), requestInfoKey{}, info), origin)
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

func infoOf(ctx context.Context) requestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(requestInfo)
	return info
}

// withCookies notes whether the credential was a cookie.
func withCookies(ctx context.Context, byCookie bool) context.Context {
	info := infoOf(ctx)
	info.byCookie = byCookie
	return context.WithValue(ctx, requestInfoKey{}, info)
}

// sparing keeps callers from taking away their own rights, unless self says that they mean it.
func sparing(self *bool) []access.Guard {
	if value(self) {
		return nil
	}
	return []access.Guard{access.SpareSelf}
}

const (
	accessCookie  = "access-token"
	refreshCookie = "refresh-token"
)

// sessionCookie makes a cookie that clients send to every path of the service and that scripts
// can't read. It is Secure only over https: a client over http would never send it back.
func sessionCookie(name string, value domain.Secret, life time.Duration, secure bool) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: string(value), Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}
