package app_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// askEvents asks a server for events.
func askEvents(t *testing.T, base, token, query, accept string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", accept)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
	return response
}

func tokenOf(t *testing.T, p *apptest.Process) string {
	t.Helper()
	token, err := p.Token(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestEvents_Shutdown: a server that stops ends the streams at once, and does not wait for them
// until the time for running requests is over.
func TestEvents_Shutdown(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.Args = []string{"--shutdown-timeout", "100s"}
	p := apptest.Start(t, o)
	token := tokenOf(t, p)
	stream := bufio.NewReader(askEvents(t, p.URL, token, "", "text/event-stream").Body)
	createCA(t, login(t, p), "seen")
	for line := ""; !strings.HasPrefix(line, "event: ca.created"); {
		var err error
		if line, err = stream.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it ended after %s", took)
	}
	if _, err := io.ReadAll(stream); err != nil {
		t.Error(err)
	}
	wantQuiet(t, p.Log())
}

// TestEvents_TLS: that the server's own certificate ends is told once, also when the server starts
// again.
func TestEvents_TLS(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	certificate, key := pairFor(t, t.TempDir(), 1, 5*24*time.Hour)
	o.Args = []string{"--tls-certificate", certificate, "--tls-key", key}
	var token string
	for range 2 {
		p := apptest.Start(t, o)
		if token == "" {
			token = tokenOf(t, p)
		}
		base := "https" + strings.TrimPrefix(p.URL, "http")
		var page struct {
			Events []struct{ Data struct{ Days int } }
		}
		for begun := time.Now(); len(page.Events) == 0 && time.Since(begun) < 20*time.Second; {
			time.Sleep(50 * time.Millisecond)
			body := askEvents(t, base, token, "?type=tls.expiring", "application/json").Body
			if err := json.NewDecoder(body).Decode(&page); err != nil {
				t.Fatal(err)
			}
		}
		if len(page.Events) != 1 || page.Events[0].Data.Days != 7 {
			t.Errorf("%+v", page.Events)
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}
