package app_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// gateway is a server with its agent, and a site that connects to it.
//
//	site 10.77.0.2 ─ 10.77.0.1 hub, 10.8.0.1 in the tunnel
type gateway struct {
	*network
	t       *testing.T
	o       apptest.Options
	p       *apptest.Process
	c       *apptest.Client
	ca, hub record
	dir     string
	args    []string // of the agent
	agent   *apptest.Process
	server  *daemon
	made    int // sites
	special
}

// special is what differs from the gateway of most tests.
type special struct {
	wire    func(g *gateway)            // makes another network
	makeCA  func(g *gateway) record     // makes another CA
	between func(service string) string // returns what the agent takes for the service
	openvpn string                      // another program
	// more words of the command lines
	serverWords, agentWords []string
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	return newSpecialGateway(t, special{})
}

func newSpecialGateway(t *testing.T, set special) *gateway {
	t.Helper()
	openvpntest.Require(t)
	g := &gateway{t: t, o: onSQLite(t), special: set}
	g.openvpn = cmp.Or(g.openvpn, "openvpn")
	if g.wire == nil {
		g.wire = wireOneSite
	}
	g.wire(g)
	g.check(g.Listen("hub", "7000"))
	g.p = apptest.Start(t, g.o)
	g.c = login(t, g.p)
	if g.makeCA == nil {
		g.makeCA = func(g *gateway) record { return createCA(t, g.c, "ca") }
	}
	g.ca = g.makeCA(g)
	g.hub = create(t, g.c, instancesPath, object{
		"ca_id": g.ca.ID, "name": "vpn", "network": "10.8.0.0/24", "remotes": []string{"10.77.0.1"},
		"keepalive_interval": 1, "keepalive_timeout": 4,
	})
	g.dir = filepath.Join(t.TempDir(), "vpn")
	g.prepareAgent()
	apptest.MustCommand(t, g.o, append([]string{"agent", "once"}, g.args...)...)
	g.serve()
	g.runAgent()
	return g
}

func wireOneSite(g *gateway) {
	g.t.Helper()
	g.network = newNetwork(g.t, "hub", "site")
	g.check(g.Wire("hub", "wan0", []string{"10.77.0.1/24"}, "site", "wan0", []string{"10.77.0.2/24"}))
}

// prepareAgent makes the apikey of the agent: it may do nothing else, and at this instance only.
func (g *gateway) prepareAgent() {
	g.t.Helper()
	create(g.t, g.c, "/api/roles", object{
		"name": "agents", "scopes": []object{{"name": "openvpn.agent", "read": true, "write": true}},
	})
	token := apptest.MustCommand(
		g.t, g.o, "apikey", "create", "--name", "agent", "--role", "agents", "--instance", fmt.Sprint(g.hub.ID),
	)
	dir := g.t.TempDir()
	write(g.t, dir, "token", []byte(token))
	service := g.p.URL
	if g.between != nil {
		service = g.between(service)
	}
	g.args = append(slices.Clone(g.agentWords),
		"--server", service, "--apikey-file", filepath.Join(dir, "token"),
		"--instance", fmt.Sprintf("%d=%s", g.hub.ID, g.dir), "--management", g.socket(),
	)
}

func (g *gateway) socket() string { return filepath.Join(filepath.Dir(g.dir), "vpn.sock") }

// serve starts OpenVPN as the drop-in of the bundle does.
func (g *gateway) serve() {
	g.t.Helper()
	g.server = g.start("hub", g.dir, append([]string{
		g.openvpn, "--management", g.socket(), "unix", "--management-client-user", "root", "--config", "server.conf",
	}, g.serverWords...)...)
	g.server.wait(g.t, "Initialization Sequence Completed", 1)
}

