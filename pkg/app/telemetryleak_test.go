package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/telemetry/telemetrytest"
)

// TestTelemetry_Secrets uses what has secrets, right and wrong, and searches for them in all that
// the collector has got: spans and lines of the log, at the level debug.
func TestTelemetry_Secrets(t *testing.T) {
	t.Parallel()
	c, o := telemetrytest.Start(t), onSQLite(t)
	o.Args = []string{
		"--otlp-endpoint", c.URL, "--log-level", "debug", "--slow-query", "1ns", "--external-url", "http://vpn.example.com",
	}
	begun := time.Now()
	p := apptest.Start(t, o)
	client := login(t, p)
	needles := leaveSecrets(t, client)
	if err := p.Stop(); err != nil { // it sends what waits
		t.Error(err)
	}
	raw, log := c.Raw(), []byte(p.Log())
	for _, needle := range needles {
		if bytes.Contains(raw, []byte(needle)) || bytes.Contains(log, []byte(needle)) {
			t.Errorf("%.12s… is in what was sent, or in the log", needle)
		}
	}
	most := 11 + int(time.Since(begun)/(10*time.Second))
	if n := strings.Count(p.Log(), `"msg":"slow statement"`); n == 0 || n > most {
		t.Errorf("%d lines about slow statements, where all are slow; not 1 to %d", n, most)
	}
	for _, known := range []string{"createClientSite2Site", "slow statement", "db.query.text", "sign certificate", "/enrol/:secret"} {
		if !bytes.Contains(raw, []byte(known)) {
			t.Errorf("not even %q is there: it is not searched right", known)
		}
	}
}

// leaveSecrets returns the secrets that it has used or got.
func leaveSecrets(t *testing.T, c *apptest.Client) []string {
	t.Helper()
	const password, wrong, pin = "uma senha que ninguem adivinha", "outra senha bem diferente", "73519284"
	authority := createCA(t, c, "ca-secrets")
	site := create(t, c, clients, object{"ca_id": authority.ID, "name": "site", "email": "a@example.com", "password": password})
	key := string(get(t, c, clientPath(site.ID, "/key")))
	needles := []string{c.Token, password, wrong, pin, "PRIVATE KEY"}
	needles = append(needles, strings.Split(strings.TrimSpace(key), "\n")[1:3]...)
	create(t, c, "/api/users", object{"username": "ana", "email": "ana@example.com", "password": password})
	for _, word := range []string{password, wrong} {
		var token struct {
			Token string `json:"access_token"`
		}
		err := c.Do(t.Context(), http.MethodPost, "/api/oauth2/token",
			object{"grant_type": "password", "username": "ana", "password": word}, &token)
		if word == wrong && err == nil {
			t.Error("the wrong password is taken")
		}
		if token.Token != "" {
			needles = append(needles, token.Token)
		}
	}
	return append(needles, leaveLink(t, c, site.ID, pin)...)
}

// leaveLink makes a link, and opens it with the wrong and the right PIN.
func leaveLink(t *testing.T, c *apptest.Client, site int64, pin string) []string {
	t.Helper()
	instance := create(t, c, instancesPath, object{
		"ca_id": 1, "name": "vpn", "network": "10.8.0.0/24", "remotes": []string{"vpn.example.com"},
	})
	var link struct {
		Path string `json:"path"`
	}
	config := fmt.Sprintf("/configs/%d", instance.ID)
	if err := c.Do(t.Context(), http.MethodPut, clientPath(site, config), object{}, nil); err != nil {
		t.Fatal(err)
	}
	in := object{"instance_id": instance.ID, "pin": pin}
	if err := c.Do(t.Context(), http.MethodPost, clientPath(site, "/enrolments"), in, &link); err != nil {
		t.Fatal(err)
	}
	secret := link.Path[strings.LastIndex(link.Path, "/")+1:]
	for _, word := range []string{"00000000", pin} {
		body, err := json.Marshal(object{"pin": word})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.Post(c.URL+link.Path, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	if len(secret) < 16 {
		t.Fatalf("the link is %q", link.Path)
	}
	return []string{secret}
}
