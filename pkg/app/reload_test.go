package app_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// pairFor writes a certificate with this serial number and this life, and its key.
func pairFor(t *testing.T, dir string, number int64, life time.Duration) (certificate, key string) {
	t.Helper()
	private := newKey()
	cert := sign(&x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, nil, private.Public(), private)
	certificate, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writeFile(t, certificate, certificatePEM(cert), 0o600)
	writeFile(t, key, keyPEM(private), 0o600)
	return certificate, key
}

// shownBy returns the serial number of the certificate that a server shows.
func shownBy(t *testing.T, p *apptest.Process) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.URL, "http://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// hangUp sends SIGHUP and waits for the log line with the outcome.
func hangUp(t *testing.T, p *apptest.Process, message string) {
	t.Helper()
	before := strings.Count(p.Log(), message)
	if err := p.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); strings.Count(p.Log(), message) == before; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("no %q in the log:\n%s", message, p.Log())
		}
	}
}

func TestHangup_ReloadsTheCertificate(t *testing.T) {
	t.Parallel()
	o, dir := onSQLite(t), t.TempDir()
	certificate, key := pairFor(t, dir, 1, 90*24*time.Hour)
	o.Args = []string{"--tls-certificate", certificate, "--tls-key", key}
	p := apptest.Start(t, o)
	want := func(number int64) {
		t.Helper()
		if got := shownBy(t, p); got != number {
			t.Errorf("certificate %d, want %d", got, number)
		}
	}
	want(1)
	pairFor(t, dir, 2, 90*24*time.Hour)
	hangUp(t, p, "TLS certificate reloaded")
	want(2)
	const kept = "the TLS certificate was not reloaded: the one before stays"
	for name, spoil := range map[string]func(){
		"no certificate":      func() { writeFile(t, certificate, "nothing", 0o600) },
		"the key of another":  func() { pairFor(t, dir, 3, time.Hour); writeFile(t, key, keyPEM(newKey()), 0o600) },
		"it has expired":      func() { pairFor(t, dir, 3, -time.Minute) },
		"the file is missing": func() { _ = os.Remove(key) },
	} {
		spoil()
		hangUp(t, p, kept)
		if want(2); t.Failed() {
			t.Fatal(name)
		}
	}
	pairFor(t, dir, 4, 24*time.Hour)
	hangUp(t, p, "the TLS certificate ends soon or has ended")
	want(4)
	pairFor(t, dir, 5, 90*24*time.Hour) // without a signal
	for begin := time.Now(); shownBy(t, p) != 5; time.Sleep(100 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("changed files are not noticed")
		}
	}
}

func TestHangup_ReloadsTheLogLevel(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	file := filepath.Join(t.TempDir(), "level")
	writeFile(t, file, "error\n", 0o600)
	address := freeAddress(t) // at the level error the log does not show it
	o.Args = []string{"--log-level-file", file, "--listen", address}
	p, err := apptest.Spawn(apptest.Binary(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	awaitServing(t, "http://"+address+"/healthz")
	writeFile(t, file, "debug\n", 0o600)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// The first SIGHUP is logged at the level before it.
	for ; !strings.Contains(p.Log(), `"msg":"reloading"`) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if ctx.Err() != nil || strings.Contains(p.Log(), `"msg":"listening"`) {
		t.Fatalf("the level is not the one of the file:\n%s", p.Log())
	}
	writeFile(t, file, "loud\n", 0o600)
	hangUp(t, p, "the log level was not reloaded: the one before stays")
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	wantRefusal(t, o, "log-level-file", "neither debug")
}

// freeAddress returns an address of the loopback interface on which no process listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// awaitServing waits until a URL is answered.
func awaitServing(t *testing.T, url string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(url)
		if err == nil {
			response.Body.Close()
			return
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

// awaitFile waits until a file exists.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("no %s", path)
		}
	}
}

// TestHangup_EndsNoCommand sends SIGHUP while a command waits for its input.
func TestHangup_EndsNoCommand(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	apptest.MustCommand(t, o, "migrate", "up")
	input, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), apptest.Binary(t), "device", "import", "-", "--data-dir", o.DataDir)
	cmd.Stdin, cmd.Stderr = input, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = input.Close()
	awaitFile(t, filepath.Join(o.DataDir, "master.key")) // it runs
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(feed, "hostname,ip,site,model,vendor,type\nrouter-1,192.0.2.1,a,b,c,d\n"); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, &stderr)
	}
}
