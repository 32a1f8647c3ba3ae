package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// document answers with content that does not change while the process runs, or with 304 if the
// client has that content. The content is made on the first request.
func document(contentType string, read func() ([]byte, error)) echo.HandlerFunc {
	tagOf := sync.OnceValue(func() string {
		content, _ := read() // the handler has read it before, without an error
		digest := sha256.Sum256(content)
		return `"` + hex.EncodeToString(digest[:16]) + `"`
	})
	return func(c echo.Context) error {
		content, err := read()
		if err != nil {
			return err
		}
		header, tag := c.Response().Header(), tagOf()
		header.Set("ETag", tag)
		header.Set(echo.HeaderCacheControl, "no-cache")
		if names(c.Request().Header.Values("If-None-Match"), tag) {
			return c.NoContent(http.StatusNotModified)
		}
		return c.Blob(http.StatusOK, contentType, content)
	}
}

// names reports whether an If-None-Match header names the tag (RFC 9110, section 13.1.2).
func names(conditions []string, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(conditions, ","), ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == tag || part == "*" {
			return true
		}
	}
	return false
}

const (
	// metricsBurst is how many requests in a row gather the metrics anew; metricsInterval is after
	// how long one more request does. In between, all requests get the metrics that were gathered
	// last.
	metricsBurst    = 10
	metricsInterval = 500 * time.Millisecond
)

// metrics serves the metrics and gathers them seldom, however many requests there are.
type metrics struct {
	gather http.Handler

	// mu guards last and free. It is held while the metrics are gathered, so that they are gathered
	// once at a time.
	mu   sync.Mutex
	last map[string]*page // by the Accept of openMetrics, or empty for the text format
	free time.Time        // when the whole burst is available again
}

// openMetrics is the format that has exemplars. Those who accept it get it in this version, and all
// others the text format.
const openMetrics = "application/openmetrics-text"

func newMetrics(registry *prometheus.Registry) *metrics {
	options := promhttp.HandlerOpts{DisableCompression: true, EnableOpenMetrics: true}
	return &metrics{gather: promhttp.HandlerFor(registry, options)}
}

func (m *metrics) serve(c echo.Context) error {
	accept := ""
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), openMetrics) {
		accept = openMetrics + ";version=1.0.0"
	}
	p := m.current(accept)
	c.Response().Header().Set(echo.HeaderVary, echo.HeaderAccept)
	return c.Blob(p.status, p.header.Get(echo.HeaderContentType), p.body.Bytes())
}

// current returns the metrics in a format. Both formats are gathered at the same rate together.
func (m *metrics) current(accept string) *page {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[string]*page{}
	}
	now := time.Now()
	if m.free.Before(now) {
		m.free = now
	}
	if m.last[accept] == nil || m.free.Sub(now) <= (metricsBurst-1)*metricsInterval {
		p := &page{status: http.StatusOK, header: http.Header{}}
		m.gather.ServeHTTP(p, &http.Request{Method: http.MethodGet, Header: http.Header{"Accept": {accept}}})
		m.last[accept], m.free = p, m.free.Add(metricsInterval)
	}
	return m.last[accept]
}

// page is a recorded answer.
type page struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (p *page) Header() http.Header { return p.header }

// Write implements io.Writer.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// WriteHeader implements http.ResponseWriter.
func (p *page) WriteHeader(status int) { p.status = status }
