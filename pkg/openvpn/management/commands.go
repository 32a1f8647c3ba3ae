package management

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// Signal is one that OpenVPN can be sent.
type Signal string

// The signals, from the mildest.
const (
	SIGUSR1 Signal = "SIGUSR1" // begin anew with what is in memory; without persist-key, read the keys again
	SIGHUP  Signal = "SIGHUP"  // read everything again
)

// Version returns what OpenVPN says of its version.
func (c *Client) Version(ctx context.Context) (string, error) {
	lines, err := c.ask(ctx, "version")
	if err != nil {
		return "", err
	}
	for _, line := range lines {
		if text, ok := strings.CutPrefix(line, "OpenVPN Version:"); ok {
			return strings.TrimSpace(text), nil
		}
	}
	return "", fmt.Errorf("management: version: no version in %d lines", len(lines))
}

// Send sends OpenVPN a signal.
func (c *Client) Send(ctx context.Context, signal Signal) error {
	_, err := c.ask(ctx, "signal "+string(signal))
	return err
}

// Restart tells the peer of a session to connect anew. It obeys at once if it is OpenVPN; the
// server itself ends the session after five seconds only. Errors: *CommandError when there is no
// such session.
func (c *Client) Restart(ctx context.Context, s Session) error {
	_, err := c.ask(ctx, fmt.Sprintf("client-kill %d", s.ID))
	return err
}

// End ends a session on the server at once; its peer learns nothing. OpenVPN finds it by its
// address, which has to be of IPv4. Errors: *CommandError when there is no such session.
func (c *Client) End(ctx context.Context, s Session) error {
	address, err := s.ipv4()
	if err != nil {
		return err
	}
	_, err = c.ask(ctx, "kill "+s.protocol()+address.String())
	return err
}

// EndName ends all sessions of a common name on the server at once. Errors: *CommandError when
// there is none.
func (c *Client) EndName(ctx context.Context, name string) error {
	_, err := c.ask(ctx, `kill "`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)+`"`)
	return err
}

// protocol is what stands before the address from OpenVPN 2.7 on, as the command takes it: "udp4:"
// in the status is "udp:" there.
func (s Session) protocol() string {
	switch {
	case strings.HasPrefix(s.Real, "udp"):
		return "udp:"
	case strings.HasPrefix(s.Real, "tcp"):
		return "tcp:"
	}
	return ""
}

// From is the address of the peer, without the protocol that OpenVPN 2.7 writes before it. It is
// not valid where OpenVPN writes something else.
func (s Session) From() netip.AddrPort {
	address, err := netip.ParseAddrPort(s.Real)
	if _, rest, found := strings.Cut(s.Real, ":"); err != nil && found {
		address, _ = netip.ParseAddrPort(rest)
	}
	return netip.AddrPortFrom(address.Addr().Unmap().WithZone(""), address.Port())
}

// ipv4 is the address of the peer.
func (s Session) ipv4() (netip.AddrPort, error) {
	address := s.From()
	if !address.Addr().Is4() {
		return address, fmt.Errorf("management: %q is no address of IPv4", s.Real)
	}
	return address, nil
}