func (g *gateway) runAgent() {
	g.t.Helper()
	agent, err := apptest.SpawnCommand(apptest.Binary(g.t), g.o, append([]string{"agent", "run"}, g.args...)...)
	g.check(err)
	g.agent = agent
	g.t.Cleanup(func() {
		agent.Kill()
		if g.t.Failed() {
			g.t.Logf("the agent:\n%s", agent.Log())
		}
	})
}

// site is a client that is connected.
type site struct {
	record
	host    string
	dir     string
	address string // in the tunnel
	program *daemon
}

// connect makes a site with a config, and lets it connect.
func (g *gateway) connect(config object) site {
	g.t.Helper()
	return g.connectFrom("site", config)
}

// connectFrom is connect for a host of the network.
func (g *gateway) connectFrom(host string, config object) site {
	g.t.Helper()
	g.made++
	s := site{record: createClient(g.t, g.c, g.ca.ID, fmt.Sprintf("site-%d", g.made)), host: host}
	g.configure(s, config)
	s.dir = g.t.TempDir()
	write(g.t, s.dir, "site.ovpn", get(g.t, g.c, clientPath(s.ID, "/profile?format=openvpn")))
	g.waitFile("ccd/" + s.Name)
	g.dial(&s)
	return s
}

// dial starts OpenVPN at the site, again if it was started before: by itself it waits a minute
// after it was refused.
func (g *gateway) dial(s *site) {
	g.t.Helper()
	if s.program != nil {
		s.program.Stop()
	}
	var config struct {
		StaticIP string `json:"static_ip"`
	}
	g.check(g.c.Do(g.t.Context(), http.MethodGet, g.configPath(*s), nil, &config))
	s.program = g.start(s.host, s.dir, g.openvpn, "--config", "site.ovpn")
	s.address = config.StaticIP
	g.reaches(s.host, "10.8.0.1:7000", s.address)
}

// waitFile waits until the agent has put a file into place.
func (g *gateway) waitFile(name string) {
	g.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(g.dir, name)); err == nil {
			return
		} else if time.Now().After(deadline) {
			g.t.Fatal(err)
		}
	}
}

func (g *gateway) configPath(s site) string {
	return clientPath(s.ID, fmt.Sprintf("/configs/%d", g.hub.ID))
}

func (g *gateway) configure(s site, config object) {
	g.t.Helper()
	g.check(g.c.Do(g.t.Context(), http.MethodPut, g.configPath(s), config, nil))
}

// dies waits until nothing has come through the tunnel for a while, and returns how long after
// began the last did.
func (g *gateway) dies(began time.Time) time.Duration {
	g.t.Helper()
	return g.diesAt("site", began)
}

func (g *gateway) diesAt(host string, began time.Time) time.Duration {
	g.t.Helper()
	const quiet = 3 * time.Second
	last := began
	for time.Since(last) < quiet {
		if _, err := g.Dial(host, "10.8.0.1:7000"); err == nil {
			last = time.Now()
		}
		if last.Sub(began) > time.Minute {
			g.t.Fatal("the tunnel lives")
		}
	}
	return last.Sub(began)
}

// TestAgent_Revoked: how long after the answer to its revocation a site gets anything through its
// tunnel, and that it does not come back.
func TestAgent_Revoked(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	times := 10
	if os.Getenv("CHAVEIRO_NIGHTLY") != "" {
		times = 100
	}
	var all []time.Duration
	for n := range times {
		s := g.connect(object{})
		revoke(t, g.c, s.ID)
		all = append(all, g.dies(time.Now()))
		g.server.wait(t, "certificate revoked", n+1)
		s.program.Stop()
	}
	slices.Sort(all)
	t.Logf(
		"revoked → dead, %d times: p50 %s, p99 %s, max %s", times, all[times/2], all[times*99/100], all[times-1],
	)
	if worst := all[times-1]; worst > 2*time.Second {
		t.Errorf("a revoked site had its tunnel for %s", worst)
	}
	g.wantLean()
}

