package openvpn_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestControlChannels: with keys that are made here, a client connects over each control channel
// that there is; with another key, or without one, it does not reach TLS.
func TestControlChannels(t *testing.T) {
	t.Parallel()
	for _, channel := range openvpn.ControlChannels {
		t.Run(channel, func(t *testing.T) {
			t.Parallel()
			var right, wrong string
			n := startNetwork(t, func(v *openvpn.ServerValues) {
				v.ControlChannel, v.CCDExclusive = channel, false
				v.ControlKey.Text, right, wrong = controlKeys(t, channel)
			})
			with := func(channel, key, extra string) openvpntest.Result {
				return n.connect(t, "a", func(p *openvpn.Profile) {
					p.ControlChannel, p.ControlKey, p.Extra = channel, key, extra
				})
			}
			if result := with(channel, right, ""); !result.Connected {
				t.Errorf("%+v", result)
			}
			if channel == "none" {
				return
			}
			checkUnheard(t, "with another key", with(channel, wrong, "hand-window 2"))
			if testing.Short() {
				return // it takes as long as a client waits
			}
			checkUnheard(t, "without a key", with("none", "", "hand-window 2"))
		})
	}
}

// checkUnheard: the client gets no answer, and the server does not look at its certificate.
func checkUnheard(t *testing.T, name string, result openvpntest.Result) {
	t.Helper()
	unanswered := strings.HasPrefix(result.Reason, "TLS Error: TLS key negotiation failed")
	if result.Connected || !unanswered || strings.Contains(result.ServerLog, "VERIFY") {
		t.Errorf("%s: %+v", name, result)
	}
}

// controlKeys returns keys of a server, and of clients of it and of another server.
func controlKeys(t *testing.T, channel string) (server, right, wrong string) {
	t.Helper()
	switch channel {
	case "none":
		return "", "", ""
	case "tls-crypt-v2":
		key := openvpn.NewTLSCryptServerKey()
		serial := openvpn.Metadata{Data: []byte("1C:B5:C4:14:1B:23:51:40:AB:B8:8C:4B:40:C4:C3:1D")}
		return key.Text(), clientKey(t, key, serial), clientKey(t, openvpn.NewTLSCryptServerKey(), serial)
	default:
		key := openvpn.NewStaticKey().Text()
		return key, key, openvpn.NewStaticKey().Text()
	}
}

func clientKey(t *testing.T, server openvpn.TLSCryptServerKey, metadata openvpn.Metadata) string {
	t.Helper()
	key, err := server.NewClientKey(metadata)
	if err != nil {
		t.Fatal(err)
	}
	return key.Text()
}

// TestTLSCrypt_OfOpenVPN: keys that OpenVPN makes are read here, and those that are wrapped there
// are unwrapped here, with their metadata.
func TestTLSCrypt_OfOpenVPN(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	genkey(t, dir, "--genkey", "tls-crypt-v2-server", "server.key")
	server, err := openvpn.ParseTLSCryptServerKey(readKey(t, dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", openvpn.MaxMetadata)
	for _, data := range []string{"1C:B5", long} {
		encoded := base64.StdEncoding.EncodeToString([]byte(data))
		genkey(t, dir, "--tls-crypt-v2", "server.key", "--genkey", "tls-crypt-v2-client", "client.key", encoded)
		client, err := openvpn.ParseTLSCryptClientKey(readKey(t, dir, "client.key"))
		if err != nil {
			t.Fatal(err)
		}
		key, metadata, err := server.Unwrap(client.Wrapped)
		if err != nil || key != client.Key {
			t.Error(err)
		}
		if diff := cmp.Diff(openvpn.Metadata{Type: openvpn.MetadataUser, Data: []byte(data)}, metadata); diff != "" {
			t.Error(diff)
		}
	}
	genkey(t, dir, "--tls-crypt-v2", "server.key", "--genkey", "tls-crypt-v2-client", "client.key")
	client, err := openvpn.ParseTLSCryptClientKey(readKey(t, dir, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, metadata, err := server.Unwrap(client.Wrapped)
	if err != nil || metadata.Type != openvpn.MetadataTimestamp || len(metadata.Data) != 8 {
		t.Errorf("%v, %v", metadata, err)
	}
}

// TestTLSCrypt_Text: what is written here is byte for byte what OpenVPN writes.
func TestTLSCrypt_Text(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	genkey(t, dir, "--genkey", "tls-crypt-v2-server", "server.key")
	genkey(t, dir, "--tls-crypt-v2", "server.key", "--genkey", "tls-crypt-v2-client", "client.key")
	genkey(t, dir, "--genkey", "secret", "static.key")
	server, err1 := openvpn.ParseTLSCryptServerKey(readKey(t, dir, "server.key"))
	client, err2 := openvpn.ParseTLSCryptClientKey(readKey(t, dir, "client.key"))
	static, err3 := openvpn.ParseStaticKey(readKey(t, dir, "static.key"))
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	for name, text := range map[string]string{
		"server.key": server.Text(), "client.key": client.Text(), "static.key": "#\n# 2048 bit OpenVPN static key\n#\n" + static.Text(),
	} {
		if diff := cmp.Diff(string(readKey(t, dir, name)), text); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func genkey(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), openvpntest.Require(t), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func readKey(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
