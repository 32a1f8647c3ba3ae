package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestAgent_Versions: the agent beside each version of OpenVPN, with sites of the same version.
func TestAgent_Versions(t *testing.T) {
	t.Parallel()
	programs := map[string]func(testing.TB) string{"installed": openvpntest.Require}
	for _, version := range openvpntest.Versions() {
		programs[version] = func(t testing.TB) string { return openvpntest.RequireVersion(t, version) }
	}
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newSpecialGateway(t, special{openvpn: program(t), wire: wireTwoSites})
			g.ends()
			g.endsUndefined()
			g.restartAsserted(name)
			g.rereads()
			if name == "2.7" {
				g.pushes()
			}
		})
	}
}

// ends: who is revoked or moved is out, and the other site stays.
func (g *gateway) ends() {
	g.t.Helper()
	good, bad := g.connectFrom("good", object{}), g.connect(object{})
	revoke(g.t, g.c, bad.ID)
	if took := g.dies(time.Now()); took > 2*time.Second {
		g.t.Errorf("revoked, the tunnel lived for %s", took)
	}
	g.server.wait(g.t, "certificate revoked", 1)
	bad.program.Stop()
	g.reaches("good", "10.8.0.1:7000", good.address)
	g.configure(good, object{"static_ip": "10.8.0.30"})
	g.reaches("good", "10.8.0.1:7000", "10.8.0.30")
	good.program.Stop()
}

// endsUndefined: a session whose peer has failed to renegotiate, so that it has no name any more,
// is ended too, by an agent that was away meanwhile.
func (g *gateway) endsUndefined() {
	g.t.Helper()
	s := g.connect(object{})
	s.program.Stop()
	s.program = g.start("site", s.dir, g.openvpn, "--config", "site.ovpn", "--reneg-sec", "4")
	g.reaches("site", "10.8.0.1:7000", s.address)
	g.agent.Kill()
	revoke(g.t, g.c, s.ID)
	before := strings.Count(g.server.Log(), "certificate revoked")
	write(g.t, g.dir, "crl.pem", get(g.t, g.c, caPath(g.ca.ID, "/crl")))
	g.server.wait(g.t, "certificate revoked", before+1)
	if _, err := g.Dial("site", "10.8.0.1:7000"); err != nil {
		g.t.Logf("the server has ended the session by itself: %v", err)
	}
	g.runAgent()
	if took := g.dies(time.Now()); took > 2*time.Second {
		g.t.Errorf("without a name, the tunnel lived for %s", took)
	}
	s.program.Stop()
}

// restartAsserted starts OpenVPN 2.5 again, as its unit does, if it has failed its own assertion
// while a session was killed whose peer had failed to renegotiate. Other versions do not.
func (g *gateway) restartAsserted(version string) {
	g.t.Helper()
	const assertion = "Assertion failed at multi.h"
	if version == "2.5" && strings.Contains(g.server.Log(), assertion) {
		g.t.Logf("OpenVPN %s has ended by itself: %s", version, assertion)
		g.serve()
	}
}

// rereads: another certificate of the server and another configuration reach it.
func (g *gateway) rereads() {
	g.t.Helper()
	s := g.connect(object{})
	path := fmt.Sprintf("%s/%d", instancesPath, g.hub.ID)
	for what, change := range map[string]func() error{
		"certificate": func() error { return g.c.Do(g.t.Context(), http.MethodPost, path+"/renew", object{}, nil) },
		"config": func() error {
			return g.c.Do(g.t.Context(), http.MethodPut, path, object{"push_routes": []string{"10.99.0.0/24"}}, nil)
		},
	} {
		before := strings.Count(g.server.Log(), "Initialization Sequence Completed")
		g.check(change())
		g.server.wait(g.t, "Initialization Sequence Completed", before+1)
		time.Sleep(2 * time.Second) // another reload may follow after a second
		g.dial(&s)                  // anew: by itself it may wait for long
		g.t.Logf("%s: %s", what, g.reloadedBy())
	}
	s.program.Stop()
}

// pushes: what is pushed to a site reaches it while it is connected.
func (g *gateway) pushes() {
	g.t.Helper()
	s := g.connect(object{"push_routes": []string{"10.66.0.0/24"}})
	routed := func(network string) func() bool {
		return func() bool { return g.In("site", "sh", "-c", "ip route | grep -q '^"+network+" '") == nil }
	}
	g.await("a route that is pushed at first", routed("10.66.0.0/24"))
	g.configure(s, object{"push_routes": []string{"10.67.0.0/24", "10.68.0.0/24"}})
	g.await("another route", routed("10.68.0.0/24"))
	if routed("10.66.0.0/24")() || !routed("10.67.0.0/24")() {
		g.t.Error("the site has other routes than it is to have")
	}
	g.configure(s, object{"push_routes": []string{}})
	g.await("no route", func() bool { return !routed("10.67.0.0/24")() && !routed("10.68.0.0/24")() })
	g.reaches("site", "10.8.0.1:7000", s.address)
	if times := strings.Count(s.program.Log(), "Peer Connection Initiated"); times != 1 {
		g.t.Errorf("the site has connected %d times", times)
	}
	s.program.Stop()
}

// reloadedBy is by what means OpenVPN was last reloaded.
func (g *gateway) reloadedBy() (means string) {
	for line := range strings.Lines(g.agent.Log()) {
		if strings.Contains(line, `"OpenVPN is reloaded"`) {
			_, means, _ = strings.Cut(line, `"by":`)
		}
	}
	return strings.Trim(means, "\"}\n")
}
