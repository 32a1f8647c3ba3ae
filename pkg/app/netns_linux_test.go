package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// network is a set of network namespaces that a test makes and takes away again. Nothing in them
// reaches the network of the machine.
type network struct {
	t     *testing.T
	names map[string]string // of the namespaces, by what the test calls them
}

// newNetwork makes the namespaces. It needs root.
func newNetwork(t *testing.T, hosts ...string) *network {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("network namespaces need root")
		}
		t.Skip("network namespaces need root")
	}
	n := &network{t, map[string]string{}}
	for i, host := range hosts {
		name := fmt.Sprintf("chv%d-%d", os.Getpid(), i)
		n.names[host] = name
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
		n.run("ip", "netns", "add", name)
		n.in(host, "ip", "link", "set", "lo", "up")
	}
	return n
}

func (n *network) run(args ...string) {
	n.t.Helper()
	if out, err := exec.CommandContext(n.t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// in runs a program in a namespace.
func (n *network) in(host string, args ...string) {
	n.t.Helper()
	n.run(append([]string{"ip", "netns", "exec", n.names[host]}, args...)...)
}

// wire joins two namespaces by a pair of interfaces, each with the addresses that are given.
func (n *network) wire(a, aDevice string, aAddresses []string, b, bDevice string, bAddresses []string) {
	n.t.Helper()
	// Both ends are made where they belong: their names may be taken elsewhere.
	n.run("ip", "-n", n.names[a], "link", "add", aDevice, "type", "veth", "peer", "name", bDevice, "netns", n.names[b])
	n.address(a, aDevice, aAddresses)
	n.address(b, bDevice, bAddresses)
}

func (n *network) address(host, device string, addresses []string) {
	n.t.Helper()
	for _, address := range addresses {
		n.run("ip", "-n", n.names[host], "addr", "add", address, "dev", device, "nodad")
	}
	n.run("ip", "-n", n.names[host], "link", "set", device, "up")
}

// router lets a namespace forward.
func (n *network) router(host string) {
	n.t.Helper()
	n.in(host, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "+
		"for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done")
}

// enter runs fn in the network of a namespace. Sockets that fn makes stay there.
func (n *network) enter(host string, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- func() error {
			space, err := os.Open(filepath.Join("/run/netns", n.names[host]))
			if err != nil {
				return err
			}
			defer space.Close()
			const ofNetwork = syscall.CLONE_NEWNET
			if _, _, errno := syscall.RawSyscall(setns, space.Fd(), ofNetwork, 0); errno != 0 {
				return errno
			}
			return fn()
		}()
	}()
	return <-done
}

// listen answers on a port of a host with the address of whoever connects.
func (n *network) listen(host, port string) {
	n.t.Helper()
	var listener net.Listener
	err := n.enter(host, func() (err error) {
		listener, err = net.Listen("tcp", ":"+port)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			from, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			_, _ = io.WriteString(c, from)
			_ = c.Close()
		}
	}()
}

// dial connects from a host and returns the address that it is seen by.
func (n *network) dial(host, address string) (seen string, err error) {
	err = n.enter(host, func() error {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		text, err := io.ReadAll(c)
		seen = string(text)
		return err
	})
	return seen, err
}

// reaches waits until a host reaches an address, and is seen there by the right one.
func (n *network) reaches(host, address, seen string) {
	n.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		got, err := n.dial(host, address)
		if err == nil && got == seen {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s reaches %s: seen as %q, %v; want %s", host, address, got, err, seen)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// daemon is a program that runs in a namespace.
type daemon struct {
	cmd   *exec.Cmd
	log   *lockedBuffer
	ended chan struct{} // closed when it has ended
}

// start starts a program in a namespace, which ends with the test.
func (n *network) start(host, dir string, args ...string) *daemon {
	n.t.Helper()
	d := &daemon{
		cmd: exec.Command("ip", append([]string{"netns", "exec", n.names[host]}, args...)...), log: &lockedBuffer{},
		ended: make(chan struct{}),
	}
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = dir, d.log, d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the signal comes when the thread ends that has started the program
		defer close(d.ended)
		err := d.cmd.Start()
		started <- err
		if err == nil {
			_ = d.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		d.stop()
		if n.t.Failed() {
			n.t.Logf("%s:\n%s", host, d.log.String())
		}
	})
	return d
}

func (d *daemon) stop() {
	_ = d.cmd.Process.Kill() // fails when it has ended
	<-d.ended
}

// wait waits until the log has a text, so many times.
func (d *daemon) wait(t *testing.T, text string, times int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for strings.Count(d.log.String(), text) < times {
		select {
		case <-ctx.Done():
			t.Fatalf("%q was not logged %d times:\n%s", text, times, d.log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lockedBuffer is what a program has written so far.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all that was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
