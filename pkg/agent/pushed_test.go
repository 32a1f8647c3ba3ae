package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestInstance_Pushes: changed options are pushed to a site that is connected, with the others of
// their kind, where OpenVPN can do that and the site does not connect anew anyway.
func TestInstance_Pushes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version string
		change  func(s *service)
		want    []string
	}{
		"another route": {"2.7.8", func(s *service) {
			s.files["ccd/site-rio"] += "push \"route 10.2.0.0 255.255.0.0\"\n"
		}, []string{"version", `push-update-cid 1 "route 10.1.0.0 255.255.0.0, route 10.2.0.0 255.255.0.0"`}},
		"no name server": {"2.7.8", func(s *service) {
			s.files["ccd/site-rio"] = "ifconfig-push 10.8.0.2 255.255.255.0\npush-remove \"dhcp-option DNS\"\n"
		}, []string{"version", `push-update-cid 1 "-dhcp-option"`}},
		"one who is not there": {"2.7.8", func(s *service) {
			s.files["ccd/site-lisboa"] = "push \"route 10.2.0.0 255.255.0.0\"\n"
		}, []string{"version"}},
		"what can't be changed": {"2.7.8", func(s *service) { s.files["ccd/site-rio"] += "push \"ping 5\"\n" }, nil},
		"before 2.7": {"2.6.14", func(s *service) {
			s.files["ccd/site-rio"] += "push \"route 10.2.0.0 255.255.0.0\"\n"
		}, []string{"version"}},
		"a reload besides": {"2.7.8", func(s *service) {
			s.files["ccd/site-rio"] += "push \"route 10.2.0.0 255.255.0.0\"\n"
			s.files[nameConfig] += "verb 4\n"
		}, []string{"version", "signal SIGHUP"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			g.s.files[nameConfig] += "push \"route 10.1.0.0 255.255.0.0\"\npush \"dhcp-option DNS 10.8.0.1\"\n"
			g.do()
			g.now = noon.Add(2 * handshake)
			g.do()
			g.vpn.version = test.version
			g.vpn.connect(1, "site-rio", time.Minute)
			g.vpn.got()
			g.change(test.change)
			g.do()
			if diff := cmp.Diff(test.want, g.vpn.got()); diff != "" {
				t.Error(diff)
			}
			g.now = g.now.Add(overview)
			g.do()
			if again := g.vpn.got(); again != nil || g.i.memory.Updates != nil {
				t.Errorf("once more: %q, %v", again, g.i.memory.Updates)
			}
		})
	}
}

// TestInstance_Pushes_Killed: what was to be pushed when the agent was killed is pushed by the next
// run.
func TestInstance_Pushes_Killed(t *testing.T) {
	t.Parallel()
	for at := 0; ; at++ {
		g := settled(t)
		g.vpn.version = "2.7.8"
		g.vpn.connect(1, "site-rio", time.Minute)
		g.change(func(s *service) { s.files["ccd/site-rio"] += "push \"route 10.2.0.0 255.255.0.0\"\n" })
		step := 0
		g.i.dir.step = func(string) error {
			if step++; step > at {
				return errCrash
			}
			return nil
		}
		killed := g.i.Step(t.Context())
		g.again()
		g.do()
		if !hasLine(strings.Join(g.vpn.got(), "\n")+"\n", `push-update-cid 1 "route 10.2.0.0 255.255.0.0"`) {
			t.Fatalf("killed at %d: it was not pushed", at)
		}
		if killed == nil {
			return
		}
	}
}
