package netnstest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Network is a set of network namespaces.
type Network struct {
	names map[string]string // of the namespaces, by what the caller calls them
	undo  []func()          // what Close does, the last one first
}

// Check returns why this machine can't have such a network; nil if it can. It makes a namespace,
// which it removes again.
func Check() error {
	if os.Getuid() != 0 {
		return errors.New("network namespaces need root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("there are no tunnels on this machine: %w", err)
	}
	n, err := New("probe")
	if err != nil {
		return fmt.Errorf("there are no network namespaces on this machine: %w", err)
	}
	n.Close()
	return nil
}

// made counts the namespaces of this process, so that several networks have different names.
var made atomic.Int64

// nameFormat makes the name of a namespace of the id of the process, and a number.
const nameFormat = "chv%d-%d"

// Sweep removes the namespaces that this package has made in processes that are gone: one that is
// killed leaves them behind. Those of processes that run stay.
func Sweep() error {
	all, err := os.ReadDir("/run/netns")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there was never one
	}
	for _, space := range all {
		var pid, number int
		_, misnamed := fmt.Sscanf(space.Name(), nameFormat, &pid, &number)
		if misnamed != nil || space.Name() != fmt.Sprintf(nameFormat, pid, number) {
			continue
		}
		if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			err = errors.Join(err, run("ip", "netns", "del", space.Name()))
		}
	}
	return err
}

// New makes a namespace for each host. The caller closes the network.
func New(hosts ...string) (*Network, error) {
	n := &Network{names: map[string]string{}}
	for _, host := range hosts {
		name := fmt.Sprintf(nameFormat, os.Getpid(), made.Add(1))
		if err := run("ip", "netns", "add", name); err != nil {
			n.Close()
			return nil, err
		}
		n.names[host] = name
		n.undo = append(n.undo, func() { _ = run("ip", "netns", "del", name) })
		if err := n.In(host, "ip", "link", "set", "lo", "up"); err != nil {
			n.Close()
			return nil, err
		}
	}
	return n, nil
}

// Close ends what was started in the network, and removes it.
func (n *Network) Close() {
	for i := len(n.undo) - 1; i >= 0; i-- {
		n.undo[i]()
	}
	n.undo = nil
}

func run(args ...string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// In runs a program in the network of a host and waits for its end.
func (n *Network) In(host string, args ...string) error {
	return run(append([]string{"ip", "netns", "exec", n.names[host]}, args...)...)
}

// Wire joins two hosts by a pair of interfaces, each with the addresses that are given.
func (n *Network) Wire(a, aDevice string, aAddresses []string, b, bDevice string, bAddresses []string) error {
	// Both ends are made where they belong: their names may be taken elsewhere.
	err := run("ip", "-n", n.names[a], "link", "add", aDevice, "type", "veth", "peer", "name", bDevice, "netns", n.names[b])
	if err != nil {
		return err
	}
	return errors.Join(n.Up(a, aDevice, aAddresses...), n.Up(b, bDevice, bAddresses...))
}

// Bridge makes a bridge on a host, with the addresses that are given.
func (n *Network) Bridge(host, device string, addresses ...string) error {
	return errors.Join(
		run("ip", "-n", n.names[host], "link", "add", device, "type", "bridge"), n.Up(host, device, addresses...),
	)
}

// Up gives an interface its addresses and brings it up.
func (n *Network) Up(host, device string, addresses ...string) error {
	for _, address := range addresses {
		if err := n.In(host, "ip", "addr", "add", address, "dev", device, "nodad"); err != nil {
			return err
		}
	}
	return n.In(host, "ip", "link", "set", device, "up")
}

// Default sets the default routes of a host, one for each kind of address at most.
func (n *Network) Default(host string, gateways ...string) error {
	for _, gateway := range gateways {
		if err := n.In(host, "ip", "route", "add", "default", "via", gateway); err != nil {
			return err
		}
	}
	return nil
}

// Router lets a host forward packets. Interfaces that are made later do so, too.
func (n *Network) Router(host string) error {
	return n.In(host, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "+
		"for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done")
}

// enter runs fn in the network of a host. Sockets that fn makes stay there.
func (n *Network) enter(host string, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- func() error {
			space, err := os.Open(filepath.Join("/run/netns", n.names[host]))
			if err != nil {
				return err
			}
			defer space.Close()
			if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			return fn()
		}()
	}()
	return <-done
}

// listener makes a listener on a port of a host.
func (n *Network) listener(host, port string) (l net.Listener, err error) {
	err = n.enter(host, func() (err error) {
		l, err = net.Listen("tcp", ":"+port)
		return err
	})
	return l, err
}
