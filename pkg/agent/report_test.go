package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
)

// reporter is a gateway whose agent reports.
func reporter(t *testing.T) *gateway {
	t.Helper()
	g := settled(t)
	g.i.reports.every, g.i.reports.version = 30*time.Second, "v1"
	g.now = g.now.Add(overview)
	g.do()
	g.s.told = nil
	return g
}

// look lets the agent see who is connected, a while later.
func (g *gateway) look(after time.Duration) {
	g.t.Helper()
	g.now = g.now.Add(after)
	g.i.sessions.looked = time.Time{} // a look is due
	g.do()
}

// reported are the reports since the last call: what they differ from, who is there, and who is
// gone.
func (g *gateway) reported() (list []string) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	for _, r := range g.s.told {
		base, _ := r.Base.Get()
		text := base + ":"
		for sign, sessions := range map[string]chaveiro.Optional[[]chaveiro.AgentSession]{"+": r.Sessions, "-": r.Ended} {
			some, _ := sessions.Get()
			var names []string
			for _, s := range some {
				names = append(names, sign+s.Name)
			}
			slices.Sort(names)
			for _, name := range names {
				text += name
			}
		}
		list = append(list, text)
	}
	g.s.told = nil
	return list
}

func (g *gateway) wantReported(want ...string) {
	g.t.Helper()
	if diff := cmp.Diff(want, g.reported()); diff != "" {
		g.t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// TestInstance_Reports: what is new is told at once, what is not when it is time, and everything
// now and then, or when the service asks for it.
func TestInstance_Reports(t *testing.T) {
	t.Parallel()
	g := reporter(t)
	g.vpn.connect(1, "site-rio", time.Minute)
	g.look(time.Second)
	g.wantReported("mark1:+site-rio")
	g.look(time.Second)
	g.wantReported()
	g.look(30 * time.Second)
	g.wantReported("mark2:")
	g.vpn.connect(2, "site-lisboa", time.Minute)
	g.vpn.set(1, func(s *vpnSession) { s.since++ }) // another session
	g.s.forgot = true
	g.look(time.Second)
	if got := g.reported(); len(got) != 2 || got[1] != ":+site-lisboa+site-rio" {
		t.Errorf("reports %q", got)
	}
	g.look(wholeReport)
	g.wantReported(":+site-lisboa+site-rio")
}

// TestInstance_Reports_Refused: a service that is older, or does not let the agent report, is not
// asked again for a while, and everything else goes on.
func TestInstance_Reports_Refused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 404} {
		g := reporter(t)
		g.s.refused = &chaveiro.StatusError{Status: status}
		g.vpn.connect(1, "site-rio", time.Minute)
		g.look(time.Second)
		for range 5 {
			g.look(10 * time.Second)
		}
		if got := g.reported(); len(got) != 1 {
			t.Errorf("after %d it reports %q", status, got)
		}
		g.revoke("site-rio")
		g.do()
		g.connected()
		g.s.refused = nil
		g.look(unheard)
		g.wantReported(":")
	}
}

// TestInstance_Reports_Down: that OpenVPN has ended is told of one that was there; otherwise it may
// run without the socket, and nothing is said of the sessions.
func TestInstance_Reports_Down(t *testing.T) {
	t.Parallel()
	for _, there := range []bool{true, false} {
		g := reporter(t)
		g.vpn.connect(1, "site-rio", time.Minute)
		g.look(time.Second)
		g.reported()
		if !there {
			g.again()
			g.i.reports.every = 30 * time.Second
		}
		_ = g.vpn.listener.Close()
		g.look(30 * time.Second)
		g.s.mu.Lock()
		last := g.s.told[len(g.s.told)-1]
		g.s.mu.Unlock()
		if last.Up || last.Looked != there {
			t.Errorf("there before: %v: up %v, looked %v", there, last.Up, last.Looked)
		}
	}
}

// TestInstance_Kills: the session that is asked for ends, and no other of its name.
func TestInstance_Kills(t *testing.T) {
	t.Parallel()
	for _, obeys := range []bool{true, false} {
		g := reporter(t)
		g.vpn.obeys = obeys
		g.vpn.connect(1, "site-rio", time.Minute)
		g.vpn.connect(2, "site-rio", time.Minute)
		g.vpn.connect(3, "site-rio", -time.Hour) // the number was used before
		since := noon.Add(-time.Minute).Unix()
		g.change(func(s *service) {
			s.state.Kill = []chaveiro.AgentKill{
				{SessionID: 7, Number: 2, Since: since, Name: "site-rio"}, {SessionID: 8, Number: 3, Since: since, Name: "site-rio"},
			}
		})
		g.do()
		g.connected("site-rio", "site-rio")
		g.vpn.mu.Lock()
		if _, left := g.vpn.sessions[2]; left {
			t.Error("another session was ended")
		}
		g.vpn.mu.Unlock()
		g.do()
		if len(g.i.memory.Pending) != 0 {
			t.Errorf("%+v are left", g.i.memory.Pending)
		}
	}
}

// TestInstance_Reports_Parts: more sessions than one report takes are told in several, each with
// all up to a number.
func TestInstance_Reports_Parts(t *testing.T) {
	t.Parallel()
	g := reporter(t)
	for id := range mostSessions + 5 {
		g.vpn.connect(id, "site-rio", time.Minute)
	}
	g.look(time.Second)
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if len(g.s.told) != 2 {
		t.Fatalf("%d reports", len(g.s.told))
	}
	first, _ := g.s.told[0].Sessions.Get()
	second, _ := g.s.told[1].Sessions.Get()
	upto, _ := g.s.told[0].Upto.Get()
	after, bounded := g.s.told[1].After.Get()
	base, _ := g.s.told[1].Base.Get()
	parted := len(first) == mostSessions && len(second) == 5 && base != ""
	if !parted || upto != mostSessions-1 || after != upto || !bounded {
		t.Errorf("%d up to %d, %d after %d on %q", len(first), upto, len(second), after, base)
	}
	if _, more := g.s.told[1].Upto.Get(); more {
		t.Error("the last part has a bound")
	}
}
