package agent

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

// settled is a gateway whose first run is over.
func settled(t *testing.T) *gateway {
	t.Helper()
	g := newGateway(t)
	g.do()
	g.now = noon.Add(2 * handshake)
	g.do()
	if len(g.i.memory.Pending) > 0 {
		t.Fatalf("%+v are left", g.i.memory.Pending)
	}
	return g
}

func (g *gateway) connected(names ...string) {
	g.t.Helper()
	if diff := cmp.Diff(names, g.vpn.names()); diff != "" {
		g.t.Errorf("connected (-want +got):\n%s", diff)
	}
}

// TestInstance_Ends: who has to go goes, and nobody else.
func TestInstance_Ends(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(g *gateway)
		left   []string
	}{
		"a revocation": {func(g *gateway) { g.revoke("site-rio") }, []string{"site-lisboa"}},
		"a config that is gone": {
			func(g *gateway) { g.change(func(s *service) { delete(s.files, "ccd/site-lisboa") }) }, []string{"site-rio"},
		},
		"another address": {func(g *gateway) {
			g.change(func(s *service) { s.files["ccd/site-rio"] = "ifconfig-push 10.8.0.3 255.255.255.0\n" })
		}, []string{"site-lisboa"}},
		"what is pushed": {func(g *gateway) {
			g.change(func(s *service) { s.files["ccd/site-rio"] += "push \"route 10.0.0.0 255.0.0.0\"\n" })
		}, []string{"site-lisboa", "site-rio"}},
		"revocations that are not known": {
			func(g *gateway) { g.change(func(s *service) { s.state.Complete = false }) }, nil,
		},
		"nobody who is connected": {
			func(g *gateway) { g.revoke("site-porto") }, []string{"site-lisboa", "site-rio"},
		},
	} {
		for _, obeys := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := settled(t)
				g.vpn.obeys = obeys
				g.vpn.connect(1, "site-rio", time.Minute)
				g.vpn.connect(2, "site-lisboa", time.Minute)
				test.change(g)
				g.do()
				g.connected(test.left...)
			})
		}
	}
}

// TestInstance_Undefined: a session that has lost its name by a failed renegotiation is ended, also
// by an agent that has never known it.
func TestInstance_Undefined(t *testing.T) {
	t.Parallel()
	for _, seen := range []bool{true, false} {
		g := settled(t)
		g.vpn.connect(1, "site-rio", time.Minute)
		g.vpn.connect(2, "site-lisboa", time.Minute)
		if seen {
			g.now = g.now.Add(overview)
			g.do()
		}
		for id := 1; id <= 2; id++ {
			g.vpn.set(id, func(s *vpnSession) { s.name = management.Undefined })
		}
		// a handshake is no session yet
		g.vpn.connect(3, management.Undefined, time.Minute)
		g.vpn.set(3, func(s *vpnSession) { s.address = "" })
		g.revoke("site-rio")
		g.do()
		if seen {
			g.connected(management.Undefined, management.Undefined)
		} else {
			g.connected(management.Undefined)
		}
		// it comes out as the one that is revoked
		g.vpn.set(3, func(s *vpnSession) { s.name, s.address = "site-rio", "10.8.0.9" })
		g.now = g.now.Add(time.Second)
		g.do()
		for _, name := range g.vpn.names() {
			if name == "site-rio" {
				t.Error("a handshake from before the list went through")
			}
		}
	}
}

// TestInstance_NewSession: who connects once the list is in place was checked by it, and stays.
func TestInstance_NewSession(t *testing.T) {
	t.Parallel()
	g := settled(t)
	g.revoke("site-rio")
	g.do()
	g.vpn.connect(7, "site-rio", -g.now.Sub(noon)-time.Second)
	for range 70 {
		g.now = g.now.Add(time.Second)
		g.do()
	}
	g.connected("site-rio")
	if len(g.i.memory.Pending) != 0 {
		t.Errorf("%+v are left", g.i.memory.Pending)
	}
}

// TestInstance_NoSocket: while nobody listens, or somebody else speaks with OpenVPN, nothing is
// forgotten.
func TestInstance_NoSocket(t *testing.T) {
	t.Parallel()
	g := settled(t)
	g.vpn.connect(1, "site-rio", time.Minute)
	_ = g.vpn.listener.Close()
	g.revoke("site-rio")
	g.s.files[nameConfig] += "verb 4\n"
	for range 5 {
		g.do()
		g.now = g.now.Add(time.Second)
	}
	g.vpn.listen(t)
	busy, err := management.Dial(t.Context(), management.Address{Path: g.vpn.path})
	if err != nil {
		t.Fatal(err)
	}
	g.now = g.now.Add(calm)
	if err := g.i.Step(t.Context()); !errors.Is(err, management.ErrBusy) {
		t.Errorf("%v", err)
	}
	_ = busy.Close()
	g.do()
	g.connected()
	if got := g.vpn.got(); len(got) == 0 || got[len(got)-1] != "signal SIGHUP" {
		t.Errorf("%q", got)
	}
}

// TestInstance_Absent: an OpenVPN that does not run reads everything when it starts.
func TestInstance_Absent(t *testing.T) {
	t.Parallel()
	g := settled(t)
	_ = g.vpn.listener.Close()
	g.change(func(s *service) { s.files[nameConfig] += "verb 4\n" })
	for range 20 {
		g.do()
		g.now = g.now.Add(time.Second)
	}
	g.vpn.got()
	if !g.i.health.snapshot().absent {
		t.Error("the metrics say that OpenVPN is there")
	}
	g.vpn.listen(t)
	g.now = g.now.Add(overview)
	g.do()
	if got := g.vpn.got(); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// TestInstance_Away: while the service is away nothing changes, and what was revoked meanwhile
// counts afterwards.
func TestInstance_Away(t *testing.T) {
	t.Parallel()
	g := settled(t)
	g.vpn.connect(1, "site-rio", time.Minute)
	before := g.read(nameCRL)
	g.s.err = errAway
	for range 10 {
		if err := g.i.Step(t.Context()); !errors.Is(err, errAway) {
			t.Fatal(err)
		}
		if pace := g.i.pace(time.Second); pace < time.Second/2 || pace > longestPause {
			t.Errorf("it waits for %s", pace)
		}
	}
	if g.read(nameCRL) != before {
		t.Error("the list has changed")
	}
	g.connected("site-rio")
	g.s.err = fmt.Errorf("%w: %w", errAway, syscall.ECONNREFUSED)
	if err := g.i.Step(t.Context()); !errors.Is(err, errAway) || g.i.pace(time.Second) > time.Second {
		t.Errorf("%v, and it waits for %s where nobody listens", err, g.i.pace(time.Second))
	}
	g.s.err = nil
	g.revoke("site-rio")
	g.do()
	g.connected()
	if pace := g.i.pace(time.Second); pace != time.Second {
		t.Errorf("it waits for %s", pace)
	}
}
