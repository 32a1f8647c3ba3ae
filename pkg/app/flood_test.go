package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestFlood: one caller makes many costly requests at once. Another caller's costly request does
// not wait for all of those, and cheap requests are served.
func TestFlood(t *testing.T) {
	p := apptest.Start(t, onSQLite(t))
	root := login(t, p)
	authority := createCA(t, root, "ca")
	protected := create(
		t, root, clients, object{
			"ca_id": authority.ID, "name": "protected", "email": "a@example.com", "password": "segredo",
		},
	)
	caller := func(name string) *apptest.Client {
		var key struct{ Token string }
		if err := root.Do(
			t.Context(), http.MethodPost, apikeys, object{"name": name, "superuser": true}, &key,
		); err != nil {
			t.Fatal(err)
		}
		return &apptest.Client{URL: p.URL, Token: key.Token}
	}
	flooder, other := caller("flooder"), caller("other")
	client := func(name string, more object) (string, object) {
		more["ca_id"], more["name"], more["email"] = authority.ID, name, "a@example.com"
		return clients, more
	}
	for kind, request := range map[string]func(name string) (string, object){
		"RSA":       func(name string) (string, object) { return client(name, object{"key_algorithm": "rsa-2048"}) },
		"passwords": func(name string) (string, object) { return client(name, object{"password": "segredo"}) },
		"PKCS12": func(string) (string, object) {
			return clientPath(protected.ID, "/pkcs12"), object{"password": "segredo"}
		},
		"users": func(name string) (string, object) {
			return "/api/users", object{
				"username": name, "email": "a@example.com", "fullname": "Um", "password": "grampo cavalo bateria certa",
			}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			f := flood(t, flooder, 60, func(i int) (string, object) { return request(fmt.Sprintf("%s-%d", kind, i)) })
			path, body := request(kind + "-other")
			begin := time.Now()
			if got := post(t.Context(), other, path, body); got.err != nil || got.status != http.StatusOK {
				t.Errorf("another caller: %d, %v", got.status, got.err)
			}
			took, left := time.Since(begin), f.left.Load()
			slowest := slowestOf(t, other, 5)
			f.end()
			if left < 10 {
				t.Errorf("another caller came after all but %d of the flood, in %s", left, took)
			}
			if slowest > 2*time.Second {
				t.Errorf("a page took %s", slowest)
			}
			if f.refused.Load() == 0 || f.wrong.Load() != 0 {
				t.Errorf("%d were told to come back, %d had another answer", f.refused.Load(), f.wrong.Load())
			}
		})
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

// flooding counts what has become of many concurrent requests.
type flooding struct {
	left, refused, wrong atomic.Int64
	end                  func() // cancels those that are left
}

// flood sends requests at once, and returns when some were refused and the others wait.
func flood(t *testing.T, c *apptest.Client, n int, request func(i int) (string, object)) *flooding {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &flooding{}
	f.left.Store(int64(n))
	var group sync.WaitGroup
	f.end = func() { cancel(); group.Wait() }
	t.Cleanup(f.end)
	for i := range n {
		path, body := request(i)
		group.Go(func() {
			got := post(ctx, c, path, body)
			f.left.Add(-1)
			switch {
			case got.err != nil || got.status == http.StatusOK:
			case got.status == http.StatusInternalServerError && got.retry > 0:
				f.refused.Add(1)
			default:
				f.wrong.Add(1)
			}
		})
	}
	for deadline := time.Now().Add(10 * time.Second); f.refused.Load() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	return f
}

// posted is a summary of an answer.
type posted struct {
	status, retry int
	err           error
}

func post(ctx context.Context, c *apptest.Client, path string, body object) (got posted) {
	text, err := json.Marshal(body)
	if err != nil {
		return posted{err: err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(text))
	if err != nil {
		return posted{err: err}
	}
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return posted{err: err}
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	retry, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return posted{response.StatusCode, retry, err}
}
