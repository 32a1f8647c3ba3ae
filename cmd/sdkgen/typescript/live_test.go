package typescript_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/proxytest"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// start starts a server on an empty SQLite database, and returns the variables that lead the SDK to
// it with an apikey that may do everything.
func start(t *testing.T, args ...string) (*apptest.Process, apptest.Options, []string) {
	t.Helper()
	compile(t) // skips early
	o := apptest.Options{DataDir: filepath.Join(t.TempDir(), "data"), Args: args}
	p := apptest.Start(t, o)
	token, err := p.Token(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return p, o, []string{"CHAVEIRO_URL=" + p.URL, "CHAVEIRO_TOKEN=" + token}
}

// TestLive has the flows of programs that use the SDK, against the server itself.
func TestLive(t *testing.T) {
	t.Parallel()
	_, o, variables := start(t, "--webhook-allow", "127.0.0.0/8")
	o.Stdin = "uma senha bem longa\n"
	apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser", "--password-stdin")
	for _, name := range []string{"openvpn", "access", "vault", "webhooks"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, variables, "--test", "out/live/"+name+".test.js")
		})
	}
}

// TestProxy: what a proxy does to requests is mended by trying again, and told apart where not.
func TestProxy(t *testing.T) {
	t.Parallel()
	p, _, variables := start(t)
	run(t, append(variables, "PROXY="+proxytest.Start(t, p.URL)), "--test", "out/live/proxy.test.js")
}

// TestReadme runs the example of the README, on a server without a client.
func TestReadme(t *testing.T) {
	t.Parallel()
	_, _, variables := start(t)
	_, example, found := strings.Cut(read(t, filepath.Join(compile(t), "sdk", "README.md")), "```js\n")
	example, _, ended := strings.Cut(example, "```")
	if !found || !ended {
		t.Fatal("there is no example")
	}
	write(t, compile(t), "example.js", []byte(example))
	if output := run(t, variables, "example.js"); !strings.HasPrefix(output, "no client 1 ") {
		t.Errorf("it printed %q", output)
	}
}

// TestSnippets runs the published examples in JavaScript on a server of their own: they name ids.
func TestSnippets(t *testing.T) {
	t.Parallel()
	_, _, variables := start(t)
	snippets, err := filepath.Abs(filepath.Join("testdata", "snippets"))
	if err != nil {
		t.Fatal(err)
	}
	variables = append(variables, "SNIPPETS="+snippets, "MATERIAL="+material(t))
	run(t, variables, "--test", "out/live/snippets.test.js")
}

// TestOutage: the server is killed in the middle of an iteration and comes back, and the iteration
// meets every item once.
func TestOutage(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // the server listens there now
	p, o, variables := start(t, "--listen", address)
	cmd := command(t.Context(), compile(t), variables, "out/live/outage.js")
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil || cmd.Start() != nil {
		t.Fatal("node does not start")
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "half\n" {
		t.Fatalf("it printed %q: %v", line, err)
	}
	p.Kill()
	if _, err := in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := apptest.Launch(t.Context(), apptest.Binary(t), o); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// material writes a CA, a client of it and a server of it into a folder, in PEM.
func material(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key := issue(t, dir, "ca", ca, ca, nil)
	client := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "imported"}, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	issue(t, dir, "client", client, ca, key)
	server := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	issue(t, dir, "server", server, ca, key)
	return dir
}

// issue writes a certificate and its new key, which signs it itself unless there is a signer.
func issue(t *testing.T, dir, name string, c, parent *x509.Certificate, signer *ecdsa.PrivateKey) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	c.NotBefore, c.NotAfter = time.Now().AddDate(-10, 0, 0), time.Now().AddDate(10, 0, 0)
	cert, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, dir, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return key
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, dir, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
