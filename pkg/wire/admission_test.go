package wire

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLane(2)
		for range 2 {
			if err := l.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		if err := l.enter(t.Context()); !errors.Is(err, domain.ErrOverloaded) || domain.RetryAfter(err) == 0 ||
			time.Since(begin) != turnWait {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := l.enter(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("one who has gone away: %v", err)
		}
		entered := make(chan error)
		go func() { entered <- l.enter(t.Context()) }()
		synctest.Wait()
		l.leave()
		if err := <-entered; err != nil {
			t.Errorf("after another has left: %v", err)
		}
		l.waiting.Store(maxWaiting)
		begin = time.Now()
		if err := l.enter(t.Context()); !errors.Is(err, domain.ErrOverloaded) || time.Since(begin) != 0 {
			t.Errorf("one too many: %v after %s", err, time.Since(begin))
		}
	})
}

func TestAdmission_LaneOf(t *testing.T) {
	t.Parallel()
	a := newAdmission()
	e := echo.New()
	for name, test := range map[string]struct {
		method, path, credential string
		want                     *lane
	}{
		"liveness":                  {"GET", "/healthz", "", nil},
		"readiness":                 {"GET", "/readyz", "", nil},
		"metrics":                   {"GET", "/metrics", "", a.metrics},
		"metrics with a credential": {"GET", "/metrics", "Bearer x", a.metrics},
		"a document":                {"GET", "/api/openapi.json", "Bearer x", a.public},
		"the other document":        {"GET", "/iso/openapi.yaml", "", a.public},
		"the explorer":              {"GET", "/docs/*", "", a.public},
		"nothing":                   {"GET", "", "Bearer x", a.public},
		"OCSP":                      {"POST", "/ocsp/:ca", "", a.status},
		"OCSP by GET":               {"GET", "/ocsp/:ca/*", "", a.status},
		"a CRL":                     {"GET", "/api/openvpn/cas/:id/crl", "Bearer x", a.public},
		"a stranger":                {"POST", "/api/openvpn/cas", "", a.public},
		"a caller":                  {"POST", "/api/openvpn/cas", "Bearer x", a.known},
		"a token":                   {"POST", "/api/oauth2/token", "", a.tokens},
		"a token of the vault":      {"POST", "/iso/oauth2/token/", "Bearer x", a.tokens},
		"a device":                  {"POST", "/iso/pam/device", "", a.known},
		"a device by its other way": {"GET", "/api/pam/device/:ref", "", a.known},
		"all devices":               {"GET", "/iso/pam/device/", "Bearer x", a.long},
		"an import":                 {"POST", "/api/pam/devices/import", "Bearer x", a.long},
		"an import of a CA":         {"POST", "/api/openvpn/cas/import", "Bearer x", a.long},
	} {
		request := httptest.NewRequest(test.method, "/", nil)
		if test.credential != "" {
			request.Header.Set("Authorization", test.credential)
		}
		c := e.NewContext(request, httptest.NewRecorder())
		c.SetPath(test.path)
		if got := a.laneOf(c); got != test.want {
			t.Errorf("%s: not its lane", name)
		}
	}
}

func TestDocument_NotModified(t *testing.T) {
	t.Parallel()
	e := echo.New()
	ask := func(condition string) *httptest.ResponseRecorder {
		request, recorder := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		if condition != "" {
			request.Header.Set("If-None-Match", condition)
		}
		if err := document("text/plain", func() ([]byte, error) { return []byte("content"), nil })(
			e.NewContext(request, recorder),
		); err != nil {
			t.Fatal(err)
		}
		return recorder
	}
	first := ask("")
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || first.Body.String() != "content" || len(tag) < 10 {
		t.Errorf("%d %q %q", first.Code, first.Body, tag)
	}
	for condition, want := range map[string]int{
		tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, tag[1:]: 200,
	} {
		if got := ask(condition); got.Code != want || want == 304 && got.Body.Len() > 0 {
			t.Errorf("%s: %d", condition, got.Code)
		}
	}
}

// TestMetrics_GatheredSeldom: many concurrent requests cost no more than a few.
func TestMetrics_GatheredSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gathered := 0
		m := &metrics{
			gather: http.HandlerFunc(
				func(w http.ResponseWriter, _ *http.Request) { gathered++; _, _ = w.Write([]byte("x 1\n")) },
			),
		}
		ask := func(times, want int) {
			t.Helper()
			for range times {
				if got := m.current(""); got.status != http.StatusOK || got.body.String() != "x 1\n" {
					t.Fatalf("%d %q", got.status, &got.body)
				}
			}
			if gathered != want {
				t.Errorf("gathered %d times, want %d", gathered, want)
			}
		}
		ask(1000, metricsBurst)
		time.Sleep(metricsInterval)
		ask(1000, metricsBurst+1)
		time.Sleep(time.Minute)
		ask(1, metricsBurst+2)
	})
}
