package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	if err := s.Storage.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := get(s.Handler, "/healthz"); got.Code != 200 || got.Body.String() != "ok\n" {
		t.Errorf("without a database: %d %q", got.Code, got.Body)
	}
}

// readiness gives the status, and the faults by the name of the check.
func readiness(t *testing.T, got *httptest.ResponseRecorder) (int, map[string]string) {
	t.Helper()
	var body struct {
		Status string
		Checks []wire.Check
	}
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	faults := map[string]string{}
	for _, check := range body.Checks {
		faults[check.Name] = check.Fault
	}
	if want := map[int]string{200: "ready", 503: "not ready"}[got.Code]; body.Status != want {
		t.Errorf("status %q at %d", body.Status, got.Code)
	}
	return got.Code, faults
}

func TestReady(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	createCA(t, s)
	status, faults := readiness(t, get(s.Handler, "/readyz"))
	if diff := cmp.Diff(
		map[string]string{
			"serving": "", "database": "", "schema": "", "write": "", "crl": "", "clock": "", "key store": "", "master key": "",
		}, faults,
	); status != 200 || diff != "" {
		t.Errorf("%d (-want +got):\n%s", status, diff)
	}
	last, err := s.Storage.Store.CRLs().LastNumber(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	ended := app.Now().Add(-time.Minute)
	published, err := s.Storage.Store.CRLs().Publish(t.Context(), domain.CRL{
		CAID: 1, Number: last + 1, Follows: last, ThisUpdate: ended.Add(-time.Hour), NextUpdate: ended, SignedAt: ended,
		DER: []byte{1},
	})
	if err != nil || !published {
		t.Fatal(err, published)
	}
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) { // the last result is cached for a second
		status, faults := readiness(t, get(s.Handler, "/readyz"))
		if status == 503 && faults["crl"] != "" && faults["database"] == "" {
			return
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("with a list that has ended: %d %v", status, faults)
		}
	}
}

func TestReady_WithoutDatabase(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	if err := s.Storage.Store.Close(); err != nil {
		t.Fatal(err)
	}
	got := get(s.Handler, "/readyz")
	if status, faults := readiness(t, got); status != 503 || faults["database"] == "" || faults["serving"] != "" {
		t.Errorf("%d %v", status, faults)
	}
	if strings.Contains(got.Body.String(), "sql") {
		t.Errorf("the cause is shown: %s", got.Body)
	}
	// The dialect answers as the document says, which wiretest checks.
	for _, target := range []string{"/api/openvpn/cas/1/crl", "/api/openvpn/cas"} {
		if got := get(s.Handler, target, "Authorization", "Bearer "+s.Token); got.Code != 500 {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
}

// A server that is about to stop reports first that it is not ready.
func TestReady_Draining(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := newLines()
	config := app.Config{
		Listen: "127.0.0.1:0", CRLLife: 24 * time.Hour, SigningKeyLife: 24 * time.Hour, DrainDelay: 2 * time.Second,
		ShutdownTimeout: time.Second,
	}
	config.DataDir = t.TempDir()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, config, slog.New(slog.NewJSONHandler(log, nil))) }()
	address := log.await(t, "listening")["address"]
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, want := range []int{200, 503} {
		response, err := client.Get(fmt.Sprintf("http://%v/readyz", address))
		if err != nil {
			t.Fatal(err)
		}
		recorder := httptest.NewRecorder()
		recorder.Code = response.StatusCode
		if _, err := io.Copy(recorder.Body, response.Body); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if status, faults := readiness(t, recorder); status != want || (faults["serving"] != "") != (want == 503) {
			t.Errorf("%d, not %d: %v", status, want, faults)
		}
		stop()
		log.await(t, "draining")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
