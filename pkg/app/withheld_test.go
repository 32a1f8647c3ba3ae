package app_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestWithheldBodies: however many callers withhold the bodies of their requests, others are served
// as before.
func TestWithheldBodies(t *testing.T) {
	p := apptest.Start(t, onSQLite(t))
	c := login(t, p)
	authority := createCA(t, c, "ca")
	var key struct{ Token string }
	if err := c.Do(
		t.Context(), http.MethodPost, apikeys, object{"name": "another", "superuser": true}, &key,
	); err != nil {
		t.Fatal(err)
	}
	bearer := "Authorization: Bearer " + key.Token + "\r\n"
	for i, withheld := range []struct {
		many       int // more than there are turns
		line, head string
	}{
		{40, "POST /iso/oauth2/token", ""},
		{40, "POST " + tokens, ""},
		{40, "POST /ocsp/1", "Content-Type: application/ocsp-request\r\n"},
		{160, "POST " + clients, bearer + "Content-Type: application/json\r\n"},
		{160, "POST /iso/pam/device", ""},
		{160, "PUT /api/pam/device/1", ""},
		{40, "GET /iso/pam/device", ""},
		{24, "POST " + clients + "/renew", bearer + "Content-Type: application/json\r\n"},
		{24, "POST /api/pam/devices/import", bearer + "Content-Type: text/csv\r\n"},
	} {
		t.Run(withheld.line, func(t *testing.T) {
			keepBack(t, p.URL, withheld.many, withheld.line+" HTTP/1.1\r\n"+withheld.head)
			begin := time.Now()
			login(t, p)
			slowestOf(t, c, 5)
			createClient(t, c, authority.ID, fmt.Sprintf("site-%d", i))
			if err := c.Do(t.Context(), http.MethodGet, "/api/pam/devices/export", nil, nil); err != nil {
				t.Error(err)
			}
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("others waited %s", took)
			}
		})
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

// keepBack sends the beginnings of many requests, and returns when the server has asked for the
// bodies of all of them, which never come.
func keepBack(t *testing.T, url string, many int, head string) {
	t.Helper()
	address := strings.TrimPrefix(url, "http://")
	for range many {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := fmt.Fprintf(
			conn, "%sHost: %s\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", head, address,
		); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
			t.Fatalf("%q, %v", line, err)
		}
	}
}
