package api_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const devicesPath = "/api/pam/devices"

// deviceFile returns a file with that many devices.
func deviceFile(count int) string {
	var file strings.Builder
	file.WriteString("hostname,ip,model,type,vendor,site,device_tags,connectivities\n")
	for i := range count {
		fmt.Fprintf(
			&file, "device %d,10.0.0.%d,model %d,type,vendor,site,\"a, b%d\",\"SSH:22, RDP:3389\"\n", i, i%256, i%10,
			i%10,
		)
	}
	return file.String()
}

// An export can be imported again, and changes nothing.
func TestDevices_ThereAndBack(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	const count = 2500
	made := send(t, s, "POST", devicesPath+"/import", deviceFile(count), "Content-Type", "text/csv").object(t)
	if made["created"] != float64(count) {
		t.Fatal(made)
	}
	file := send(t, s, "GET", devicesPath+"/export", "")
	if lines := strings.Count(string(file.body), "\n"); lines != count+1 {
		t.Errorf("%d lines", lines)
	}
	for _, atomic := range []string{"true", "false"} {
		again := send(
			t, s, "POST", devicesPath+"/import?atomic="+atomic, string(file.body), "Content-Type", "text/csv",
		).object(
			t,
		)
		if again["unchanged"] != float64(count) || again["updated"] != 0.0 || again["created"] != 0.0 {
			t.Errorf("%v", again)
		}
	}
}

// A file that is too large is refused, and a fault in the last row leaves nothing stored.
func TestDevices_ImportLimits(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	before := inventory(t, s)
	send(t, s, "POST", devicesPath+"/import", strings.Repeat("x", 33<<20), "Content-Type", "text/csv").
		want(t, 400, "", "invalid")
	send(t, s, "POST", devicesPath+"/import", deviceFile(2500)+"last,,,,,\n", "Content-Type", "text/csv").
		want(t, 409, "rows[2501]", "invalid")
	send(t, s, "POST", devicesPath+"/import", deviceFile(2500)+"last,,,,,,,\n", "Content-Type", "text/csv").
		want(t, 409, "rows[2501].ip", "required")
	before.unchanged(t, s)
	many := send(
		t, s, "POST", devicesPath+"/import?atomic=false", "hostname,ip,model,type,vendor,site\n"+
			strings.Repeat("x,,m,t,v,s\n", 1001), "Content-Type", "text/csv",
	)
	if got := many.object(t); got["failed"] != 1001.0 || len(got["errors"].([]any)) != 1000 {
		t.Errorf("%v failed, %d errors", got["failed"], len(got["errors"].([]any)))
	}
}

// An export that fails at its beginning is answered with an error. One that fails later ends with
// an error of the connection, so that no client takes it for the whole.
func TestDevices_ExportFails(t *testing.T) {
	if testing.Short() {
		t.Skip("has many thousands of devices, which -short leaves out")
	}
	t.Parallel()
	s := wiretest.Start(t)
	send(t, s, "POST", devicesPath+"/import", deviceFile(30_000), "Content-Type", "text/csv").want(t, 200, "", "")
	closed := sync.OnceFunc(func() { _ = s.Storage.Store.Close() })
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+devicesPath+"/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	closed()
	if rest, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("it ends well after %d octets", len(rest))
	}
	send(t, s, "GET", devicesPath+"/export", "").want(t, 500, "", "rule")
}
