package app_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// writeServerTLS writes a certificate for 127.0.0.1 and its key, and returns the flags for them and the certificate.
func writeServerTLS(t *testing.T) ([]string, *x509.Certificate) {
	t.Helper()
	key := newKey()
	cert := sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, nil, key.Public(), key)
	dir := t.TempDir()
	crtFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := errors.Join(os.WriteFile(crtFile, []byte(certificatePEM(cert)), 0o600), os.WriteFile(keyFile, []byte(keyPEM(key)), 0o600)); err != nil {
		t.Fatal(err)
	}
	return []string{"--tls-certificate", crtFile, "--tls-key", keyFile}, cert
}

func TestServer_TLS(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	var cert *x509.Certificate
	o.Args, cert = writeServerTLS(t)
	p := apptest.Start(t, o)
	token, err := p.Token(t.Context(), "tls")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	url := strings.Replace(p.URL, "http://", "https://", 1)
	for protocol, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		body := strings.NewReader(fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, token))
		response, err := client.Post(url+"/api/oauth2/token", "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Proto != protocol {
			t.Errorf("got %d by %s, want 200 by %s", response.StatusCode, response.Proto, protocol)
		}
		cookies := response.Cookies()
		if len(cookies) != 2 || !cookies[0].Secure || !cookies[1].Secure {
			t.Errorf("cookies: %v", cookies)
		}
	}
	old := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", strings.TrimPrefix(p.URL, "http://"), old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// TestServer_LimitsHeaders: 32 KiB and what net/http adds to it.
func TestServer_LimitsHeaders(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t, onSQLite(t))
	for size, want := range map[int]int{16 << 10: http.StatusOK, 40 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Long", strings.Repeat("x", size))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("a header of %d bytes: %d, want %d", size, response.StatusCode, want)
		}
	}
}

// TestServer_CutsSlowClientsOff: a client that sends its header byte by byte keeps a connection for ten seconds.
func TestServer_CutsSlowClientsOff(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t, onSQLite(t))
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go drip(ctx, conn)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if errors.Is(err, os.ErrDeadlineExceeded) || strings.Contains(string(answer), " 200 ") {
		t.Errorf("after %s the connection is open, or was answered %q", time.Since(begin), answer)
	}
	if took := time.Since(begin); took < 5*time.Second {
		t.Errorf("cut off after %s", took)
	}
	wantReady(t, p.URL)
}

// drip sends a request that does not end.
func drip(ctx context.Context, conn net.Conn) {
	for text := "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "; ctx.Err() == nil; text = "x" {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}
