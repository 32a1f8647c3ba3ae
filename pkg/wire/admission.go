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
	"github.com/chaveiro/chaveiro/pkg/wire/ocsp"
	"github.com/chaveiro/chaveiro/pkg/wire/pam"
)

const (
	// turnWait is how long a request waits for its turn before it is refused. After that it may
	// wait 5 s for each connection to the database, and callers should not give up before.
	turnWait = 3 * time.Second
	// maxWaiting is how many requests wait for their turn in a lane; more are refused at once.
	maxWaiting = 2048
	// maxScrapes is how many requests for the metrics are served at once.
	maxScrapes = 4
	// maxLong is how many long requests, those of many rows, are served at once.
	maxLong = 32
	// maxLongEach is how many of these one caller may have at once.
	maxLongEach = 24
)

// lane bounds how many requests of one kind are served at once. A request that waits for its turn
// holds a place in the queue and nothing else.
type lane struct {
	turns   chan struct{}
	waiting atomic.Int32 // requests that wait for a turn; each counts itself while it waits
}

func newLane(size int) *lane { return &lane{turns: make(chan struct{}, size)} }

// enter waits for a turn. Errors: [domain.Unavailable] if too many requests wait already, or if no
// turn is free within turnWait; that of ctx.
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

// admission serves each kind of request in a lane of its own, so that however many requests of one
// kind there are, those of the other kinds get a turn. Requests that anybody may make get few
// turns: answering them is little work, and many of them at once must not take the processors from
// callers that have a credential. Those for the status of a certificate get more: most of them wait
// for one query of the database, which they share. The metrics are asked for when all others wait.
type admission struct {
	public, metrics, status, tokens, known, long *lane
	bodies                                       *bodies
	shares                                       *turns.Turns // divides the turns of long among authenticated callers
}

func newAdmission() admission {
	processors := runtime.GOMAXPROCS(0)
	return admission{
		public: newLane(max(4, 2*processors)), metrics: newLane(maxScrapes), status: newLane(max(16, 8*processors)),
		tokens: newLane(max(8, 4*processors)), known: newLane(max(128, 64*processors)), long: newLane(maxLong),
		bodies: &bodies{},
		shares: turns.New(bounded.TurnBounds{Workers: maxLong, Each: maxLongEach, Queue: 1, Total: maxLong}, 0),
	}
}

// laneOf returns the lane of a request; nil for liveness and readiness, which need no turn.
func (a admission) laneOf(c echo.Context) *lane {
	path := strings.TrimSuffix(c.Path(), "/")
	switch {
	case path == "/healthz" || path == "/readyz":
		return nil
	case path == "/metrics":
		return a.metrics
	case strings.HasSuffix(path, "/oauth2/token"):
		return a.tokens
	case strings.HasPrefix(path, ocsp.Path):
		return a.status
	case isLong(c.Request().Method, path):
		return a.long
	case !isDialect(path) || strings.HasSuffix(path, "/crl") || isStranger(c.Request()) &&
		!strings.Contains(path, "/pam/device"):
		return a.public
	}
	return a.known
}

// isDialect reports whether a route belongs to one of the dialects, which answer in their own
// format. The routes of the OpenAPI documents belong to none.
func isDialect(path string) bool {
	return (strings.HasPrefix(path, api.Prefix+"/") || strings.HasPrefix(path, pam.Prefix+"/")) &&
		!strings.Contains(path, "/openapi.")
}

// isStranger reports whether a request has no credential where the api dialect looks for one.
func isStranger(r *http.Request) bool {
	return r.Header.Get("Authorization") == "" && r.Header.Get("Cookie") == ""
}

// isLong reports whether the time that a request takes grows with the number of its rows.
func isLong(method, path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case "/api/pam/devices/import", "/api/pam/devices/export", "/api/openvpn/cas/import",
		"/api/openvpn/cas/:id/imports",
		"/api/openvpn/clients/site2site/renew", "/api/openvpn/clients/site2site/pkcs12",
		"/api/openvpn/clients/site2site/profiles", "/api/openvpn/clients/site2site/export":
		return true
	case "/api/pam/device", "/iso/pam/device":
		return method == http.MethodGet
	}
	return false
}

// visit is what a request holds of an admission until it ends.
type visit struct {
	lane   *lane
	inside atomic.Bool // whether it has a turn; of concurrent calls of leave only one gives it back
	bodies []*body
	cut    error // the error of a body that was cut off
}

const visitKey = "wire.visit"

func (v *visit) enter(ctx context.Context) error {
	if err := v.lane.enter(ctx); err != nil {
		return err
	}
	v.inside.Store(true)
	return nil
}

// leave gives the turn back, and reports whether there was one.
func (v *visit) leave() bool {
	had := v.inside.CompareAndSwap(true, false)
	if had {
		v.lane.leave()
	}
	return had
}

// begin is the outermost middleware of an admission. Requests that belong to no dialect wait for
// their turn here. The dialects wait themselves, where they can answer a refusal in their own
// format.
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

// middleware waits for the turn of a request and then serves it.
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
		// The other lanes keep their turns: these also bound the memory of long bodies, or leave
		// time for callers that have a credential.
		if v.lane == a.known {
			domain.HoldTurn(ctx, func() { v.leave() })
		}
		return next(c)
	}
}

// share keeps one caller from taking all turns of long requests. It comes after authentication.
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
