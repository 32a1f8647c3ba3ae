package openvpn_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestDefaultModel_Starts: a server starts with what the default model writes, whatever the choices
// are, and has nothing to complain of.
func TestDefaultModel_Starts(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	ca := newIssuer(t)
	server := ca.issue(t, "the server", x509.ExtKeyUsageServerAuth)
	var wait sync.WaitGroup
	turns := make(chan struct{}, 4)
	for values := range choices(baseValues(ca, server)) {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			checkStarts(t, values, server)
		})
	}
	wait.Wait()
}

func choices(base openvpn.ServerValues) iter.Seq[openvpn.ServerValues] {
	four, six := openvpn.NetOf(netip.MustParsePrefix("10.98.0.0/24")), openvpn.NetOf(netip.MustParsePrefix("fd00:98::/64"))
	return func(yield func(openvpn.ServerValues) bool) {
		for _, channel := range openvpn.ControlChannels {
			for _, profile := range []string{"modern", "compatible"} {
				for _, proto := range []string{"udp4", "udp6", "tcp4-server", "tcp6-server"} {
					for _, networks := range [][2]openvpn.Net{{four, {}}, {{}, six}, {four, six}} {
						values := base
						values.Proto, values.Network, values.Network6 = proto, networks[0], networks[1]
						values.NotifyExit = strings.HasPrefix(proto, "udp")
						values.TLS, _ = openvpn.TLSProfile(profile)
						values.ControlChannel, values.ControlKey = channel, controlKey(channel)
						if !yield(values) {
							return
						}
					}
				}
			}
		}
	}
}

func baseValues(ca issuer, server openvpntest.Credentials) openvpn.ServerValues {
	return openvpn.ServerValues{
		Name: "a server", Port: 1194, Device: "tun", Topology: "subnet", CCDDir: "ccd", CCDExclusive: true, MaxClients: 5, Verb: 3,
		Routes: []openvpn.Net{openvpn.NetOf(netip.MustParsePrefix("192.168.5.0/24"))},
		CA:     openvpn.File{Text: string(ca.pem)}, Cert: openvpn.File{Text: string(server.Certificate)},
		Key: openvpn.File{Name: "server.key"}, RenegSec: 3600, KeepaliveInterval: 10, KeepaliveTimeout: 60,
		StatusFile: "status.log", Management: "socket", Extra: "# nothing\n",
	}
}

func controlKey(channel string) openvpn.File {
	switch channel {
	case "none":
		return openvpn.File{}
	case "tls-crypt-v2":
		return openvpn.File{Text: openvpn.NewTLSCryptServerKey().Text()}
	default:
		return openvpn.File{Text: openvpn.NewStaticKey().Text()}
	}
}

func checkStarts(t *testing.T, values openvpn.ServerValues, server openvpntest.Credentials) {
	name := fmt.Sprint(values.Proto, values.ControlChannel, values.TLS.Min, values.Network, values.Network6)
	text, err := openvpn.RenderServer(openvpn.DefaultModel, values)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	log, err := openvpntest.TryConfig(t.Context(), serverDir(t, server), text)
	if err != nil {
		t.Errorf("%s: %v: %s", name, err, log)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "WARNING") || strings.Contains(line, "DEPRECATED") || strings.Contains(line, "Options error") {
			t.Errorf("%s: %s", name, line)
		}
	}
}

// serverDir has the files that a server's configuration names.
func serverDir(t *testing.T, server openvpntest.Credentials) string {
	t.Helper()
	dir := t.TempDir()
	err := os.Mkdir(filepath.Join(dir, "ccd"), 0o700)
	if err := errors.Join(err, os.WriteFile(filepath.Join(dir, "server.key"), server.Key, 0o600)); err != nil {
		t.Error(err)
	}
	return dir
}
