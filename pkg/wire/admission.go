package wire

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
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
	// maxLongEach is how many of them one caller has.
	maxLongEach = 24
)

// lane bounds how many requests of a kind are served at once. Who waits has a place in a queue and
// nothing else.
type lane struct {
	turns   chan struct{}
	waiting atomic.Int32 // requests that wait for a turn; each counts itself while it waits
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

// admission keeps the kinds of requests apart, so that however many there are of one, the others
// find their turn. What anybody may ask for gets few turns: its answers are short work, and many
// who ask at once must not take the processors from those who have a credential.
type admission struct {
	public, tokens, known, long *lane
	bodies                      *bodies
	shares                      *turns.Turns // of long, for those who are known
}

func newAdmission() admission {
	processors := runtime.GOMAXPROCS(0)
	return admission{
		public: newLane(max(4, 2*processors)), tokens: newLane(max(8, 4*processors)),
		known: newLane(max(128, 64*processors)), long: newLane(maxLong),
		bodies: &bodies{},
		shares: turns.New(bounded.TurnBounds{Workers: maxLong, Each: maxLongEach, Queue: 1, Total: maxLong}, 0),
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
	case !isDialect(path) || strings.HasSuffix(path, "/crl") || isStranger(c.Request()) &&
		!strings.Contains(path, "/pam/device"):
		return a.public
	}
	return a.known
}

// isDialect reports whether the dialects answer for a route, in their own words.
func isDialect(path string) bool {
	return (strings.HasPrefix(path, api.Prefix+"/") || strings.HasPrefix(path, pam.Prefix+"/")) &&
		!strings.Contains(path, "/openapi.")
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

// visit is what a request has of an admission until it ends.
type visit struct {
	lane   *lane
	inside atomic.Bool // whether it has a turn; of those that give it back at once one does
	bodies []*body
	cut    error // that of a body that was cut off
}

const visitKey = "wire.visit"

func (v *visit) enter(ctx context.Context) error {
	if err := v.lane.enter(ctx); err != nil {
		return err
	}
	v.inside.Store(true)
	return nil
}

// leave gives the turn back, if there is one.
func (v *visit) leave() bool {
	had := v.inside.CompareAndSwap(true, false)
	if had {
		v.lane.leave()
	}
	return had
}

// begin is the outermost middleware. It serves what belongs to no dialect in its turn; the dialects
// do so where they know how to refuse.
func (a admission) begin(next echo.HandlerFunc) echo.HandlerFunc {
	admitted := a.middleware(next)
	return func(c echo.Context) error {
		v := &visit{}
		c.Set(visitKey, v)
		defer a.end(v)
		if isDialect(c.Path()) {
			return next(c)
		}
		return admitted(c)
	}
}

func (a admission) end(v *visit) {
	v.leave()
	for _, one := range v.bodies {
		a.bodies.end(one)
	}
}

// middleware serves requests in their turn.
func (a admission) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := c.Get(visitKey).(*visit)
		if v.lane = a.laneOf(c); v.lane == nil {
			return next(c)
		}
		ctx := c.Request().Context()
		if err := v.enter(ctx); err != nil {
			return err
		}
		defer v.leave()
		// the others have more to lose: memory for long bodies, or time for those who have a
		// credential
		if v.lane == a.known {
			domain.HoldTurn(ctx, func() { v.leave() })
		}
		return next(c)
	}
}

// share keeps one caller from having all turns of long requests. It comes after authentication.
func (a admission) share(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !isLong(c.Request().Method, c.Path()) {
			return next(c)
		}
		return a.shares.Do(c.Request().Context(), func() error { return next(c) })
	}
}

// after puts one middleware inside another.
func after(outer, inner echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return outer(inner(next)) }
}
