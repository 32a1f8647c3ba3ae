package tunnel_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestOCSPVerify_OpenVPN: a real server lets a site in while it is good, refuses it in the second
// in which it is revoked although its list is an old one, and refuses everybody without the
// service; as root and as nobody.
func TestOCSPVerify_OpenVPN(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	needOpenSSL(t)
	for name, user := range map[string]string{"root": "", "nobody": "user nobody\ngroup nogroup\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if user != "" && os.Geteuid() != 0 {
				t.Skip("only root can become another account")
			}
			w := NewWorld(t).With(t, namesOCSP)
			now := time.Now()
			w.Clock.At.Store(&now)
			ca := w.NewCA(t)
			i := create(t, w, ca.ID, func(s *domain.InstanceSpec) { s.Control = new("none") })
			site, other := w.NewClient(t, ca.ID), w.NewClient(t, ca.ID)
			for n, one := range []domain.Client{site, other} {
				Must(w.Configs.Put(Operator(t), one.ID, i.ID, domain.ClientConfigUpdate{
					LANs: lans([]string{"192.168.5.0/24", "192.168.6.0/24"}[n]),
				}))(t)
			}
			dir := openDir(t)
			files := unpack(t, w, i.ID, dir)
			openFiles(t, dir)
			service := responders(t, w)
			server := openvpntest.Start(t, openvpntest.ServerConfig{
				Dir: dir, Identity: &openvpntest.Identity{Name: i.Name, CA: []byte(files["ca.crt"])},
				Config: files["server.conf"] + user + "script-security 2\ntls-verify \"/bin/sh " + dir + "/ocsp-verify.sh " +
					service.URL + "/ocsp\"\n",
			})
			if got := join(t, w, server, site, "none", ""); !got.Connected {
				t.Fatalf("a good site: %s\n%s", got.Reason, got.ServerLog)
			}
			Check(t, Second(w.Clients.Revoke(Operator(t), site.ID, domain.RevocationSpec{})))
			if got := join(t, w, server, site, "none", ""); got.Connected || !strings.Contains(got.ServerLog, "is not good") {
				t.Errorf("a revoked site: %+v", got)
			}
			if got := join(t, w, server, other, "none", ""); !got.Connected {
				t.Errorf("another site: %s\n%s", got.Reason, got.ServerLog)
			}
			service.Close()
			if got := join(t, w, server, other, "none", ""); got.Connected || !strings.Contains(got.ServerLog, "no answer") {
				t.Errorf("without the service: %+v", got)
			}
		})
	}
}

// openDir is a directory that every account can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := Must(os.MkdirTemp("", "chaveiro-ocsp-"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	Check(t, os.Chmod(dir, 0o755))
	return dir
}

// openFiles gives the files of a bundle the modes that they have in an archive.
func openFiles(t *testing.T, dir string) {
	t.Helper()
	Check(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".key") {
			return err
		}
		return os.Chmod(path, 0o644)
	}))
}
