package wire

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestBodies(t *testing.T) {
	t.Parallel()
	b := &bodies{}
	const part = maxBodies / 3
	var stopped []int
	begin := func(name int, size int64) *body {
		t.Helper()
		one, err := b.begin(size, func() { stopped = append(stopped, name) })
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	first, second, third := begin(1, part), begin(2, part), begin(3, part)
	if err := b.arrived(first); err != nil {
		t.Error(err)
	}
	begin(4, part)
	if err := b.arrived(second); !errors.Is(err, domain.ErrOverloaded) || !slices.Equal(stopped, []int{2}) {
		t.Errorf("the one that has been coming longest: %v, cut off: %v", err, stopped)
	}
	b.end(second)
	if err := b.arrived(third); err != nil {
		t.Error(err)
	}
	if _, err := b.begin(2*part, nil); !errors.Is(err, domain.ErrOverloaded) || domain.RetryAfter(err) == 0 {
		t.Errorf("beside two that have come: %v", err)
	}
	b.end(first)
	b.end(third)
	b.end(begin(6, part)) // one whose reader has given up
	begin(5, 2*part)
	if b.used != 2*part {
		t.Errorf("%d bytes are counted", b.used)
	}
}

// TestReadBody_CutOff: a body that is cut off ends with an error that asks for a retry, and its
// request holds no turn.
func TestReadBody_CutOff(t *testing.T) {
	t.Parallel()
	a := newAdmission()
	cut := make(chan error, 1)
	e := echo.New()
	e.Use(a.begin)
	e.POST("/api/things", a.middleware(func(c echo.Context) error {
		_, err := a.readBody(c, c.Request().Body, minBody)
		if _, again := a.readBody(c, c.Request().Body, minBody); !errors.Is(again, domain.ErrOverloaded) {
			t.Errorf("reading on: %v", again)
		}
		cut <- err
		return err
	}))
	server := httptest.NewServer(e)
	defer server.Close()
	body, rest := io.Pipe()
	defer func() { _ = rest.Close() }()
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, server.URL+"/api/things", io.MultiReader(strings.NewReader("{"), body),
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer x")
	go func() {
		if response, err := server.Client().Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	for waits := true; waits; {
		a.bodies.mu.Lock()
		waits = a.bodies.coming.Len() == 0
		a.bodies.mu.Unlock()
	}
	if _, err := a.bodies.begin(maxBodies, nil); err != nil {
		t.Error(err)
	}
	if err := <-cut; !errors.Is(err, domain.ErrOverloaded) {
		t.Errorf("reading it: %v", err)
	}
	if n := len(a.known.turns); n != 0 {
		t.Errorf("%d turns are held", n)
	}
}
