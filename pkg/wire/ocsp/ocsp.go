// Package ocsp serves the OCSP responders of the CAs, below [Path]: by POST, and by GET with the
// request in the path (RFC 6960, appendix A).
//
// It imports domain, pki and Echo. What is not obvious are the headers for caches: RFC 5019 lets
// caches answer until nextUpdate, and these let no cache answer without asking here, because a
// revocation counts from its commit on.
package ocsp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// Path is what the URLs of responders begin with; the id of the CA follows.
const Path = "/ocsp/"

// The media types of RFC 6960, appendix C.
const (
	requestType  = "application/ocsp-request"
	responseType = "application/ocsp-response"
)

// Config is what the responders are served with.
type Config struct {
	OCSP *pki.OCSP
	// ReadBody reads a body of at most limit bytes. An error with [domain.RetryAfter] says that
	// there is no room for it.
	ReadBody func(c echo.Context, reader io.Reader, limit int64) ([]byte, error)
	Metrics  *prometheus.Registry
}

// Mount adds the routes.
func Mount(e *echo.Echo, config Config) {
	h := handler{Config: config, requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chaveiro_ocsp_requests_total", Help: "Requests of OCSP by the id of the CA and by what was answered.",
	}, []string{"ca", "status"}), labels: new(labels)}
	config.Metrics.MustRegister(h.requests)
	e.POST(Path+":ca", h.post)
	e.POST(Path+":ca/", h.post)
	e.GET(Path+":ca/*", h.get)
}

type handler struct {
	Config
	requests *prometheus.CounterVec
	labels   *labels
}

func (h handler) post(c echo.Context) error {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != requestType {
		return echo.ErrUnsupportedMediaType
	}
	body := io.LimitReader(c.Request().Body, pki.MaxOCSPRequest+1)
	der, err := h.ReadBody(c, body, pki.MaxOCSPRequest+1)
	if domain.RetryAfter(err) > 0 {
		return err
	}
	if err != nil {
		der = nil // it did not arrive whole
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Blob(http.StatusOK, responseType, h.answer(c, der).DER)
}

// get answers a request that caches may keep, as long as they ask each time whether it is current.
func (h handler) get(c echo.Context) error {
	reply := h.answer(c, requestInPath(c.Request().URL.EscapedPath()))
	header := c.Response().Header()
	if reply.Nonce || reply.From.IsZero() {
		header.Set(echo.HeaderCacheControl, "no-store")
		return c.Blob(http.StatusOK, responseType, reply.DER)
	}
	sum := sha256.Sum256(reply.DER)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	produced := reply.From.Format(http.TimeFormat)
	header.Set(echo.HeaderCacheControl, "public, max-age=0, must-revalidate, no-transform")
	header.Set("ETag", tag)
	header.Set(echo.HeaderLastModified, produced)
	header.Set("Expires", produced)
	if names(c.Request().Header.Values("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, responseType, reply.DER)
}

// names reports whether an If-None-Match header names the tag (RFC 9110, section 13.1.2).
func names(conditions []string, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(conditions, ","), ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == tag || part == "*" {
			return true
		}
	}
	return false
}

func (h handler) answer(c echo.Context, der []byte) pki.OCSPReply {
	id, _ := strconv.ParseInt(c.Param("ca"), 10, 64) // 0 is no CA
	reply := h.OCSP.Answer(c.Request().Context(), id, der)
	h.requests.WithLabelValues(h.labels.of(id, reply.Outcome), string(reply.Outcome)).Inc()
	return reply
}

// maxEscapes is how many times clients and proxies may have escaped the request in a path.
const maxEscapes = 3

// requestInPath returns the request that follows the id of the CA, or nil. It is in base64, which
// may have slashes, of either alphabet, with or without padding, escaped or not.
func requestInPath(path string) []byte {
	_, text, _ := strings.Cut(strings.TrimPrefix(path, Path), "/")
	for range maxEscapes {
		plain, err := url.PathUnescape(text)
		if err != nil || plain == text {
			break
		}
		text = plain
	}
	text = strings.NewReplacer(" ", "+", "-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	der, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return der
}
