package pam_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// manyDevices returns a file with that many devices.
func manyDevices(count int) io.Reader {
	var file bytes.Buffer
	padding := strings.Repeat("long ", 30) // makes the list larger than the buffers of a connection
	file.WriteString("hostname,ip,model,type,vendor,site,device_tags,enabled\n")
	for i := range count {
		fmt.Fprintf(
			&file, "device %d <&>,10.0.0.%d,model %d,type,vendor,site,\"a, b%d, %s\",%t\n", i, i%256, i%10, i%10,
			padding, i%50 != 7,
		)
	}
	return &file
}

// TestListDevices_Bytes: a list that is written piece by piece has the same bytes as one that is
// written at once.
func TestListDevices_Bytes(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	token := "Bearer " + authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	for _, count := range []int{0, 1, 1300} {
		if _, err := s.Services.Devices.Import(s.Operator, manyDevices(count), true); err != nil {
			t.Fatal(err)
		}
		got := send(t, s, "GET", "/iso/pam/device", "", "Authorization", token)
		var answer gen.ListDevices200JSONResponse
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := json.NewEncoder(&again).Encode(answer); err != nil {
			t.Fatal(err)
		}
		inUse := 0
		for i := range count {
			if i%50 != 7 {
				inUse++
			}
		}
		if got.body != again.String() || len(answer.Devices) != inUse ||
			answer.Response.Message != fmt.Sprintf("%d devices found", inUse) {
			t.Errorf(
				"%d devices, %q, and other bytes: %t", len(answer.Devices), answer.Response.Message,
				got.body != again.String(),
			)
		}
	}
}

// TestListDevices_Fails: a list that fails after its beginning ends with an error of the
// connection, so that no client takes it for the whole.
func TestListDevices_Fails(t *testing.T) {
	if testing.Short() {
		t.Skip("has many thousands of devices, which -short leaves out")
	}
	t.Parallel()
	s := wiretest.Start(t)
	token := "Bearer " + authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	if _, err := s.Services.Devices.Import(s.Operator, manyDevices(20_000), true); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(bare(t, s))
	defer server.Close()
	conn, body := listing(t, server, token)
	defer conn.Close()
	if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Storage.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(body); err == nil {
		t.Errorf("it ends well after %d bytes", len(rest))
	}
}

// bare returns the service on the same data, without the check, which keeps every answer.
func bare(t *testing.T, s *wiretest.Server) http.Handler {
	t.Helper()
	var config app.Config
	config.CRLLife, config.SigningKeyLife = 30*24*time.Hour, 30*24*time.Hour
	server, err := app.NewServer(t.Context(), config, s.Storage, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return server.Handler
}

// listing requests the list over a connection with small buffers, and reads the header of the
// answer.
func listing(t *testing.T, server *httptest.Server, token string) (net.Conn, io.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/iso/pam/device", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	return conn, response.Body
}

// TestListDevices_Stalled: clients that do not read hold neither memory nor connections of the
// database. It runs alone, because it measures the memory of the process.
func TestListDevices_Stalled(t *testing.T) {
	if testing.Short() {
		t.Skip("has many thousands of devices, which -short leaves out")
	}
	s := wiretest.Start(t)
	token := "Bearer " + authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	const devices, clients = 20_000, 8
	if _, err := s.Services.Devices.Import(s.Operator, manyDevices(devices), true); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(bare(t, s))
	defer server.Close()
	defer server.CloseClientConnections()
	before := alive()
	for range clients {
		conn, body := listing(t, server, token)
		defer conn.Close()
		if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if got := heldAfter(before, clients*4500); got > clients*4500 {
		t.Errorf("%d clients that do not read hold %d KiB", clients, got)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/iso/pam/device/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(text), "Device 1") {
		t.Errorf("%s, %v", text, err)
	}
}

// heldAfter returns how many KiB more are in use than before, once that is within the bound or ten
// seconds have passed: until the lists stall, what writes them takes more.
func heldAfter(before, bound int64) (held int64) {
	for range 100 {
		if held = (alive() - before) >> 10; held <= bound {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return held
}

// alive returns how much memory is in use. The second collection empties every sync.Pool.
func alive() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
