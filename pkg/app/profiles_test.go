package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestProfiles: profiles are on a socket of the account alone, and nowhere else. It is gone at the
// end. One that a killed server has left is replaced; one that is in use, and a file, are not.
func TestProfiles(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	dir, err := os.MkdirTemp("", "pprof") // a short path: those of sockets have 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "p.sock")
	o.Args = []string{"--pprof-socket", socket}
	p := apptest.Start(t, o)
	wantProfiles(t, socket)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap"} {
		if _, err := (&apptest.Client{URL: p.URL}).Bytes(t.Context(), path); statusOf(err) != http.StatusNotFound {
			t.Errorf("%s is on the port of the service: %v", path, err)
		}
	}
	other := onSQLite(t)
	if got := apptest.Command(t, other, "serve", "--listen", "127.0.0.1:0", "--pprof-socket", socket); got.Code != 1 ||
		!strings.Contains(got.Stderr, "belongs to a process that runs") {
		t.Errorf("%+v", got)
	}
	p.Kill()
	p = apptest.Start(t, o)
	wantProfiles(t, socket)
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v, %v are left", err, left)
	}
	if err := os.WriteFile(socket, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := apptest.Command(t, o, "serve", "--pprof-socket", socket); got.Code != 1 || !strings.Contains(got.Stderr, "no socket") {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(socket); err != nil || string(text) != "kept" {
		t.Errorf("%q, %v", text, err)
	}
}

// wantProfiles checks the socket, and that it has the profile of the heap.
func wantProfiles(t *testing.T, socket string) {
	t.Helper()
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	answer, err := client.Get("http://localhost/debug/pprof/heap?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), "heap profile:") {
		t.Errorf("%v: %.200s", err, text)
	}
}
