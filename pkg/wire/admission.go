package wire

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/api"
	"github.com/chaveiro/chaveiro/pkg/wire/pam"
)

const (
	// turnWait is how long a request waits for its turn before it is refused.
	turnWait = 5 * time.Second
	// maxWaiting is how many requests wait for their turn in a lane; more are refused at once.
	maxWaiting = 2048
	// maxLong is how many requests of many rows there are at once.
	maxLong = 32
)

// lane bounds how many requests of a kind are served at once. Who waits has a place in a queue and nothing else.
type lane struct {
	turns   chan struct{}
	waiting atomic.Int32
}

func newLane(size int) *lane { return &lane{turns: make(chan struct{}, size)} }

// enter waits for a turn. The error is a [domain.Unavailable].
func (l *lane) enter(ctx context.Context) error {
	select {
	case l.turns <- struct{}{}:
		return nil
	default:
	}
	if l.waiting.Add(1) > maxWaiting {
		l.waiting.Add(-1)
		return &domain.Unavailable{Err: domain.ErrOverloaded}
	}
	defer l.waiting.Add(-1)
	patience := time.NewTimer(turnWait)
	defer patience.Stop()
	select {
	case l.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return &domain.Unavailable{Err: domain.ErrOverloaded}
	}
}

func (l *lane) leave() { <-l.turns }

// admission keeps the kinds of requests apart, so that however many there are of one, the others find their turn. What anybody may ask for gets few
// turns: its answers are short work, and many who ask at once must not take the processors from those who have a credential.
type admission struct{ public, tokens, known, long *lane }

func newAdmission() admission {
	processors := runtime.GOMAXPROCS(0)
	return admission{
		public: newLane(max(4, 2*processors)), tokens: newLane(max(8, 4*processors)), known: newLane(max(128, 64*processors)), long: newLane(maxLong),
	}
}

// laneOf is nil for what says whether the process is well.
func (a admission) laneOf(c echo.Context) *lane {
	path := strings.TrimSuffix(c.Path(), "/")
	switch {
	case path == "/healthz" || path == "/readyz":
		return nil
	case strings.HasSuffix(path, "/oauth2/token"):
		return a.tokens
	case isLong(c.Request().Method, path):
		return a.long
	case !isDialect(path) || strings.HasSuffix(path, "/crl") || isStranger(c.Request()) && !strings.Contains(path, "/pam/device"):
		return a.public
	}
	return a.known
}

// isDialect reports whether the dialects answer for a route, in their own words.
func isDialect(path string) bool {
	return (strings.HasPrefix(path, api.Prefix+"/") || strings.HasPrefix(path, pam.Prefix+"/")) && !strings.Contains(path, "/openapi.")
}

// isStranger reports whether a request shows no credential where the api dialect has one.
func isStranger(r *http.Request) bool {
	return r.Header.Get("Authorization") == "" && r.Header.Get("Cookie") == ""
}

// isLong reports whether a request takes as long as its rows are many.
func isLong(method, path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case "/api/pam/devices/import", "/api/pam/devices/export", "/api/openvpn/cas/import":
		return true
	case "/api/pam/device", "/iso/pam/device":
		return method == http.MethodGet
	}
	return false
}

// middleware serves requests in their turn.
func (a admission) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		lane := a.laneOf(c)
		if lane == nil {
			return next(c)
		}
		if err := lane.enter(c.Request().Context()); err != nil {
			return err
		}
		leave := lane.leave
		if lane == a.known { // the others have more to lose: memory for long bodies, or time for those who have a credential
			leave = domain.HoldTurn(c.Request().Context(), leave)
		}
		defer leave()
		return next(c)
	}
}

// outside is the middleware for what belongs to no dialect: those do it where they know how to refuse.
func (a admission) outside(next echo.HandlerFunc) echo.HandlerFunc {
	admitted := a.middleware(next)
	return func(c echo.Context) error {
		if isDialect(c.Path()) {
			return next(c)
		}
		return admitted(c)
	}
}

// after puts one middleware inside another.
func after(outer, inner echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return outer(inner(next)) }
}
