package app_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
)

// TestAgent_AwayForLong: the service is away for three lives of a revocation list. There is an
// alarm while a quarter of the life is left. Until the list ends sites can connect, and then they
// can't; a tunnel that is up stays. Once the service is back, everything is as before.
func TestAgent_AwayForLong(t *testing.T) {
	t.Parallel()
	const life = 16 * time.Second // a service has an hour at least
	g, r := newRelisted(t, life, life/3, 0)
	stays := g.connectFrom("good", object{})
	comes := g.connect(object{})
	comes.program.Stop()
	time.Sleep(life + time.Second) // the agent asks early enough while it can
	g.redial(&comes, true)
	comes.program.Stop()

	g.p.Kill()
	r.stop()
	began := time.Now()
	ends := must(parseCRL(g.file("crl.pem"), r.ca.cert)).NextUpdate
	warned := g.awaitAlarm("WARN")
	if left := ends.Sub(warned); left < life/5 || left > life/3 {
		t.Errorf("the warning came %s before the end", left)
	}
	g.redial(&comes, true)
	comes.program.Stop()
	if failed := ends.Sub(g.awaitAlarm("ERROR")); failed < 0 || failed > life/6 {
		t.Errorf("the error came %s before the end", failed)
	}
	g.wantStatus("ends in")
	time.Sleep(time.Until(ends) + time.Second)
	g.redial(&comes, false)
	g.server.wait(t, "CRL has expired", 1)
	comes.program.Stop()
	for time.Since(began) < 3*life {
		g.reaches("good", "10.8.0.1:7000", stays.address)
		time.Sleep(500 * time.Millisecond)
	}
	g.wantStatus("has ended: OpenVPN refuses everybody")

	g.startService()
	r.start()
	g.await("another list", func() bool {
		return must(parseCRL(g.file("crl.pem"), r.ca.cert)).NextUpdate.After(ends)
	})
	g.redial(&comes, true)
	g.reaches("good", "10.8.0.1:7000", stays.address)
	if times := strings.Count(stays.program.Log(), "Initialization Sequence Completed"); times != 1 {
		t.Errorf("the tunnel that was up came up %d times", times)
	}
}

// await waits until something holds.
func (g *gateway) await(what string, holds func() bool) {
	g.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			g.t.Fatalf("there is not %s", what)
		}
	}
}

// redial starts the program of a site again, without asking the service, and waits until it is let
// in, if it is to be.
func (g *gateway) redial(s *site, comesIn bool) {
	g.t.Helper()
	s.program = g.start(s.host, s.dir, g.openvpn, "--config", "site.ovpn")
	if comesIn {
		g.reaches(s.host, "10.8.0.1:7000", s.address)
	}
}

// startService starts the service again where it was.
func (g *gateway) startService() {
	g.t.Helper()
	o := g.o
	o.Args = append(slices.Clone(o.Args), "--listen", strings.TrimPrefix(g.c.URL, "http://"))
	g.p = apptest.Start(g.t, o)
}

// awaitAlarm waits until the agent says, with this level, that a list ends, and returns when it
// did.
func (g *gateway) awaitAlarm(level string) (at time.Time) {
	g.t.Helper()
	g.await("an alarm of level "+level, func() bool {
		for text := range strings.Lines(g.agent.Log()) {
			var line struct {
				Time       time.Time
				Level, Msg string
			}
			if json.Unmarshal([]byte(text), &line) == nil && line.Level == level && strings.Contains(line.Msg, "ends soon") {
				at = line.Time
			}
		}
		return !at.IsZero()
	})
	return at
}

// wantStatus checks that the status of the agent is bad, and why.
func (g *gateway) wantStatus(fault string) {
	g.t.Helper()
	got := apptest.Command(g.t, g.o, "agent", "status", "--instance", fmt.Sprintf("%d=%s", g.hub.ID, g.dir))
	if got.Code != 1 || !strings.Contains(got.Stdout, fault) {
		g.t.Errorf("agent status: code %d, %s%s; want %q", got.Code, got.Stdout, got.Stderr, fault)
	}
}

// TestAgent_Clock: the clock of the gateway is a day ahead of that of the service, and everything
// goes on; it is a day behind, and revocations wait, but nobody is locked out.
func TestAgent_Clock(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	g, r := newRelisted(t, 30*day, time.Hour, -day)
	good, bad := g.connectFrom("good", object{}), g.connect(object{})
	revoke(t, g.c, bad.ID)
	if took := g.dies(time.Now()); took > 2*time.Second {
		t.Errorf("with a clock a day ahead the tunnel lived for %s", took)
	}
	bad.program.Stop()

	r.ahead.Store(0)
	bad = g.connect(object{})
	before := g.file("crl.pem")
	r.ahead.Store(int64(day))
	revoke(t, g.c, bad.ID)
	if _, err := g.agent.AwaitLog(t.Context(), "not up to date"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if string(g.file("crl.pem")) != string(before) {
		t.Error("a list of tomorrow has come into place")
	}
	good.program.Stop()
	g.redial(&good, true)
	g.reaches("site", "10.8.0.1:7000", bad.address)

	r.ahead.Store(0)
	if took := g.dies(time.Now()); took > 12*time.Second { // the agent waits longer after failures
		t.Errorf("after the clock was set the tunnel lived for %s", took)
	}
	g.reaches("good", "10.8.0.1:7000", good.address)
}

// TestAgent_Busy: while another program has the management interface, a session can't be ended;
// once it is free that is made up for.
func TestAgent_Busy(t *testing.T) {
	t.Parallel()
	g := newSpecialGateway(t, special{agentWords: []string{"--report", "0"}}) // it does not hold the interface itself
	s := g.connect(object{})
	var held *management.Client
	g.await("the management interface", func() (free bool) {
		var err error
		held, err = management.Dial(t.Context(), management.Address{Path: g.socket()})
		return err == nil
	})
	before := g.file("crl.pem")
	revoke(t, g.c, s.ID)
	g.await("another list", func() bool { return string(g.file("crl.pem")) != string(before) })
	if _, err := g.agent.AwaitLog(t.Context(), "not up to date"); err != nil {
		t.Fatal(err)
	}
	g.reaches("site", "10.8.0.1:7000", s.address)
	g.check(held.Close())
	if took := g.dies(time.Now()); took > 2*time.Second {
		t.Errorf("once the interface was free the tunnel lived for %s", took)
	}
}
