package ca_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		check func(string) error
		most  int
	}{
		{ca.CheckKeyPassword, ca.MaxKeyPassword},
		{func(p string) error { return ca.CheckPKCS12(ca.PKCS12Modern, p) }, ca.MaxPKCS12Password},
		{func(p string) error { return ca.CheckPKCS12(ca.PKCS12Legacy, p) }, ca.MaxPKCS12Password},
	} {
		wantError(t, test.check(""), ca.ErrPasswordRequired)
		wantError(t, test.check(strings.Repeat("ã", test.most/2)), nil)
		wantError(t, test.check(strings.Repeat("x", test.most)), nil)
		for _, long := range []string{strings.Repeat("x", test.most+1), strings.Repeat("ã", test.most/2+1)} {
			err := test.check(long)
			fault, ok := errors.AsType[*ca.PasswordError](err)
			if !ok || fault.Most != test.most || !errors.Is(err, ca.ErrInvalidRequest) {
				t.Errorf("%d octets: %v", len(long), err)
			}
		}
	}
}

// The limits are those of the real program: it opens a key with the longest password, and not with
// a longer one.
func TestOpenVPN_ReadsTheLongestPasswords(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	root, key := newRoot(t, ca.ECDSAP256), newKey(t, ca.ECDSAP256)
	cert, err := root.IssueClient(clientRequest(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range []int{0, 1} {
		password := strings.Repeat("x", ca.MaxKeyPassword+more)
		encrypted, err := ca.EncryptPrivateKey(key, password)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		writeFile(t, dir, "ca.pem", ca.EncodeCertificatePEM(root.Certificate.Raw))
		writeFile(t, dir, "cert.pem", ca.EncodeCertificatePEM(cert.Raw))
		writeFile(t, dir, "key.pem", encrypted)
		writeFile(t, dir, "password", []byte(password+"\n"))
		opens := openvpnOpens(t, dir, "--ca", "ca.pem", "--cert", "cert.pem", "--key", "key.pem")
		if opens != (more == 0) {
			t.Errorf("a key with a password of %d octets: %v", len(password), opens)
		}
	}
	password := strings.Repeat("x", ca.MaxPKCS12Password)
	for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
		file, err := ca.EncodePKCS12(profile, key, cert, []*x509.Certificate{root.Certificate}, password)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		writeFile(t, dir, "client.p12", file)
		writeFile(t, dir, "password", []byte(password+"\n"))
		if !openvpnOpens(t, dir, "--pkcs12", "client.p12") {
			t.Errorf("a %s file with a password of %d octets is not opened", profile, len(password))
		}
	}
}

// openvpnOpens reports whether openvpn opens a key. Then it goes on to call a server that is not
// there, and is stopped.
func openvpnOpens(t *testing.T, dir string, material ...string) bool {
	t.Helper()
	path := openvpnPath(t)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	command := exec.CommandContext(ctx, path, append(material, "--tls-client", "--dev", "null", "--ifconfig-noexec",
		"--askpass", "password", "--remote", "127.0.0.1", "9", "--proto", "udp", "--nobind", "--hand-window", "1",
		"--tls-exit")...)
	command.Dir = dir
	output, _ := command.CombinedOutput() // it never ends well
	opened := bytes.Contains(output, []byte("UDPv4 link remote"))
	if !opened && !bytes.Contains(output, []byte("password verification failed")) {
		t.Errorf("openvpn says neither:\n%s", output)
	}
	return opened
}
