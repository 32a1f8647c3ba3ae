package netnstest

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// Listen answers each TCP connection to a port of a host with the address that it comes from.
func (n *Network) Listen(host, port string) error {
	listener, err := n.listener(host, port)
	if err != nil {
		return err
	}
	n.undo = append(n.undo, func() { _ = listener.Close() })
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
	return nil
}

// Dial connects from a host to a port where [Network.Listen] answers, and returns the address that
// the host is seen by there. It waits a second at most.
func (n *Network) Dial(host, address string) (seen string, err error) {
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

// Reaches waits until a host reaches an address, and is seen there by the right one.
func (n *Network) Reaches(ctx context.Context, host, address, seen string) error {
	for {
		got, err := n.Dial(host, address)
		if err == nil && got == seen {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s reaches %s: seen as %q, %v; want %s", host, address, got, err, seen)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
