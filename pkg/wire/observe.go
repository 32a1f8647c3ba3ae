package wire

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// maxRequestID bounds the request ids that are taken from clients.
const maxRequestID = 64

// requestID gives every request an id: the client's X-Request-Id if it is a plain word, otherwise a
// new one.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !plainWord(id) {
			id = rand.Text()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func plainWord(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, r := range id {
		if !(r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z') {
			return false
		}
	}
	return true
}

type requestMetrics struct {
	duration *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newRequestMetrics(registry *prometheus.Registry) requestMetrics {
	m := requestMetrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chaveiro_http_request_duration_seconds", Help: "Duration of requests by operation and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"operation", "status"}),
		running: prometheus.NewGauge(
			prometheus.GaugeOpts{Name: "chaveiro_http_requests_running", Help: "Requests being served."},
		),
	}
	registry.MustRegister(m.duration, m.running)
	return m
}

// add measures a request. One whose trace is recorded becomes the exemplar of its bucket.
func (m requestMetrics) add(ctx context.Context, operation string, status int, took time.Duration) {
	duration := m.duration.WithLabelValues(operation, strconv.Itoa(status))
	trace := spans.Sampled(ctx)
	if trace == "" {
		duration.Observe(took.Seconds())
		return
	}
	duration.(prometheus.ExemplarObserver).ObserveWithExemplar(
		took.Seconds(), prometheus.Labels{"trace_id": trace},
	)
}

// observe writes one log line per request and measures the request. Requests for no operation share
// one label, so that their paths can't fill the memory.
func observe(log *slog.Logger, metrics requestMetrics) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			metrics.running.Inc()
			defer metrics.running.Dec()
			if err := next(c); err != nil {
				c.Error(err)
			}
			took := time.Since(start)
			operation := ""
			if op := oas.OperationOf(c); op != nil {
				operation = op.ID
			}
			status := c.Response().Status
			metrics.add(c.Request().Context(), operation, status, took)
			logRequest(log, c, operation, took)
			return nil
		}
	}
}

func logRequest(log *slog.Logger, c echo.Context, operation string, took time.Duration) {
	level := slog.LevelInfo
	if c.Response().Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	request := c.Request()
	if !log.Enabled(request.Context(), level) {
		return
	}
	log.LogAttrs(request.Context(), level, "request",
		slog.String("method", request.Method), slog.String("route", c.Path()), slog.String("operation", operation),
		slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size), slog.Duration("took", took),
		slog.String("request_id", c.Response().Header().Get(echo.HeaderXRequestID)),
		slog.Any("principal", domain.PrincipalOf(request.Context())), slog.String("client_ip", c.RealIP()))
}

// recoverConfig turns a panic of a handler into an error, and logs where it was.
func recoverConfig(log *slog.Logger) middleware.RecoverConfig {
	return middleware.RecoverConfig{
		DisableErrorHandler: true,
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			log.Error("panic", "route", c.Path(), "error", domain.Cause(err), "stack", string(stack))
			// Not wrapped: whatever the value of the panic is, it is not the caller's fault.
			return fmt.Errorf("panic: %v", err)
		},
	}
}
