package agent

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestProgram_Run: systemd learns that the program is ready and alive, the metrics are there, and
// it ends when it is told to.
func TestProgram_Run(t *testing.T) {
	notified := listenNotify(t)
	t.Setenv("WATCHDOG_USEC", "60000")
	one, two := newGateway(t), newGateway(t)
	two.s.err = errAway
	one.i.ID, two.i.ID = 1, 2
	port := freePort(t)
	p := &Program{
		Instances: []*Instance{one.i, two.i}, Interval: 10 * time.Millisecond, Metrics: port,
		Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for _, want := range []string{"READY=1\nSTATUS=2 instances", "WATCHDOG=1"} {
		if got := <-notified; got != want {
			t.Fatalf("systemd was told %q, not %q", got, want)
		}
	}
	response, err := http.Get("http://" + port)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	for _, want := range []string{
		`chaveiro_agent_crl_expires_seconds{openvpn_instance="1",ca="CN=ca"} 2.5884e+06`,
		`chaveiro_agent_failures{openvpn_instance="1"} 0`, `chaveiro_agent_openvpn_up{openvpn_instance="1"} 1`,
		"# TYPE chaveiro_agent_pending gauge",
	} {
		if err != nil || !hasLine(string(body), want) {
			t.Errorf("no %s in\n%s, %v", want, body, err)
		}
	}
	if strings.Contains(string(body), `chaveiro_agent_failures{openvpn_instance="2"} 0`) {
		t.Error("the second instance has no failures")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func listenNotify(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	messages := make(chan string, 1000)
	go func() {
		for buffer := make([]byte, 1000); ; {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			messages <- string(buffer[:n])
		}
	}()
	return messages
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestProgram_Metrics_Loopback: the metrics are served nowhere else.
func TestProgram_Metrics_Loopback(t *testing.T) {
	t.Parallel()
	p := &Program{Metrics: "0.0.0.0:0", Now: time.Now}
	if _, err := p.serveMetrics(); err == nil {
		t.Error("they are served everywhere")
	}
}

// TestProgram_Alive: an instance that is stuck is told of by silence.
func TestProgram_Alive(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	p := &Program{Instances: []*Instance{g.i}, Now: func() time.Time { return g.now }}
	g.do()
	if !p.alive() {
		t.Error("it is not alive after a step")
	}
	g.now = g.now.Add(stuckAfter + time.Second)
	if p.alive() {
		t.Error("it is alive without one")
	}
}

// TestInstance_Same: what the service has just confirmed is not asked for, but everything is looked
// at again now and then.
func TestInstance_Same(t *testing.T) {
	t.Parallel()
	g := settled(t)
	for _, test := range []struct {
		same   bool
		passes time.Duration
		asks   int
	}{{true, time.Second, 0}, {false, time.Second, 1}, {true, wholeLook, 1}, {true, time.Second, 0}} {
		before := g.s.asked
		g.i.same = test.same
		g.now = g.now.Add(test.passes)
		g.do()
		if asked := g.s.asked - before; asked != test.asks || g.i.same {
			t.Errorf("%+v: asked %d times", test, asked)
		}
		if h := g.i.health.snapshot(); !h.answered.Equal(g.now) {
			t.Errorf("%+v: the service has answered at %s, not at %s", test, h.answered, g.now)
		}
	}
}
