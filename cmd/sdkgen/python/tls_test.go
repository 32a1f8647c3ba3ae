package python_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/python/pythontest"
)

// TestTLS: a server is trusted when its certificate is of the CA in ca_bundle, and not otherwise.
func TestTLS(t *testing.T) {
	t.Parallel()
	pythontest.Interpreter(t)
	p, _, env := start(t)
	mine, other := newAuthority(t), newAuthority(t)
	env = append(env, "CHAVEIRO_URL="+mine.serve(t, p.URL), "CA_BUNDLE="+mine.file, "OTHER_CA_BUNDLE="+other.file)
	pytest(t, env, "tests/live/test_tls.py")
}

// authority is a CA that no system trusts.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // its certificate in PEM
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	made := authority{key: key(t), file: filepath.Join(t.TempDir(), "ca.pem")}
	made.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a CA of tests"}, SubjectKeyId: []byte{1},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	text := certificate(t, made.certificate, made.certificate, made.key, made.key)
	if err := os.WriteFile(made.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return made
}

// serve serves what the server at the URL target does, by TLS with a certificate of the CA. It ends
// with the test.
func (a authority) serve(t *testing.T, target string) (address string) {
	t.Helper()
	its := key(t)
	text := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}, a.certificate, its, a.key)
	pair, errPair := tls.X509KeyPair([]byte(text), []byte(private(t, its)))
	backend, err := url.Parse(target)
	if err != nil || errPair != nil {
		t.Fatal(err, errPair)
	}
	server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(backend))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that don't trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
