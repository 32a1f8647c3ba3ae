package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// openvpnPath finds the real program, which CI must have.
func openvpnPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"openvpn", "/usr/sbin/openvpn"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("openvpn is not installed")
	}
	t.Skip("openvpn is not installed")
	return ""
}

// Server and client of a CA below the root meet, each end demanding the usage of the other. A
// client does not pass for the server.
func TestOpenVPN_MeetsTheServerOfACABelow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.RSA2048} {
		for _, honest := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s %v", algorithm, honest), func(t *testing.T) {
				t.Parallel()
				dir, now := t.TempDir(), time.Now()
				root := rootFrom(t, algorithm, now)
				sub := readersSub(t, root, now)
				writeFile(t, dir, "root.pem", ca.EncodeCertificatePEM(root.Certificate.Raw))
				serverKey, clientKey := newKey(t, algorithm), newKey(t, ca.Ed25519)
				server := certificateNow(t, sub, serverKey.Public(), now, honest)
				client := certificateNow(t, sub, clientKey.Public(), now, false)
				writeEnd(t, dir, "server", serverKey, server, sub.Certificate)
				writeEnd(t, dir, "client", clientKey, client, sub.Certificate)
				want := "Initialization Sequence Completed"
				if !honest {
					want = "unsuitable certificate purpose"
				}
				if said := meet(t, dir); !strings.Contains(said, want) {
					t.Errorf("the client says\n%s", said)
				}
			})
		}
	}
}

func rootFrom(t *testing.T, algorithm ca.KeyAlgorithm, now time.Time) *ca.Authority {
	t.Helper()
	root, err := ca.NewRoot(newKey(t, algorithm), ca.RootRequest{
		Subject: ca.Subject{CommonName: "Reader Root", Organization: "Empresa São Paulo"}, PathLength: 1,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(2 * year),
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// certificateNow is that of a server or a client.
func certificateNow(
	t *testing.T, sub *ca.Authority, key crypto.PublicKey, now time.Time, server bool,
) *x509.Certificate {
	t.Helper()
	asked, request := serverRequest(), clientRequest(nil)
	asked.NotBefore, asked.NotAfter = now.Add(-time.Minute), now.Add(year/2)
	request.NotBefore, request.NotAfter = asked.NotBefore, asked.NotAfter
	prepared, err := sub.PrepareClient(request)
	if server {
		prepared, err = sub.PrepareServer(asked)
	}
	if err != nil {
		t.Fatal(err)
	}
	cert, err := prepared.Issue(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// writeEnd writes what one end shows: its certificate and the CA above it, and its key.
func writeEnd(t *testing.T, dir, name string, key crypto.Signer, cert, above *x509.Certificate) {
	t.Helper()
	text, err := ca.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, name+".key", text)
	chain := append(ca.EncodeCertificatePEM(cert.Raw), ca.EncodeCertificatePEM(above.Raw)...)
	writeFile(t, dir, name+".pem", chain)
}

// TestOpenVPN_PKCS12: a client shows what is in a PKCS #12 file alone: key, certificate and CAs.
func TestOpenVPN_PKCS12(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			dir, now := t.TempDir(), time.Now()
			root := rootFrom(t, ca.ECDSAP256, now)
			sub := readersSub(t, root, now)
			writeFile(t, dir, "root.pem", ca.EncodeCertificatePEM(root.Certificate.Raw))
			serverKey, clientKey := newKey(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256)
			writeEnd(t, dir, "server", serverKey, certificateNow(t, sub, serverKey.Public(), now, true), sub.Certificate)
			file, err := ca.EncodePKCS12(profile, clientKey, certificateNow(t, sub, clientKey.Public(), now, false),
				[]*x509.Certificate{sub.Certificate, root.Certificate}, "senha")
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir, "client.p12", file)
			writeFile(t, dir, "password", []byte("senha\n"))
			said := meet(t, dir, "--pkcs12", "client.p12", "--askpass", "password")
			if !strings.Contains(said, "Initialization Sequence Completed") {
				t.Errorf("the client says\n%s", said)
			}
		})
	}
}

// meet runs both ends on the loopback interface, without a device, and returns what the client
// says. When the client ends, the server is ended. identity replaces the options of the client that
// name its files.
func meet(t *testing.T, dir string, identity ...string) string {
	t.Helper()
	path, one, other := openvpnPath(t), freePort(t), freePort(t)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	end := func(peer, local, remote string, more ...string) *exec.Cmd {
		command := exec.CommandContext(ctx, path, append(more, "--dev", "null", "--proto", "udp", "--tls-exit",
			"--local", "127.0.0.1", "--lport", local, "--remote", "127.0.0.1", remote,
			"--remote-cert-tls", peer, "--hand-window", "8", "--ping", "1", "--ping-exit", "3", "--inactive", "3")...)
		command.Dir = dir
		return command
	}
	files := func(name string) []string {
		return []string{"--ca", "root.pem", "--cert", name + ".pem", "--key", name + ".key"}
	}
	if identity == nil {
		identity = files("client")
	}
	server := end("client", one, other, append(files("server"), "--tls-server", "--dh", "none")...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	client := end("server", other, one, append(identity, "--tls-client")...)
	client.Stdout, client.Stderr = &said, &said
	_ = client.Run() // it ends when nothing has passed for some seconds
	stop()
	_ = server.Wait()
	return said.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	_, port, err := net.SplitHostPort(socket.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
