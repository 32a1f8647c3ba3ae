package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// seenSession is a session as the API lists it.
type seenSession struct {
	ID             int64   `json:"id"`
	ClientID       int64   `json:"client_id"`
	State          string  `json:"state"`
	RealAddress    string  `json:"real_address"`
	Address        string  `json:"address"`
	Cipher         string  `json:"cipher"`
	DisconnectedAt *string `json:"disconnected_at"`
	KillAt         *string `json:"kill_requested_at"`
}

type seenClient struct {
	Connected string  `json:"connected"`
	LastSeen  *string `json:"last_seen"`
}

func (g *gateway) client(s site) (seen seenClient) {
	g.t.Helper()
	g.check(g.c.Do(g.t.Context(), http.MethodGet, clientPath(s.ID, ""), nil, &seen))
	return seen
}

// becomes waits until a site is connected, or not, and returns how long that took.
func (g *gateway) becomes(s site, state string, most time.Duration) time.Duration {
	g.t.Helper()
	began := time.Now()
	for {
		seen := g.client(s)
		if seen.Connected == state {
			return time.Since(began)
		}
		if time.Since(began) > most {
			g.t.Fatalf("after %s the site is %q, not %q", most, seen.Connected, state)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sessions are those of a site, the newest first.
func (g *gateway) sessions(s site) []seenSession {
	g.t.Helper()
	var page struct {
		Sessions []seenSession `json:"sessions"`
	}
	g.check(g.c.Do(g.t.Context(), http.MethodGet, clientPath(s.ID, "/sessions"), nil, &page))
	return page.Sessions
}

func (g *gateway) path(rest string, args ...any) string {
	return fmt.Sprintf("%s/%d", instancesPath, g.hub.ID) + fmt.Sprintf(rest, args...)
}

// TestAgent_Sessions: who is connected is seen at once, a session is ended on demand, and what the
// agent does not confirm any more is unknown.
func TestAgent_Sessions(t *testing.T) {
	t.Parallel()
	g := newSpecialGateway(t, special{agentWords: []string{"--report", "1s"}})
	s := g.connect(object{})
	t.Logf("connected → seen: %s", g.becomes(s, "connected", 5*time.Second))
	g.current()
	g.kills(s)
	s.program.Stop()
	t.Logf("gone → seen: %s", g.becomes(s, "disconnected", 10*time.Second))
	g.dial(&s)
	g.becomes(s, "connected", 5*time.Second)
	g.silence(s)
	g.told(map[string]int{
		"client.connected": 3, "client.disconnected": 2, "session.kill_requested": 1, "agent.silent": 1,
		"agent.recovered": 1,
	})
}

// current: the files and lists that are in place are told.
func (g *gateway) current() {
	g.t.Helper()
	var status struct {
		Agent struct {
			State string `json:"state"`
			Age   int    `json:"age"`
		} `json:"agent"`
		OpenVPN struct {
			Up       bool   `json:"up"`
			Version  string `json:"version"`
			Sessions int    `json:"sessions"`
		} `json:"openvpn"`
		Files struct {
			Current bool `json:"current"`
		} `json:"files"`
		Lists []struct {
			Number  string `json:"number"`
			Current string `json:"current_number"`
			Behind  bool   `json:"behind"`
		} `json:"lists"`
	}
	for deadline := time.Now().Add(10 * time.Second); !status.Files.Current; time.Sleep(100 * time.Millisecond) {
		g.check(g.c.Do(g.t.Context(), http.MethodGet, g.path("/status"), nil, &status))
		if time.Now().After(deadline) {
			break
		}
	}
	if status.Agent.State != "ok" || !status.OpenVPN.Up || status.OpenVPN.Version == "" || status.OpenVPN.Sessions != 1 ||
		!status.Files.Current || len(status.Lists) != 1 || status.Lists[0].Behind ||
		status.Lists[0].Number != status.Lists[0].Current {
		g.t.Errorf("the status is %+v", status)
	}
}

// kills ends the session of a site, which connects again.
func (g *gateway) kills(s site) {
	g.t.Helper()
	before := g.sessions(s)
	if len(before) != 1 || before[0].State != "connected" || before[0].RealAddress != "10.77.0.2" ||
		before[0].Address != s.address || before[0].Cipher == "" {
		g.t.Fatalf("the sessions are %+v", before)
	}
	began := time.Now()
	var asked seenSession
	g.check(g.c.Do(g.t.Context(), http.MethodPost, g.path("/sessions/%d/kill", before[0].ID), nil, &asked))
	if asked.KillAt == nil {
		g.t.Errorf("the answer is %+v", asked)
	}
	for {
		after := g.sessions(s)
		if last := after[len(after)-1]; last.DisconnectedAt != nil {
			break
		}
		if time.Since(began) > 10*time.Second {
			g.t.Fatalf("the session goes on: %+v", after)
		}
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(began)
	g.t.Logf("kill → ended and confirmed: %s", took)
	if took > 3*time.Second { // it is told to the service up to a second after it has ended
		g.t.Errorf("the session was ended after %s", took)
	}
	g.becomes(s, "connected", 10*time.Second)
	if now := g.sessions(s); len(now) != 2 || now[0].State != "connected" || now[1].State != "disconnected" {
		g.t.Errorf("the sessions are %+v", now)
	}
	err := g.c.Do(g.t.Context(), http.MethodPost, g.path("/sessions/%d/kill", before[0].ID), nil, nil)
	if err == nil {
		g.t.Error("a session that has ended can be ended")
	}
}

// silence: without its agent nothing is known of a gateway.
func (g *gateway) silence(s site) {
	g.t.Helper()
	g.agent.Kill()
	const patience = 7 * time.Second // two intervals and five seconds
	took := g.becomes(s, "unknown", patience+2*time.Second)
	g.t.Logf("agent killed → unknown: %s", took)
	if seen := g.client(s); seen.LastSeen == nil {
		g.t.Error("it is not said when the site was last seen")
	}
	g.told(map[string]int{"agent.silent": 1})
	g.runAgent()
	g.becomes(s, "connected", 10*time.Second)
}

// told waits until the stream has so many events of each type.
func (g *gateway) told(want map[string]int) {
	g.t.Helper()
	for kind, n := range want {
		var page struct {
			Events []struct{} `json:"events"`
		}
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			g.check(g.c.Do(g.t.Context(), http.MethodGet, "/api/events?type="+kind, nil, &page))
			if len(page.Events) >= n || time.Now().After(deadline) {
				break
			}
		}
		if len(page.Events) != n {
			g.t.Errorf("%d events %s, not %d", len(page.Events), kind, n)
		}
	}
}
