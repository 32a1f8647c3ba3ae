package app_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/openvpn/netnstest"
)

// network is a network of namespaces that ends with its test.
type network struct {
	*netnstest.Network
	t *testing.T
}

// newNetwork makes the namespaces. It needs root.
func newNetwork(t *testing.T, hosts ...string) *network {
	t.Helper()
	if err := netnstest.Check(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	n := &network{must(netnstest.New(hosts...)), t}
	t.Cleanup(n.Close)
	return n
}

// in runs a program in the network of a host.
func (n *network) in(host string, args ...string) {
	n.t.Helper()
	n.check(n.In(host, args...))
}

// check ends the test when something is wrong with the network.
func (n *network) check(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// reaches waits until a host reaches an address, and is seen there by the right one.
func (n *network) reaches(host, address, seen string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 40*time.Second)
	defer cancel()
	n.check(n.Reaches(ctx, host, address, seen))
}

// daemon is a program that runs in the network of a host.
type daemon struct{ *netnstest.Program }

// start starts a program, which ends with the test.
func (n *network) start(host, dir string, args ...string) *daemon {
	n.t.Helper()
	p, err := n.Start(host, dir, args...)
	n.check(err)
	n.t.Cleanup(func() {
		p.Stop()
		if n.t.Failed() {
			n.t.Logf("%s:\n%s", host, p.Log())
		}
	})
	return &daemon{p}
}

// wait waits until the log has a text, so many times.
func (d *daemon) wait(t *testing.T, text string, times int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := d.Await(ctx, text, times); err != nil {
		t.Fatal(err)
	}
}
