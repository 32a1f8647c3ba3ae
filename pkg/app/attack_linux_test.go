package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// wantAnswered checks what a request was answered with.
func wantAnswered(t *testing.T, what string, err error, status int) {
	t.Helper()
	var answer *apptest.StatusError
	if !errors.As(err, &answer) || answer.Status != status {
		t.Errorf("%s: %v, want %d", what, err, status)
	}
}

// TestAttack_WithheldBody: an apikey that another process deletes while the server waits for the
// body of a request can't make a new apikey with that request.
func TestAttack_WithheldBody(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	root := login(t, p)
	thief := createKey(t, o, "--name", "thief", "--superuser")
	id := find(t, root, "thief").ID
	asked := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() {
		asked = true
		apptest.MustCommand(t, o, "apikey", "revoke", fmt.Sprint(id), "--yes")
	}})
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, p.URL+apikeys, strings.NewReader(`{"name": "heir", "superuser": true}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + thief, "Content-Type": "application/json", "Expect": "100-continue",
	} {
		request.Header.Set(name, value)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); !asked || response.StatusCode != http.StatusUnauthorized ||
		bytes.Contains(body, []byte("heir")) {
		t.Errorf("asked for the body: %v; answered %d: %s", asked, response.StatusCode, body)
	}
	var left struct{ Apikeys []apikey }
	if err := root.Do(t.Context(), http.MethodGet, apikeys+"?size=100", nil, &left); err != nil ||
		len(left.Apikeys) != 1 {
		t.Errorf("apikeys: %v, %v", left.Apikeys, err)
	}
}

// TestAttack_TokenOfAnotherHistory: after a restore, the token of an apikey that is lost does not
// work for another apikey with the same id.
func TestAttack_TokenOfAnotherHistory(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	root := login(t, p)
	backup := backupOf(t, o)
	lost := createKey(t, o, "--name", "lost")
	id := find(t, root, "lost").ID
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	apptest.MustCommand(t, o, "restore", backup)
	p = apptest.Start(t, o)
	root.URL = p.URL
	other := createKey(t, o, "--name", "other", "--superuser")
	if got := find(t, root, "other").ID; got != id {
		t.Fatalf("the other apikey has the number %d, not %d", got, id)
	}
	c := &apptest.Client{URL: p.URL, Token: lost}
	wantAnswered(
		t, "the token that is lost", c.Do(t.Context(), http.MethodGet, userInfo, nil, nil), http.StatusUnauthorized,
	)
	wantAnswered(t, "the token that is lost, exchanged",
		c.Do(t.Context(), http.MethodPost, tokens, object{"grant_type": "refresh_token", "refresh_token": lost}, nil),
		http.StatusUnauthorized)
	c.Token = other
	get(t, c, userInfo)
}

// TestAttack_ManyFaults: requests that are full of faults cost about as much as their size, and
// their answers are short.
func TestAttack_ManyFaults(t *testing.T) {
	t.Parallel()
	const maxAnswer = 512 << 10
	maxMemory := int64(300 << 20)
	if apptest.Raced { // the race detector takes five to ten times as much
		maxMemory *= 10
	}
	p := apptest.Start(t, onSQLite(t))
	c := login(t, p)
	for what, request := range map[string]struct{ path, kind, body string }{
		"rows without a hostname": {"/api/pam/devices/import?atomic=true", "text/csv",
			"hostname,ip,model,type,vendor,site\n" + strings.Repeat(",,,,,x\n", 260_000)},
		"rows of separators": {
			"/api/pam/devices/import?atomic=true", "text/csv", "hostname,ip,model,type,vendor,site\n" +
				strings.Repeat(",,,,,\n", 300_000),
		},
		"empty scopes": {
			roles, "application/json", `{"name": "r", "scopes": [` + strings.Repeat("{},", 80_000) + "{}]}",
		},
		"roles of nonsense": {
			apikeys, "application/json", `{"name": "k", "roles": [` + strings.Repeat(`"x",`, 60_000) + "1]}",
		},
		"unknown fields": {cas, "application/json", `{` + strings.Repeat(`"a":[[]],`, 25_000) + `"name": 1}`},
	} {
		r, err := http.NewRequestWithContext(
			t.Context(), http.MethodPost, c.URL+request.path, strings.NewReader(request.body),
		)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.Token)
		r.Header.Set("Content-Type", request.kind)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		size, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil || size > maxAnswer || response.StatusCode >= http.StatusInternalServerError {
			t.Errorf("%s: %d, %d bytes, %v", what, response.StatusCode, size, err)
		}
	}
	if most := memoryOf(t, p.PID()); most > maxMemory {
		t.Errorf("the server has used %d MiB", most>>20)
	}
}

// memoryOf returns the peak memory of a process, in bytes.
func memoryOf(t *testing.T, pid int) (most int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &most); n == 1 {
			return most << 10
		}
	}
	t.Fatalf("no VmHWM in %s", status)
	return 0
}
