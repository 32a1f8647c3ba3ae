package management

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"
)

// Follow makes OpenVPN send the lines of its log: that a session has ended is nowhere else, unless
// OpenVPN asks a program about each that begins (management-client-auth).
func (c *Client) Follow(ctx context.Context) error {
	_, err := c.ask(ctx, "log on")
	return err
}

// notices reports whether a line says that a session has begun, has ended or has another address.
func notices(line string) bool {
	return strings.HasPrefix(line, ">CLIENT:ESTABLISHED,") || strings.HasPrefix(line, ">CLIENT:DISCONNECT,") ||
		strings.HasPrefix(line, ">CLIENT:ADDRESS,") ||
		strings.HasPrefix(line, ">LOG:") && strings.Contains(line, "client-instance")
}

// Notice waits until OpenVPN says that a session has begun or ended, and reports whether it does
// before a time. The error is also that of ctx.
func (c *Client) Notice(ctx context.Context, until time.Time) (bool, error) {
	_ = c.conn.SetDeadline(until)
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		line, err := c.line()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, nil
		case err != nil:
			return false, err
		case notices(line):
			return true, nil
		}
	}
}
