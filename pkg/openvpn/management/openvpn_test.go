package management_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestOpenVPN: the commands with the program itself, of each version.
func TestOpenVPN(t *testing.T) {
	t.Parallel()
	t.Run("installed", func(t *testing.T) {
		t.Parallel()
		testCommands(t, openvpntest.Require(t))
	})
	for _, version := range openvpntest.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			testCommands(t, openvpntest.RequireVersion(t, version))
		})
	}
}

func testCommands(t *testing.T, program string) {
	t.Helper()
	dir := t.TempDir()
	openvpntest.Start(t, openvpntest.ServerConfig{
		Program: program, Dir: dir, ClientCA: authority(t), Options: []string{"--management", "m.sock", "unix"},
	})
	address := management.Address{Path: filepath.Join(dir, "m.sock")}
	c, err := management.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if version, err := c.Version(t.Context()); err != nil || !strings.HasPrefix(version, "OpenVPN 2.") {
		t.Errorf("version %q, %v", version, err)
	}
	if sessions, err := c.Status(t.Context()); err != nil || len(sessions) != 0 {
		t.Errorf("%v, %v", sessions, err)
	}
	for name, err := range map[string]error{
		"client-kill": c.Restart(t.Context(), management.Session{ID: 99}),
		"kill":        c.End(t.Context(), management.Session{Real: "192.0.2.1:1"}),
		"kill CN":     c.EndName(t.Context(), `a "name" with spaces`),
		"signal":      c.Send(t.Context(), "SIGNONE"),
	} {
		if _, ok := errors.AsType[*management.CommandError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := management.Dial(t.Context(), address); !errors.Is(err, management.ErrBusy) {
		t.Errorf("a second client: %v", err)
	}
	if err := errors.Join(c.Send(t.Context(), management.SIGUSR1), c.Close()); err != nil {
		t.Error(err)
	}
	wantAgain(t, address)
}

// authority is a CA that nobody has a certificate of.
func authority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// wantAgain waits until OpenVPN serves the interface again.
func wantAgain(t *testing.T, address management.Address) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := management.Dial(t.Context(), address)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
