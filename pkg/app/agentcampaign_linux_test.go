package app_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// killing is a gateway of which everything is killed, at any time. Its network has one host of a
// site that may always connect, and one of sites that are revoked one after the other.
type killing struct {
	*gateway
	good site
}

// TestAgent_KilledAtRandom kills the agent, the service and OpenVPN around a revocation, each or
// several of them, at random times. Once all of them are back and two seconds have passed, nothing
// gets through the tunnel of the revoked site, and it does not come back; and the other site is
// never refused. CHAVEIRO_CRASH_CYCLES says how often.
func TestAgent_KilledAtRandom(t *testing.T) {
	t.Parallel()
	k := &killing{gateway: newSpecialGateway(t, special{wire: wireTwoSites})}
	k.good = k.connectFrom("good", object{})
	rounds := 6
	switch {
	case os.Getenv("CHAVEIRO_CRASH_CYCLES") != "":
		rounds = crashCycles(t)
	case nightly:
		rounds = 100
	}
	var all []time.Duration
	for n := range rounds {
		all = append(all, k.round(n))
		if t.Failed() {
			return
		}
	}
	slices.Sort(all)
	t.Logf("all back → dead, %d times: p50 %s, max %s", rounds, all[rounds/2], all[rounds-1])
}

// wireTwoSites joins both sites to the hub by a bridge.
func wireTwoSites(g *gateway) {
	g.t.Helper()
	g.network = newNetwork(g.t, "hub", "site", "good")
	g.check(g.Bridge("hub", "br0", "10.77.0.1/24"))
	for host, address := range map[string]string{"site": "10.77.0.2/24", "good": "10.77.0.3/24"} {
		g.check(g.Wire("hub", host, nil, host, "wan0", []string{address}))
		g.in("hub", "ip", "link", "set", host, "master", "br0")
	}
}

// The victims of a round.
const (
	killsAgent = 1 << iota
	killsService
	killsServer
	killsAll = killsAgent | killsService | killsServer
)

// round lets a site connect, revokes it while some of the three are killed, and checks what has to
// hold. It returns how long after everything was back the last byte came through.
func (k *killing) round(n int) time.Duration {
	k.t.Helper()
	bad := k.connect(object{})
	victims := 1 + rand.N(killsAll)
	early := time.Duration(0) // how long before the revocation they are killed, or after it
	if rand.N(2) == 0 {
		early = rand.N(300 * time.Millisecond)
	}
	what := fmt.Sprintf("round %d, victims %03b, %s before the revocation", n, victims, early)
	if early > 0 {
		k.kill(victims &^ killsService)
		time.Sleep(early)
	}
	revoke(k.t, k.c, bad.ID)
	if early == 0 {
		time.Sleep(rand.N(600 * time.Millisecond))
	}
	k.kill(victims)
	time.Sleep(rand.N(time.Second))
	k.revive(victims)
	took := k.dies(time.Now())
	if took > 2*time.Second {
		k.t.Errorf("%s: the tunnel lived for %s", what, took)
	}
	bad.program.Stop()
	k.refuses(what, bad)
	k.reaches("good", "10.8.0.1:7000", k.good.address)
	k.wantGood(what)
	return took
}

// kill kills those of the victims that run.
func (k *killing) kill(victims int) {
	if victims&killsAgent != 0 {
		k.agent.Kill()
	}
	if victims&killsService != 0 {
		k.p.Kill()
	}
	if victims&killsServer != 0 {
		k.server.Stop()
	}
}

// revive starts the victims again, in any order, and returns when all of them run, and the service
// answers.
func (k *killing) revive(victims int) {
	k.t.Helper()
	order := []int{killsAgent, killsService, killsServer}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, one := range order {
		switch one & victims {
		case killsAgent:
			k.runAgent()
		case killsService:
			k.startService()
		case killsServer:
			k.wantGood("before OpenVPN was killed")
			k.serve()
		}
	}
	get(k.t, k.c, caPath(k.ca.ID, ""))
}

// refuses checks that a revoked site is refused when it connects anew.
func (k *killing) refuses(what string, s site) {
	k.t.Helper()
	before := strings.Count(k.server.Log(), "certificate revoked")
	again := k.start(s.host, s.dir, k.openvpn, "--config", "site.ovpn")
	defer again.Stop()
	k.server.wait(k.t, "certificate revoked", before+1)
	if _, err := k.Dial(s.host, "10.8.0.1:7000"); err == nil {
		k.t.Errorf("%s: the revoked site is connected", what)
	}
	var out record
	k.check(k.c.Do(k.t.Context(), http.MethodGet, clientPath(s.ID, ""), nil, &out))
	if !out.Revoked {
		k.t.Errorf("%s: the service has forgotten the revocation", what)
	}
}

// wantGood checks that the good site was never refused, by the server or by itself.
func (k *killing) wantGood(what string) {
	k.t.Helper()
	for line := range strings.Lines(k.server.Log()) {
		if strings.Contains(line, "VERIFY ERROR") && strings.Contains(line, "CN="+k.good.Name+",") ||
			strings.Contains(line, "CRL has expired") || strings.Contains(line, "CRL is not yet valid") {
			k.t.Errorf("%s: %s", what, line)
		}
	}
	if log := k.good.program.Log(); strings.Contains(log, "AUTH_FAILED") {
		k.t.Errorf("%s: the good site was refused:\n%s", what, log)
	}
}
