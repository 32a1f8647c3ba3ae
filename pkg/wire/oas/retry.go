package oas

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// SetRetryAfter says when the client may try again, in whole seconds, rounded up: an earlier retry
// would be refused too (RFC 9110, section 10.2.3).
func SetRetryAfter(c echo.Context, wait time.Duration) {
	seconds := (wait + time.Second - 1) / time.Second
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.FormatInt(int64(seconds), 10))
}
