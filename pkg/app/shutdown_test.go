package app_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestShutdown_LetsRequestsEnd stops a server that makes RSA keys, one at a time. Requests that
// wait for their turn are running requests as well.
func TestShutdown_LetsRequestsEnd(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.Args = []string{"--rsa-workers", "1", "--shutdown-timeout", "100s"}
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "slow")
	var group sync.WaitGroup
	answers := make([]record, 2)
	late := make([]bool, 2)
	for i, name := range []string{"site-1", "site-2"} {
		group.Go(func() {
			in := object{"ca_id": authority.ID, "name": name, "email": "site@example.com", "key_algorithm": "rsa-4096"}
			if err := c.Do(t.Context(), http.MethodPost, clients, in, &answers[i]); err != nil {
				t.Error(err)
			}
			late[i] = strings.Contains(p.Log(), `"msg":"draining"`)
		})
	}
	// the two for keys, and this one
	for !bytes.Contains(get(t, c, "/metrics"), []byte("\nchaveiro_http_requests_running 3\n")) {
		time.Sleep(10 * time.Millisecond)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	group.Wait()
	if !late[0] && !late[1] {
		t.Error("both requests ended before the server was stopped")
	}
	wantQuiet(t, p.Log())
	c.URL = apptest.Start(t, o).URL
	for _, answer := range answers {
		get(t, c, clientPath(answer.ID, "/key"))
	}
}

func TestShutdown_TellsFirst(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	const delay = 2 * time.Second
	o.Args = []string{"--drain-delay", delay.String()}
	p := apptest.Start(t, o)
	c := login(t, p)
	wantReady(t, p.URL)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := p.AwaitLog(t.Context(), "draining"); err != nil {
		t.Fatal(err)
	}
	_, err := c.Bytes(t.Context(), "/readyz")
	if statusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the server is stopping") {
		t.Errorf("readyz: %v", err)
	}
	get(t, c, "/healthz")
	createCA(t, c, "late") // the server still serves
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took < delay {
		t.Errorf("it ended after %s", took)
	}
}

func TestShutdown_SecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	o.Args = []string{"--drain-delay", "1m"}
	p := apptest.Start(t, o)
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AwaitLog(t.Context(), "draining"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := p.Stop(); err == nil {
		t.Error("it ended as if it had drained")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it went on for %s", took)
	}
}
