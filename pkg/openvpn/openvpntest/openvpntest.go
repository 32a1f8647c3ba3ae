// Package openvpntest lets a real OpenVPN client meet a real OpenVPN server, so that what this
// module issues and revokes is judged by the program it is made for.
//
// The server runs in the mode that sites use when this process may open a tun device, and
// point-to-point on a null device otherwise. Only the loopback interface is used, and no address or
// route is set. Every handshake is made by the same server process: a certificate refused after
// [Server.SetCRL] was refused by a running server that had let it in before.
//
// It imports the standard library and the openvpn package. All of it works outside tests; [Require]
// and [Start] are what tests want.
package openvpntest

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// ErrNotInstalled reports that this machine has no openvpn program.
var ErrNotInstalled = errors.New("openvpntest: openvpn not found: install OpenVPN " +
	"(scripts/setup.sh openvpn, or apt-get install openvpn)")

// ErrNoDevice reports that this process may not open a tun device.
var ErrNoDevice = errors.New("openvpntest: there is no tun device, or it needs more rights")

// Find returns the path of the openvpn program, also when the directory Debian
// keeps it in is not on PATH, as for most accounts. The error is [ErrNotInstalled].
func Find() (string, error) {
	for _, name := range []string{"openvpn", "/usr/sbin/openvpn"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNotInstalled
}

// Require returns the path of the openvpn program. Without it the test is
// skipped, except under CI=true, where it fails.
func Require(t testing.TB) string {
	t.Helper()
	path, err := Find()
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatal(err)
	return ""
}

// Start is [StartServer] for tests: it requires openvpn, and the server ends
// with the test.
func Start(t testing.TB, cfg ServerConfig) *Server {
	t.Helper()
	Require(t)
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := StartServer(t.Context(), cfg)
	if errors.Is(err, ErrNoDevice) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}
