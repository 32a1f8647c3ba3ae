package app_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
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

// writeServerTLS writes a certificate for 127.0.0.1 and its key, and returns the flags for them and
// the certificate.
func writeServerTLS(t *testing.T) ([]string, *x509.Certificate) {
	t.Helper()
	key := newKey()
	cert := sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, nil, key.Public(), key)
	dir := t.TempDir()
	crtFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := errors.Join(
		os.WriteFile(crtFile, []byte(certificatePEM(cert)), 0o600), os.WriteFile(keyFile, []byte(keyPEM(key)), 0o600),
	); err != nil {
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

// TestServer_ClientCertificates: an authorization that needs a certificate is admitted with that
// one alone, over TLS to the server itself.
func TestServer_ClientCertificates(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	flags, server := writeServerTLS(t)
	o.Args = append(flags, "--client-certificates")
	p := apptest.Start(t, o)
	roots := x509.NewCertPool()
	roots.AddCert(server)
	good, another := newClientCertificate(t), newClientCertificate(t)
	as := func(certificates ...tls.Certificate) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	operator, err := p.Token(t.Context(), "operator")
	if err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(p.URL, "http://", "https://", 1)
	var application struct{ ID int }
	call(t, as(), "POST", url+"/api/pam/applications", operator, `{"name":"inventory","method":"oauth2"}`, &application)
	digest := sha256.Sum256(good.Certificate[0])
	var keys struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	body := fmt.Sprintf(`{"application_id":%d,"name":"bound","certificate_fingerprint":"%X"}`, application.ID, digest)
	call(t, as(), "POST", url+"/api/pam/authorizations", operator, body, &keys)
	body = fmt.Sprintf(
		`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, keys.ClientID, keys.ClientSecret,
	)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if status := call(t, as(good), "POST", url+"/iso/oauth2/token", "", body, &token); status != http.StatusOK {
		t.Fatalf("the token: %d", status)
	}
	for name, test := range map[string]struct {
		client *http.Client
		want   int
	}{"the certificate": {as(good), 200}, "another": {as(another), 500}, "none": {as(), 500}} {
		if status := call(
			t, test.client, "GET", url+"/iso/pam/device", token.AccessToken, "", nil,
		); status != test.want {
			t.Errorf("%s: %d, not %d", name, status, test.want)
		}
	}
}

// newClientCertificate makes a self-signed certificate: fingerprints decide which certificate is
// valid, not issuers.
func newClientCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key := newKey()
	cert := sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "client"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, nil, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// call makes a request in JSON, decodes the answer into a value unless that is nil, and returns the
// status.
func call(t *testing.T, client *http.Client, method, url, token, body string, into any) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if into != nil {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode
}

// TestServer_LimitsHeaders: the limit is 32 KiB, and what net/http adds to it.
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

// TestServer_CutsSlowClientsOff: a client that sends its header byte by byte keeps a connection for
// ten seconds.
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
