package tunnel_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// TestRemoteUsers_AsOpenVPN: a user connects with each profile as it is downloaded, gets the static
// address and the networks of the instance and of the user, and is refused once revoked. A site at
// the same instance keeps what it has.
func TestRemoteUsers_AsOpenVPN(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	w, ctx := NewWorld(t), Operator(t)
	now := time.Now()
	w.Clock.At.Store(&now)
	ca := w.NewCA(t)
	i := create(t, w, ca.ID, func(s *domain.InstanceSpec) {
		s.Network, s.PushRoutes, s.ExtraConf = new("10.89.0.0/24"), &[]string{"10.20.0.0/16"}, new("sndbuf 0")
	})
	site := w.NewClient(t, ca.ID)
	Must(w.Configs.Put(ctx, site.ID, i.ID, domain.ClientConfigUpdate{LANs: lans("192.168.5.0/24")}))(t)
	user := Must(w.RemoteUsers.Create(ctx, Spec(ca.ID), domain.UserPlace{
		InstanceID: &i.ID, IP: new("10.89.0.77"), PushRoutes: &[]string{"10.30.0.0/16"},
	}))(t)
	dir := t.TempDir()
	files := unpack(t, w, i.ID, dir)
	if files["ccd/"+user.Name] == "" || strings.Contains(files["ccd/"+user.Name], "iroute") {
		t.Fatalf("the file of the user is %q", files["ccd/"+user.Name])
	}
	server := openvpntest.Start(t, openvpntest.ServerConfig{
		Dir: dir, Config: files["server.conf"],
		Identity: &openvpntest.Identity{Name: i.Name, CA: []byte(files["ca.crt"])},
	})
	remote := fmt.Sprintf("localhost:%d", server.Profile(nil, nil).Port)
	Must(w.Instances.Update(ctx, i.ID, domain.InstanceUpdate{Remotes: &[]string{remote}}))(t)
	connect := func(format string, password domain.Secret) openvpntest.Result {
		t.Helper()
		file := Must(w.Profiles.Profile(ctx, tunnel.ProfileRequest{
			ClientID: user.ID, InstanceID: i.ID, Format: format, Password: password,
		}))(t)
		WantSame(t, file.Name, user.Name+".ovpn")
		return Must(server.ConnectProfile(t.Context(), atLoopback(file), string(password)))(t)
	}
	for format, password := range map[string]domain.Secret{"openvpn": "", "connect": "", "p12-profile": "segredo"} {
		got := connect(format, password)
		for _, part := range []string{
			"ifconfig 10.89.0.77 255.255.255.0", "route 10.20.0.0 255.255.0.0", "route 10.30.0.0 255.255.0.0",
		} {
			if !got.Connected || !strings.Contains(got.ServerLog, part) {
				t.Fatalf("%s: no %q: %s\n%s", format, part, got.Reason, got.ServerLog)
			}
		}
	}
	file := Must(w.Profiles.Profile(ctx, tunnel.ProfileRequest{ClientID: user.ID, InstanceID: i.ID}))(t)
	Must(w.RemoteUsers.Revoke(ctx, user.ID, domain.RevocationSpec{}))(t)
	unpack(t, w, i.ID, dir)
	revoked := Must(server.ConnectProfile(t.Context(), atLoopback(file), ""))(t)
	if revoked.Connected || !strings.Contains(revoked.Reason, "revoked") {
		t.Errorf("a revoked user: %+v", revoked)
	}
}

// atLoopback names the address that the server listens on: localhost may be that of IPv6 first.
func atLoopback(file tunnel.Download) []byte {
	return bytes.ReplaceAll(file.Content, []byte("remote localhost "), []byte("remote 127.0.0.1 "))
}
