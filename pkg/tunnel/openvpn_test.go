package tunnel_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// unpack writes the files of an instance's bundle into a directory, with their times.
func unpack(t *testing.T, w *World, id int64, dir string) map[string]string {
	t.Helper()
	b := Must(w.Instances.Bundle(Operator(t), id, tunnel.BundleRequest{}))(t)
	files := map[string]string{}
	for _, f := range b.Files {
		place := filepath.Join(dir, f.Name)
		if strings.HasSuffix(f.Name, "/") {
			Check(t, os.MkdirAll(place, 0o755))
			continue
		}
		Check(t, os.MkdirAll(filepath.Dir(place), 0o755))
		Check(t, os.WriteFile(place, f.Content, 0o600))
		Check(t, os.Chtimes(place, f.ModifiedAt(), f.ModifiedAt()))
		files[f.Name] = string(f.Content)
	}
	return files
}

// join lets a site connect to a server, with a key of its own for the control channel.
func join(
	t *testing.T, w *World, server *openvpntest.Server, site domain.Client, channel, control string,
) openvpntest.Result {
	t.Helper()
	ctx := Operator(t)
	profile := server.Profile(Must(w.Clients.Certificate(ctx, site.ID))(t), Must(w.Clients.Key(ctx, site.ID))(t))
	profile.ControlChannel, profile.ControlKey, profile.Auth = channel, control, "SHA256"
	if channel == string(domain.TLSCryptV2) {
		key := Must(openvpn.ParseTLSCryptServerKey([]byte(control)))(t)
		profile.ControlKey = Must(key.NewClientKey(openvpn.Timestamp(time.Now())))(t).Text()
	}
	text := Must(profile.Render())(t)
	return Must(server.ConnectProfile(t.Context(), text, ""))(t)
}

// TestBundle_AsOpenVPN: a real server runs with the files of a bundle, as they are. A site that has
// a config there connects and gets its address; one without a config is refused, and so is one that
// is revoked, once the list of the next bundle is there.
func TestBundle_AsOpenVPN(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	for _, channel := range []domain.ControlChannel{
		domain.TLSCryptV2, domain.TLSCrypt, domain.TLSAuth, domain.NoControl,
	} {
		t.Run(string(channel), func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			now := time.Now()
			w.Clock.At.Store(&now)
			ca := w.NewCA(t)
			i := create(t, w, ca.ID, func(s *domain.InstanceSpec) {
				s.Control, s.NetworkV6 = new(string(channel)), new("fd00:8::/64")
				s.PushRoutes, s.ExtraConf = &[]string{"10.20.0.0/16"}, new("sndbuf 0")
			})
			site, stranger := w.NewClient(t, ca.ID), w.NewClient(t, ca.ID)
			_, err := w.Configs.Put(Operator(t), site.ID, i.ID, domain.ClientConfigUpdate{
				StaticIP: new("10.8.0.77"), LANs: lans("192.168.5.0/24"),
			})
			Check(t, err)
			dir := t.TempDir()
			files := unpack(t, w, i.ID, dir)
			server := openvpntest.Start(t, openvpntest.ServerConfig{
				Dir: dir, Config: files["server.conf"],
				Identity: &openvpntest.Identity{Name: i.Name, CA: []byte(files["ca.crt"])},
			})
			got := join(t, w, server, site, string(channel), files["control.key"])
			for _, part := range []string{"ifconfig 10.8.0.77 255.255.255.0", "route 10.20.0.0 255.255.0.0"} {
				if !got.Connected || !strings.Contains(got.ServerLog, part) {
					t.Fatalf("no %q: %s\n%s", part, got.Reason, got.ServerLog)
				}
			}
			if other := join(t, w, server, stranger, string(channel), files["control.key"]); other.Connected {
				t.Error("a site without a config has connected")
			}
			Check(t, Second(w.Clients.Revoke(Operator(t), site.ID, domain.RevocationSpec{})))
			unpack(t, w, i.ID, dir)
			revoked := join(t, w, server, site, string(channel), files["control.key"])
			if revoked.Connected || !strings.Contains(revoked.Reason, "revoked") {
				t.Errorf("a revoked site: %+v", revoked)
			}
		})
	}
}

// TestBundle_AsOpenVPN_Pool: with a pool also a site without a config connects, and gets an address
// of it.
func TestBundle_AsOpenVPN_Pool(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	w := NewWorld(t)
	now := time.Now()
	w.Clock.At.Store(&now)
	ca := w.NewCA(t)
	i := create(t, w, ca.ID, func(s *domain.InstanceSpec) {
		s.Network, s.NetworkV6 = new("10.88.0.0/24"), new("fd00:88::/64")
		s.Control, s.TLSProfile = new("none"), new("compatible")
		s.DHCPEnabled, s.DHCPStart, s.DHCPEnd = new(true), new("10.88.0.200"), new("10.88.0.210")
	})
	dir := t.TempDir()
	files := unpack(t, w, i.ID, dir)
	server := openvpntest.Start(t, openvpntest.ServerConfig{
		Dir: dir, Config: files["server.conf"],
		Identity: &openvpntest.Identity{Name: i.Name, CA: []byte(files["ca.crt"])},
	})
	got := join(t, w, server, w.NewClient(t, ca.ID), "none", "")
	if !got.Connected || !strings.Contains(got.ServerLog, "ifconfig 10.88.0.200 255.255.255.0") {
		t.Errorf("%s\n%s", got.Reason, got.ServerLog)
	}
}