// wantLean checks how much memory the agent has when it has rested for some seconds.
func (g *gateway) wantLean() {
	g.t.Helper()
	const most = 30_000
	resident := most + 1
	for deadline := time.Now().Add(30 * time.Second); resident > most && time.Now().Before(deadline); {
		time.Sleep(time.Second)
		for line := range strings.Lines(string(must(os.ReadFile(fmt.Sprintf("/proc/%d/status", g.agent.PID()))))) {
			_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &resident)
		}
	}
	g.t.Logf("the agent has %d kB of memory", resident)
	if resident > most && !apptest.Raced {
		g.t.Errorf("that is more than %d kB", most)
	}
}

// TestAgent_Life: what happens to a gateway, and that each time revoked sites are out and the
// others are not.
func TestAgent_Life(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	within := func(what string, began time.Time) {
		t.Helper()
		if took := g.dies(began); took > 2*time.Second {
			t.Errorf("%s: the tunnel lived for %s", what, took)
		}
	}
	s := g.connect(object{"static_ip": "10.8.0.20"})
	change(t, g.c, s.record, "/suspend", nil)
	within("suspended", time.Now())
	change(t, g.c, s.record, "/resume", nil)
	time.Sleep(3 * time.Second)
	g.dial(&s)

	g.configure(s, object{"static_ip": "10.8.0.30"})
	g.reaches("site", "10.8.0.1:7000", "10.8.0.30")

	g.check(g.c.Do(t.Context(), http.MethodDelete, g.configPath(s), nil, nil))
	within("without a config", time.Now())
	s.program.Stop()

	t.Log("the agent is killed, and revoked is who was revoked meanwhile")
	s = g.connect(object{})
	g.agent.Kill()
	revoke(t, g.c, s.ID)
	g.runAgent()
	within("revoked while the agent was away", time.Now())
	s.program.Stop()

	g.serverRestarts()
	g.serviceAway()
	g.reloads()
}

// serverRestarts: OpenVPN is killed and started again.
func (g *gateway) serverRestarts() {
	g.t.Helper()
	s := g.connect(object{})
	g.server.Stop()
	g.serve()
	g.reaches("site", "10.8.0.1:7000", s.address)
	revoke(g.t, g.c, s.ID)
	if took := g.dies(time.Now()); took > 2*time.Second {
		g.t.Errorf("after a restart of OpenVPN the tunnel lived for %s", took)
	}
	s.program.Stop()
}

// serviceAway: nothing changes while the service is away, and what was revoked counts once it is
// back.
func (g *gateway) serviceAway() {
	g.t.Helper()
	s := g.connect(object{})
	g.p.Kill()
	g.p = nil
	time.Sleep(3 * time.Second)
	g.reaches("site", "10.8.0.1:7000", s.address)
	address := strings.TrimPrefix(g.c.URL, "http://")
	o := g.o
	o.Args = append(slices.Clone(o.Args), "--listen", address)
	g.p = apptest.Start(g.t, o)
	g.reaches("site", "10.8.0.1:7000", s.address)
	revoke(g.t, g.c, s.ID)
	if took := g.dies(time.Now()); took > 12*time.Second { // the agent waits longer after failures
		g.t.Errorf("after an absence of the service the tunnel lived for %s", took)
	}
	s.program.Stop()
}

// reloads: a change of the configuration reaches OpenVPN.
func (g *gateway) reloads() {
	g.t.Helper()
	before := strings.Count(g.server.Log(), "Initialization Sequence Completed")
	path := fmt.Sprintf("%s/%d", instancesPath, g.hub.ID)
	g.check(g.c.Do(g.t.Context(), http.MethodPut, path, object{"push_routes": []string{"10.99.0.0/24"}}, nil))
	g.server.wait(g.t, "Initialization Sequence Completed", before+1)
	g.connect(object{})
	g.server.wait(g.t, "route 10.99.0.0", 1) // pushed to the site
}
